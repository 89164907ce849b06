import {
  type Address,
  getAddressDecoder,
  getBase58Decoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  getTransactionVersionDecoder,
  type Transaction,
} from '@solana/kit'
import { INVALID_PARAMS, RpcError } from '../rpc/rpc-error.ts'
import { MEMO_PROGRAM, MEMO_V1_PROGRAM } from './programs.ts'
import type { AccountState, CompiledInstruction } from './records.ts'

export const MAX_TRANSACTION_BYTES = 1232
const LOOKUP_TABLE_HEADER_BYTES = 56

/** A transaction taken apart, its lookup tables resolved. */
export interface OpenTransaction {
  readonly signature: string
  readonly signatures: readonly string[]
  readonly wire: Uint8Array
  readonly transaction: Transaction
  readonly version: 'legacy' | 0
  readonly blockhash: string
  readonly header: {
    readonly numRequiredSignatures: number
    readonly numReadonlySignedAccounts: number
    readonly numReadonlyUnsignedAccounts: number
  }
  /** Static keys, then those loaded writable, then those loaded read-only: the order of every index in `meta`. */
  readonly keys: readonly Address[]
  readonly staticKeyCount: number
  readonly loaded: { readonly writable: readonly Address[]; readonly readonly: readonly Address[] }
  readonly lookups: readonly AddressTableLookup[]
  readonly instructions: readonly CompiledInstruction[]
  readonly memo: string | null
}

interface AddressTableLookup {
  readonly accountKey: Address
  readonly writableIndexes: readonly number[]
  readonly readonlyIndexes: readonly number[]
}

type ReadAccount = (address: Address) => AccountState | null

export function openTransaction(wire: Uint8Array, read: ReadAccount): OpenTransaction {
  if (wire.length > MAX_TRANSACTION_BYTES) {
    throw new RpcError(INVALID_PARAMS, `transaction too large: ${wire.length} bytes (max ${MAX_TRANSACTION_BYTES})`)
  }
  const { transaction, message } = decode(wire)
  const lookups = 'addressTableLookups' in message ? (message.addressTableLookups ?? []) : []
  const tables = lookups.map((lookup) => ({
    accountKey: lookup.lookupTableAddress,
    writableIndexes: [...lookup.writableIndexes],
    readonlyIndexes: [...lookup.readonlyIndexes],
  }))
  const loaded = {
    writable: tables.flatMap((table) => lookedUp(read(table.accountKey), table.writableIndexes)),
    readonly: tables.flatMap((table) => lookedUp(read(table.accountKey), table.readonlyIndexes)),
  }
  const keys = [...message.staticAccounts, ...loaded.writable, ...loaded.readonly]
  const signatures = Object.values(transaction.signatures).map((s) =>
    getBase58Decoder().decode(s ?? new Uint8Array(64)),
  )
  const { numSignerAccounts, numReadonlySignerAccounts, numReadonlyNonSignerAccounts } = message.header
  return {
    signature: signatures[0] ?? '',
    signatures,
    wire,
    transaction,
    version: message.version === 'legacy' ? 'legacy' : 0,
    blockhash: message.lifetimeToken,
    header: {
      numRequiredSignatures: numSignerAccounts,
      numReadonlySignedAccounts: numReadonlySignerAccounts,
      numReadonlyUnsignedAccounts: numReadonlyNonSignerAccounts,
    },
    keys,
    staticKeyCount: message.staticAccounts.length,
    loaded,
    lookups: tables,
    instructions: message.instructions.map((instruction) => ({
      programIdIndex: instruction.programAddressIndex,
      accounts: [...(instruction.accountIndices ?? [])],
      data: getBase58Decoder().decode(instruction.data ?? new Uint8Array()),
      stackHeight: 1,
    })),
    memo: memoOf(message.instructions, keys),
  }
}

export function isWritable(open: OpenTransaction, index: number): boolean {
  const { numRequiredSignatures, numReadonlySignedAccounts, numReadonlyUnsignedAccounts } = open.header
  if (index >= open.staticKeyCount) return index < open.staticKeyCount + open.loaded.writable.length
  if (index < numRequiredSignatures) return index < numRequiredSignatures - numReadonlySignedAccounts
  return index < open.staticKeyCount - numReadonlyUnsignedAccounts
}

function decode(wire: Uint8Array) {
  try {
    const transaction = getTransactionDecoder().decode(wire)
    const version = getTransactionVersionDecoder().decode(transaction.messageBytes)
    if (version !== 'legacy' && version !== 0) throw new Error(`unsupported transaction version ${version}`)
    const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes)
    if (message.header.numSignerAccounts === 0) throw new Error('a transaction needs a signer')
    if (message.version !== 'legacy' && message.version !== 0) throw new Error('unsupported transaction version')
    return { transaction, message }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RpcError(
      INVALID_PARAMS,
      `failed to deserialize solana_transaction::versioned::VersionedTransaction: ${reason}`,
    )
  }
}

function lookedUp(table: AccountState | null, indexes: readonly number[]): Address[] {
  return indexes.flatMap((index) => {
    const offset = LOOKUP_TABLE_HEADER_BYTES + 32 * index
    if (table === null || table.data.length < offset + 32) return []
    return [getAddressDecoder().decode(table.data, offset)]
  })
}

/** Memos as `getSignaturesForAddress` shows them: `[length] text`, several joined by `; `. */
function memoOf(
  instructions: readonly { readonly programAddressIndex: number; readonly data?: ArrayLike<number> }[],
  keys: readonly Address[],
): string | null {
  const memos = instructions.flatMap(({ programAddressIndex, data }) => {
    const program = keys[programAddressIndex]
    if (program !== MEMO_PROGRAM && program !== MEMO_V1_PROGRAM) return []
    const bytes = Uint8Array.from(data ?? [])
    return [`[${bytes.length}] ${new TextDecoder().decode(bytes)}`]
  })
  return memos.length === 0 ? null : memos.join('; ')
}
