import type { Micros } from '#kernel/money'

/** PayanAgent's words for what a receipt is of; every trade form's settlement is one of them. */
export const SETTLEMENT_TYPES = ['direct', 'escrow_deposit', 'escrow_release', 'escrow_refund', 'external'] as const
export type SettlementType = (typeof SETTLEMENT_TYPES)[number]

/**
 * Those by which a seller was paid. Deposits and refunds are no trades: with them one dollar would count twice (PA-21).
 */
export const PAYMENT_TYPES: readonly SettlementType[] = ['direct', 'escrow_release', 'external']

/** The network of what moved inside the ledger; everything else is named as CAIP-2 says. */
export const INSIDE = 'souk'

/** What was settled between whom; every trade form gives the same facts (D-19). */
export interface Settlement extends Partial<Circumstances> {
  readonly orderId: string
  readonly form: string
  readonly type: SettlementType
  readonly buyerId: string
  /** Null while nobody is bound to sell. */
  readonly sellerId: string | null
  readonly asset: string
  /** What the bargain cost without a fee on top. */
  readonly price: Micros
  /** What reached the seller. */
  readonly payout: Micros
  readonly fee: Micros
}

/** What not every settlement has. Left out it is null, and the network is the ledger. */
export interface Circumstances {
  /** CAIP-2, or `souk`. */
  readonly network: string
  readonly txHash: string | null
  /** The wallet that paid, where it was paid on a chain. */
  readonly buyerWallet: string | null
  readonly listingId: string | null
  readonly offerId: string | null
  readonly requestId: string | null
  readonly externalResourceId: string | null
  /** Whether the buyer got what it paid for. */
  readonly delivered: boolean | null
  /** HTTP status of the seller's endpoint. */
  readonly deliveryStatus: number | null
  /** From the beginning of the work to its delivery. */
  readonly latencyMs: number | null
}

export interface Receipt extends Required<Settlement> {
  /** Place in the chain, from 1. */
  readonly seq: bigint
  readonly id: string
  /** Compact JWS; its payload is the receipt. */
  readonly jws: string
  /** SHA-256 of the JWS: what the next receipt carries as `previous`. */
  readonly hash: Buffer
  readonly issuedAt: Date
}

/** Hash of the receipt before, as the signed payload says it. */
export function previousIn({ jws }: Pick<Receipt, 'jws'>): string {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()).previous
}
