import type { Micros } from '#kernel/money'
import type { Outcome } from '#platform/gather'

/** Networks on which USDC can arrive and leave. */
export type Network = 'solana' | 'base'

/** An address of ours: the wallet people send to, and the account in which the tokens then lie, which may be the same. */
export interface OwnAddress {
  readonly address: string
  readonly tokenAccount: string
}

/** What one finalized transaction did to one of our token accounts. */
export interface Movement {
  readonly signature: string
  readonly slot: bigint
  /** When its block was made; null when the network does not say. */
  readonly at: Date | null
  /** Net change of the account: positive in, negative out. */
  readonly change: Micros
  /** Owner of the one token account it came from; null when there were several or it cannot be told. */
  readonly source: string | null
}

/** What is to be sent. The rail builds the transaction itself; nobody hands it bytes to sign (D-34). */
export type Intent =
  /** From the hot wallet to a stranger's wallet. */
  | { readonly kind: 'pay'; readonly to: string; readonly amount: Micros; readonly reference: string }
  /** From a deposit address to the hot wallet. */
  | { readonly kind: 'collect'; readonly index: number; readonly amount: Micros; readonly reference: string }

/** A transaction that can be sent, and sent again, as these very bytes (D-15). */
export interface SignedTransaction {
  readonly signature: string
  readonly bytes: Uint8Array
  /** The last height at which it can land. */
  readonly lastValidBlockHeight: bigint
}

/** What the network knows of a transaction. `short`: it failed because the hot wallet held too little. */
export type ChainStatus =
  | { readonly state: 'missing' }
  /** In a block that is not final yet. */
  | { readonly state: 'seen'; readonly succeeded: boolean }
  | { readonly state: 'finalized'; readonly error: null }
  | { readonly state: 'finalized'; readonly error: string; readonly short: boolean }

/** Transactions on the hot wallet's account that carry a text, as far back as the network could be read. */
export interface References {
  /** Newest first; without those that failed. */
  readonly carried: readonly { readonly signature: string; readonly reference: string; readonly isFinal: boolean }[]
  /** Everything later than this was read; null when nobody can say. */
  readonly reach: Date | null
}

/** Why money cannot be sent to an address. */
export type DestinationProblem =
  | 'malformed'
  | 'off_curve'
  | 'not_a_wallet'
  | 'reserved'
  | 'token_account_missing'
  | 'token_account_frozen'

/**
 * One network over which USDC enters and leaves. Reading methods throw `ChainUnreachable` when the network does not
 * answer; only `broadcast` may fail in any way it likes, because its outcome is unknown anyway (D-28).
 */
export interface Rail {
  readonly network: Network
  readonly hotWallet: OwnAddress
  /** Pays the network's fees. */
  readonly feePayer: string
  /** The most one payout may carry; the signer refuses more. */
  readonly maxPayment: Micros
  /** Pure derivation; asks nobody. */
  addressAt(index: number): Promise<OwnAddress>
  /** Whether text is an address of a wallet that a person can hold a key to. */
  isWalletAddress(address: string): boolean
  /** The one way to write an address that may be written in several. */
  canonical(address: string): string
  /** Finalized balances; an account that does not exist, or is not of our token, holds nothing. */
  holdings(tokenAccounts: readonly string[]): Promise<Map<string, Micros>>
  /** What the hot wallet can spend now. */
  spendable(): Promise<Micros>
  /** What the fee payer has for the network's fees, in their smallest unit; `canPayFees` says whether it is enough. */
  feeBalance(): Promise<bigint>
  /** Whether the fee payer can still pay for a batch of transactions. */
  canPayFees(transactions: number): Promise<boolean>
  /**
   * Finalized signatures after `last`, oldest first; when `last` is null all of them. Nothing can have come before `since`, so
   * that a network without an index by address need not be read from its beginning.
   */
  signaturesAfter(tokenAccount: string, last: string | null, since: Date): Promise<readonly string[]>
  /** The newest signatures after `last` that are confirmed but not final yet. */
  unfinalizedAfter(tokenAccount: string, last: string | null): Promise<readonly string[]>
  movement(signature: string, tokenAccount: string): Promise<Movement>
  /** What `Intent.reference` and others have written there since; confirmed is enough. */
  referencesSince(since: Date): Promise<References>
  /** Null when money can be sent there. */
  problemsOf(addresses: readonly string[]): Promise<Map<string, DestinationProblem | null>>
  /** Each alone: one that the signer refuses holds back no other. */
  sign(intents: readonly Intent[]): Promise<readonly Outcome<SignedTransaction>[]>
  broadcast(bytes: Uint8Array): Promise<void>
  statusesOf(signatures: readonly string[]): Promise<Map<string, ChainStatus>>
  /** In the same measure as `lastValidBlockHeight`: blocks, or, where transactions end at a time, seconds. */
  finalizedHeight(): Promise<bigint>
}
