import type { Hex } from 'viem'
import type { SignedAuthorization, Token } from './authorization.ts'

/** A transaction of ours as it stands on the chain. */
export type Landing =
  | { readonly state: 'missing' }
  | { readonly state: 'landed'; readonly succeeded: boolean; readonly place: Place }

/** A block, and which of all that may ever have had its number. */
export interface Place {
  readonly block: bigint
  readonly blockHash: Hex
}

/** The transaction that paid, and where. */
export interface Transfer extends Place {
  readonly txHash: Hex
}

/** What sending costs, per unit of gas. */
export interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

export interface SignedCall {
  readonly hash: Hex
  readonly bytes: Hex
}

/**
 * The chain on which authorizations are settled. Asking throws `ChainUnreachable` when it does not answer; only
 * `broadcast` may fail in any way it likes, because its outcome is unknown anyway (D-28).
 */
export interface SettlementChain {
  /** CAIP-2 */
  readonly network: string
  readonly token: Token
  /** Sends the transactions and pays their gas; holds no money of anybody. */
  readonly relayer: Hex
  /** Null when the token would take it now, else the code of what stands against it. */
  objectionTo(authorization: SignedAuthorization): Promise<string | null>
  /** What a wallet holds of the token. */
  balanceOf(owner: Hex): Promise<bigint>
  /** Whether the payer is a contract that stands by the signature (ERC-1271). */
  isSignedByContract(authorization: SignedAuthorization): Promise<boolean>
  /** What is offered for a transaction signed now: enough for a while, and never more than the operator's ceiling. */
  fees(): Promise<Fees>
  /** What takes one into the next blocks as they are; whatever the ceiling. */
  marketFees(): Promise<Fees>
  /** How many of the relayer's transactions are in blocks: the number whose turn it is. */
  landedByRelayer(): Promise<bigint>
  /** Asks nobody: signs the one call that takes this authorization. */
  sign(authorization: SignedAuthorization, at: { readonly nonce: bigint; readonly fees: Fees }): Promise<SignedCall>
  broadcast(bytes: Hex): Promise<void>
  landingOf(hash: Hex): Promise<Landing>
  /** What is in the blocks after this one, as far as they are not too many; in the newest, where it is null. */
  blocksAfter(last: bigint | null): Promise<{ readonly head: bigint; readonly hashes: readonly Hex[] }>
  /** Seconds since 1970, by the chain's own clock: no block to come is older. */
  time(): Promise<bigint>
  /** The transaction that used the authorization and paid what it says, whoever sent it; null when there is none. */
  transferOf(authorization: SignedAuthorization): Promise<Transfer | null>
  /** The newest block that nothing can take back. */
  finalBlock(): Promise<bigint>
  /** Of the block that has this number now; null where there is none yet, or no more. */
  blockHashAt(block: bigint): Promise<Hex | null>
}
