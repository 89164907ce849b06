import type { Address } from '@solana/kit'

/** One account as the chain keeps it. An account without lamports does not exist. */
export interface AccountState {
  readonly address: Address
  readonly lamports: bigint
  readonly owner: Address
  readonly executable: boolean
  readonly data: Uint8Array
}

/** A transaction error in the shape of the JSON-RPC: `'BlockhashNotFound'` or `{InstructionError: [0, {Custom: 1}]}`. */
export type TransactionFault = string | Readonly<Record<string, unknown>>

export interface UiTokenAmount {
  readonly amount: string
  readonly decimals: number
  readonly uiAmount: number | null
  readonly uiAmountString: string
}

export interface TokenBalance {
  readonly accountIndex: number
  readonly mint: string
  readonly owner: string
  readonly programId: string
  readonly uiTokenAmount: UiTokenAmount
}

export interface CompiledInstruction {
  readonly programIdIndex: number
  readonly accounts: readonly number[]
  readonly data: string
  readonly stackHeight: number
}

export interface InnerInstructions {
  readonly index: number
  readonly instructions: readonly CompiledInstruction[]
}

export interface TransactionMeta {
  readonly err: TransactionFault | null
  readonly status: { readonly Ok: null } | { readonly Err: TransactionFault }
  readonly fee: number
  readonly preBalances: readonly number[]
  readonly postBalances: readonly number[]
  readonly preTokenBalances: readonly TokenBalance[]
  readonly postTokenBalances: readonly TokenBalance[]
  readonly innerInstructions: readonly InnerInstructions[]
  readonly logMessages: readonly string[]
  readonly loadedAddresses: { readonly writable: readonly string[]; readonly readonly: readonly string[] }
  readonly computeUnitsConsumed: number
  readonly rewards: readonly never[]
}

/** A transaction that landed in a block, with everything the history methods answer about it. */
export interface LandedTransaction {
  readonly signature: string
  readonly slot: number
  /** Unix seconds. */
  readonly blockTime: number
  readonly version: 'legacy' | 0
  readonly memo: string | null
  readonly wire: Uint8Array
  readonly meta: TransactionMeta
}
