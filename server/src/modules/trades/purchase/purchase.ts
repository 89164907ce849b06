import type { Micros } from '#kernel/money'
import type { Payment } from '#settlement'

/**
 * ```
 *             seller's answer kept            on the chain
 *  working ────────────────────────▶ settling ────────────▶ settled
 *     │ the seller fails: nothing            │ the chain refuses: the answer stays here
 *     ▼ was asked of the buyer               ▼
 *   failed ◀──────────────────────────────── ┘
 *
 *  settles first:   settling ──on the chain──▶ paid ──seller's answer──▶ settled
 * ```
 * A line without a seller's endpoint (an order, an approval) is settled first, and what follows from the money is done in the commit that
 * ends the purchase; where that is refused by then, it ends `returned`: the whole amount goes back to the payer.
 */
export type PurchaseState = 'working' | 'settling' | 'paid' | 'settled' | 'failed' | 'returned'

/** What is bought: `offer`, `request`, …, and which one of its kind. */
export interface WareName {
  readonly kind: string
  readonly id: string
}

/** What is on sale, as far as buying it needs to know. */
export interface Ware extends WareName {
  /** Null while nobody is bound to sell. */
  readonly sellerId: string | null
  /** Who buys, where that is known before a wallet pays. */
  readonly buyerId?: string
  /** The order that this payment is for; its receipts are the order's. */
  readonly orderId?: string
  readonly price: Micros
  /** Money before work: downloads always, calls where their seller wants it so, and buyers whose payments failed (D-12). */
  readonly settlesFirst: boolean
}

/** What the seller answered. */
export interface Output {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
  /** How long the seller took. */
  readonly latencyMs: number
}

export interface Purchase {
  readonly id: string
  readonly ware: WareName
  readonly orderId: string | null
  readonly sellerId: string | null
  readonly buyerId: string | null
  /** CAIP-2 */
  readonly network: string
  readonly payer: string
  readonly amount: Micros
  readonly payment: Payment
  readonly fingerprint: Buffer
  readonly paymentId: string | null
  readonly input: unknown
  readonly settlesFirst: boolean
  readonly state: PurchaseState
  /** How often the seller was asked. */
  readonly runs: number
  readonly output: Output | null
  /** `order`: the money came, and what it was for could not be had any more. */
  readonly fault: 'seller' | 'payment' | 'order' | null
  readonly reason: string | null
  readonly txHash: string | null
  readonly createdAt: Date
  readonly endedAt: Date | null
}

/** What the buyer may be told of it (D-16). `unknown`: the money may have moved; the same payment, sent again, tells. */
export function statusOf({ state }: Pick<Purchase, 'state'>): 'pending' | 'unknown' | 'settled' | 'failed' {
  if (state === 'settled' || state === 'paid') return 'settled'
  if (state === 'failed' || state === 'returned') return 'failed'
  return state === 'working' ? 'pending' : 'unknown'
}

/** An authorization is public on its chain from when it was used: by itself it opens the answer only so long (D-16). */
export const REPLAY_SECONDS = 120
/** So long an answer is kept for whoever shows its name or signs in as who paid; its status and receipt for ever. */
export const KEEP_SECONDS = 7 * 86_400

export function mayReplay(
  { endedAt, paymentId }: Pick<Purchase, 'endedAt' | 'paymentId'>,
  { shown, signedIn = false, now }: { shown: string | null; signedIn?: boolean; now: Date },
): boolean {
  if (endedAt === null) return false
  const isKnown = signedIn || (paymentId !== null && shown === paymentId)
  return now.getTime() - endedAt.getTime() <= (isKnown ? KEEP_SECONDS : REPLAY_SECONDS) * 1000
}
