import { fromBase64, toBase64 } from './bytes.ts'
import type { Outstanding } from './wallet.ts'
import { recordOf } from './x402.ts'

/** A purchase as it is kept: the signed payment before it is sent, and the answer once there is one. */
export interface Kept {
  readonly version: 1
  /** SHA-256 over method, URL and body: what this payment is for. */
  readonly fingerprint: string
  readonly state: 'signed' | 'paid'
  /** `PAYMENT-SIGNATURE`, as it is sent each time. */
  readonly header: string
  readonly payment: Outstanding & { readonly amount: string; readonly payTo: string }
  /** Whether the server promised one purchase for one payment id. */
  readonly named: boolean
  /** Milliseconds since 1970. */
  readonly signedAt: number
  readonly endedAt: number | null
  readonly purchaseId: string | null
  /** Null while there is none, and where it is too long to be kept. */
  readonly answer: KeptAnswer | null
}

export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Base64 */
  readonly body: string
}

/** What was bought. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/** Longer answers are asked for again: stores of browsers hold little. */
const MAX_KEPT_BYTES = 256 * 1024

export function keepAnswer({ status, headers, body }: Answer): KeptAnswer | null {
  if (body.length > MAX_KEPT_BYTES) return null
  return { status, headers: Object.fromEntries(headers), body: toBase64(body) }
}

export function answerFrom({ status, headers, body }: KeptAnswer): Answer {
  return { status, headers: new Headers(headers), body: fromBase64(body) }
}

export function writeKept(kept: Kept): string {
  return JSON.stringify(kept)
}

/** Throws when it is something else: what cannot be read may be a payment that was made. */
export function readKept(text: string): Kept {
  const kept = recordOf(JSON.parse(text))
  const isOurs = kept['version'] === 1 && typeof kept['header'] === 'string' && typeof kept['fingerprint'] === 'string'
  if (!isOurs) throw new TypeError('what stands in the store is no purchase of this SDK')
  return kept as unknown as Kept
}
