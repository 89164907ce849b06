import { getBase58Decoder } from '@solana/kit'
import { INVALID_PARAMS, RpcError, UNSUPPORTED_TRANSACTION_VERSION } from '../rpc/rpc-error.ts'
import { parsedInstruction } from './instruction-view.ts'
import type { CompiledInstruction, LandedTransaction, TransactionMeta } from './records.ts'
import { isWritable, type OpenTransaction } from './transactions.ts'

export const ENCODINGS = ['json', 'jsonParsed', 'base64', 'base58'] as const
export type TransactionEncoding = (typeof ENCODINGS)[number]

export interface TransactionViewOptions {
  readonly encoding: TransactionEncoding
  /** What the client can read; without it only legacy transactions, whose version is then left unsaid. */
  readonly maxVersion: number | null
}

export function encodingOf(value: unknown): TransactionEncoding {
  const encoding = ENCODINGS.find((known) => known === (value ?? 'json'))
  if (encoding === undefined) throw new RpcError(INVALID_PARAMS, `Invalid params: unknown encoding ${String(value)}`)
  return encoding
}

/** The `transaction`, `meta` and `version` of a landed transaction in the encoding asked for. */
export function transactionView(landed: LandedTransaction, open: OpenTransaction, options: TransactionViewOptions) {
  const { encoding, maxVersion } = options
  if (landed.version !== 'legacy' && maxVersion === null) {
    throw new RpcError(
      UNSUPPORTED_TRANSACTION_VERSION,
      `Transaction version (${landed.version}) is not supported by the requesting client. ` +
        'Please try the request again with the following configuration parameter: "maxSupportedTransactionVersion": 0',
    )
  }
  return {
    transaction: encodedTransaction(landed, open, encoding),
    meta: metaView(landed.meta, open, encoding),
    ...(maxVersion === null ? {} : { version: landed.version }),
  }
}

function encodedTransaction(landed: LandedTransaction, open: OpenTransaction, encoding: TransactionEncoding) {
  if (encoding === 'base64') return [Buffer.from(landed.wire).toString('base64'), 'base64']
  if (encoding === 'base58') return [getBase58Decoder().decode(landed.wire), 'base58']
  const message = encoding === 'json' ? jsonMessage(open) : parsedMessage(open)
  return { signatures: open.signatures, message }
}

function jsonMessage(open: OpenTransaction) {
  return {
    header: open.header,
    accountKeys: open.keys.slice(0, open.staticKeyCount),
    recentBlockhash: open.blockhash,
    instructions: open.instructions,
    ...lookupsOf(open),
  }
}

function parsedMessage(open: OpenTransaction) {
  return {
    accountKeys: accountKeysView(open),
    recentBlockhash: open.blockhash,
    instructions: open.instructions.map((instruction) => parsedInstruction(instruction, open.keys)),
    ...lookupsOf(open),
  }
}

export const accountKeysView = (open: OpenTransaction) =>
  open.keys.map((pubkey, i) => ({
    pubkey,
    signer: i < open.header.numRequiredSignatures,
    writable: isWritable(open, i),
    source: i < open.staticKeyCount ? 'transaction' : 'lookupTable',
  }))

const lookupsOf = (open: OpenTransaction) => (open.version === 'legacy' ? {} : { addressTableLookups: open.lookups })

function metaView(meta: TransactionMeta, open: OpenTransaction, encoding: TransactionEncoding) {
  if (encoding !== 'jsonParsed') return meta
  const { loadedAddresses: _, ...rest } = meta
  const parse = (instruction: CompiledInstruction) => parsedInstruction(instruction, open.keys)
  const innerInstructions = meta.innerInstructions.map(({ index, instructions }) => ({
    index,
    instructions: instructions.map(parse),
  }))
  return { ...rest, innerInstructions }
}
