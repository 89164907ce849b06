import type { Sweep } from '#platform/sweeps'

/** What a seller asks for, by the `exact` scheme. */
export interface Requirements {
  readonly scheme: string
  /** CAIP-2 */
  readonly network: string
  readonly asset: string
  readonly payTo: string
  /** In the token's smallest units. */
  readonly amount: bigint
  /** What the scheme needs besides on this network, as the seller knows it: a token's domain, who pays the fees. */
  readonly extra: Readonly<Record<string, unknown>>
}

/** What a payer signed, in the words that all networks share. */
export interface SignedPayment {
  /** CAIP-2 */
  readonly network: string
  /** The wallet the money comes from; in lower case where case means nothing. */
  readonly payer: string
  /** What the chain takes once from this payer: a token's nonce, the hash of a message. */
  readonly nonce: string
  /** The payer's signature: who sends a known payment without it has not signed it. */
  readonly seal: string
  /** What leaves the payer's wallet, in the token's smallest units. */
  readonly amount: bigint
  /** As it goes over the wire, in the scheme's own words; only the network's facilitator reads it. */
  readonly payload: unknown
}

export interface Payment extends SignedPayment {
  readonly requirements: Requirements
  /** The requirements the buyer says to have accepted. */
  readonly accepted: { readonly scheme: string; readonly network: string }
}

export interface Verdict {
  readonly isValid: boolean
  readonly payer: string
  /** The code clients of x402 know; null when it is valid. */
  readonly reason: string | null
  /** What the payer holds of the token, where it was asked for; of a valid payment only. */
  readonly funds?: bigint
}

/** What became of a payment. `pending`: it may have been made, and nobody may say otherwise (D-28). */
export type SettlementResult =
  | { readonly state: 'settled'; readonly txHash: string }
  | { readonly state: 'pending'; readonly txHash: string | null }
  | { readonly state: 'failed'; readonly reason: string; readonly txHash: string | null }

/** Who asks for a settlement. */
export interface Asking {
  /** False: looks at the chain once, and answers what it saw. */
  readonly waits?: boolean
  /**
   * Whoever asks has reserved this payment for one thing before it was used, and so may take any use of it that paid for
   * his own. To everybody else a payment used elsewhere is spent.
   */
  readonly reserved?: boolean
}

/** The network a facilitator settles on, as payers must know it. */
export interface SettlementNetwork {
  /** CAIP-2 */
  readonly network: string
  /** USDC's contract, or its mint. */
  readonly asset: string
  /** What a wallet needs besides to sign a payment: the token's domain, who pays the fees. */
  readonly extra: Readonly<Record<string, string>>
  /** Sends the transactions and pays their fees; holds no money of anybody. */
  readonly relayer: string
  /** Whether two addresses of this network are one. */
  isSame(one: string, other: string): boolean
}

/** Checks payments of the `exact` scheme on one network and settles them, each at most once. */
export interface Facilitator {
  readonly chain: SettlementNetwork
  /** Reads a payload as it comes over the wire. Throws `payment_malformed` when it is none of this network. */
  read(payload: unknown): SignedPayment
  verify(payment: Payment): Promise<Verdict>
  settle(payment: Payment, asking?: Asking): Promise<SettlementResult>
  /**
   * What has become of a payment that somebody else sends: looks at the chain once and sends nothing. Missing where a chain
   * cannot be asked that.
   */
  outcomeOf?(payment: Payment): Promise<SettlementResult>
  /** What must be done in the background, here. */
  readonly sweeps: readonly Sweep[]
}
