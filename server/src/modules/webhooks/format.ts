import type { Db } from '#platform/db'
import type { OutboxEvent } from '#platform/outbox'

/** One message to one address. */
export interface Message {
  readonly recipientId: string
  readonly url: string
  /** The contract's own word, such as `job.delivered`. */
  readonly eventName: string
  /** Sent as JSON; under 20 kB, and with `type`, `timestamp` and `data` at its top (Standard Webhooks). */
  readonly body: object
}

/** What a contract adds to the headers of Standard Webhooks. */
export interface Signing {
  readonly eventName: string
  /** The bytes on the wire, as text. */
  readonly body: string
  /** `whsec_…`; the current one first, then the one before while it is still valid. Never empty. */
  readonly secrets: readonly string[]
}

/** One contract's webhooks: which news it tells, to whom, in which words, under which signature. Faces bring them. */
export interface WebhookFormat {
  /** Kept with each delivery, so never renamed. */
  readonly name: string
  hears(eventName: string): boolean
  /** Messages this event causes; recipients without an address are left out. Runs inside the fan-out's unit of work. */
  compose(db: Db, event: OutboxEvent): Promise<readonly Message[]>
  headers(signing: Signing): Readonly<Record<string, string>>
}
