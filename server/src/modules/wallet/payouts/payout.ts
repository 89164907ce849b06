import type { Micros } from '#kernel/money'
import type { AccountId } from '#ledger'
import type { Network } from '../rail.ts'

/** Why money leaves. A sweep only changes which of our own accounts it lies on. */
export type PayoutKind = 'withdrawal' | 'panic' | 'fees' | 'sweep' | 'release' | 'refund' | 'surplus'

/**
 * requested → signed → sent → confirmed, or failed with the money returned. `queued_liquidity`: the network holds too
 * little at the moment; only such a payout can be cancelled.
 */
export type PayoutState = 'requested' | 'queued_liquidity' | 'signed' | 'sent' | 'confirmed' | 'failed' | 'cancelled'

export interface Payout {
  readonly id: string
  readonly kind: PayoutKind
  readonly partyId: string | null
  /** The order whose money it is; null for everything else. */
  readonly orderId: string | null
  readonly network: Network
  readonly sourceIndex: number | null
  readonly destination: string
  readonly gross: Micros
  readonly fee: Micros
  /** What arrives. */
  readonly net: Micros
  readonly heldIn: AccountId | null
  readonly returnTo: AccountId | null
  readonly state: PayoutState
  readonly failure: string | null
  readonly createdAt: Date
  /** When its order heard that it is in a block. */
  readonly landedAt: Date | null
  readonly endedAt: Date | null
  /** The transaction that landed, or the one that still may. */
  readonly txHash: string | null
}

/** The one transaction of a payout that can still land (D-15). */
export interface LiveAttempt {
  readonly n: number
  readonly signature: string
  readonly bytes: Buffer
  readonly lastValidBlockHeight: bigint
  readonly seen: boolean
  /** Long enough ago that the same bytes should be sent again. */
  readonly resendDue: boolean
  /** Whether, after its last valid block, it was looked for in vain before, and long enough ago. */
  readonly missing: 'no' | 'once' | 'twice'
}

export interface ClaimedPayout extends Payout {
  readonly live: LiveAttempt | null
  /** Highest number of a transaction of its own so far. */
  readonly attempts: number
  /** Real time up to which every transaction of its own is known here. */
  readonly knownUntil: Date
  /** That is so long ago that the chain must be searched before anything is done. */
  readonly searchDue: boolean
}
