import type { NoticeFormat } from '#events'

/** What a contract adds to the headers of Standard Webhooks. */
export interface Signing {
  readonly eventName: string
  /** The bytes on the wire, as text. */
  readonly body: string
  /** `whsec_…`; the current one first, then the one before while it is still valid. Never empty. */
  readonly secrets: readonly string[]
}

/** One contract's webhooks: its news, and the signature of its own. Faces bring them. */
export interface WebhookFormat extends NoticeFormat {
  headers(signing: Signing): Readonly<Record<string, string>>
}
