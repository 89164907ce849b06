import { BLOCK_NOT_AVAILABLE, INVALID_PARAMS, RpcError } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import type { LandedTransaction } from '../records.ts'
import { accountKeysView, encodingOf, type TransactionViewOptions, transactionView } from '../transaction-view.ts'
import { type OpenTransaction, openTransaction } from '../transactions.ts'
import {
  addressParam,
  contextSlot,
  historyCommitmentOf,
  inContext,
  integerParam,
  listParam,
  type Options,
  optionsParam,
  signatureParam,
} from './params.ts'

const MAX_HISTORY = 1000
const MAX_STATUSES = 256
const MAX_BLOCKS = 500_000

export const historyMethods = (chain: Chain): RpcMethods => ({
  getSignatureStatuses: ([signatures, options]) => {
    const asked = listParam(signatures)
    if (asked.length > MAX_STATUSES) throw new RpcError(INVALID_PARAMS, `Too many inputs provided; max ${MAX_STATUSES}`)
    // The whole history is always searched: it is local and never pruned.
    const { searchTransactionHistory: _, ...at } = optionsParam(options)
    const statuses = asked.map((one) => statusOf(chain, signatureParam(one)))
    return inContext(chain, { commitment: 'processed', ...at }, statuses)
  },
  getSignaturesForAddress: ([address, options]) => signaturesFor(chain, addressParam(address), optionsParam(options)),
  getTransaction: ([signature, options]) => {
    const at = typeof options === 'string' ? { encoding: options } : optionsParam(options)
    const landed = chain.store.transaction(signatureParam(signature))
    if (landed === null || landed.slot > chain.slots.at(historyCommitmentOf(at))) return null
    const view = transactionView(landed, reopen(landed), viewOptions(at))
    return { slot: landed.slot, blockTime: landed.blockTime, ...view }
  },
  getBlockTime: ([slot]) => {
    const wanted = blockParam(chain, slot, {})
    return chain.store.transactionsIn(wanted)[0]?.blockTime ?? chain.slots.timeOf(wanted)
  },
  getBlocks: ([start, end, options]) => {
    const last = typeof end === 'number' ? integerParam(end, 'end slot') : null
    const at = optionsParam(last === null && end !== null && end !== undefined ? end : options)
    const newest = chain.slots.at(historyCommitmentOf(at))
    return slotRange(integerParam(start, 'start slot'), Math.min(last ?? newest, newest))
  },
  getBlocksWithLimit: ([start, limit, options]) => {
    const first = integerParam(start, 'start slot')
    const newest = chain.slots.at(historyCommitmentOf(optionsParam(options)))
    return slotRange(first, Math.min(first + integerParam(limit, 'limit') - 1, newest))
  },
  getBlock: ([slot, options]) => {
    const at = typeof options === 'string' ? { encoding: options } : optionsParam(options)
    return blockView(chain, blockParam(chain, slot, at), at)
  },
})

function statusOf(chain: Chain, signature: string) {
  const landed = chain.store.transaction(signature)
  if (landed === null) return null
  const confirmationStatus = chain.slots.commitmentOf(landed.slot)
  const confirmations = confirmationStatus === 'finalized' ? null : chain.slots.current - landed.slot
  return { slot: landed.slot, confirmations, err: landed.meta.err, status: landed.meta.status, confirmationStatus }
}

function signaturesFor(chain: Chain, address: string, options: Options) {
  const limit = options['limit'] === undefined ? MAX_HISTORY : integerParam(options['limit'], 'limit')
  if (limit < 1 || limit > MAX_HISTORY) throw new RpcError(INVALID_PARAMS, `Invalid limit; max ${MAX_HISTORY}`)
  const { before, until } = options
  const beforeSeq =
    before === undefined || before === null ? Number.MAX_SAFE_INTEGER : chain.store.seqOf(signatureParam(before))
  const afterSeq = until === undefined || until === null ? 0 : chain.store.seqOf(signatureParam(until))
  const newestSlot = Math.min(contextSlot(chain, options), chain.slots.at(historyCommitmentOf(options)))
  // An unknown `before` has nothing behind it; an unknown `until` stops nothing.
  const page = { address, beforeSeq: beforeSeq ?? 0, afterSeq: afterSeq ?? 0, newestSlot, limit }
  return chain.store.transactionsOf(page).map((landed) => ({
    signature: landed.signature,
    slot: landed.slot,
    err: landed.meta.err,
    memo: landed.memo,
    blockTime: landed.blockTime,
    confirmationStatus: chain.slots.commitmentOf(landed.slot),
  }))
}

/** Takes a stored transaction apart again; what its lookup tables held back then is in its own meta. */
function reopen(landed: LandedTransaction): OpenTransaction {
  const open = openTransaction(landed.wire, () => null)
  const loaded = landed.meta.loadedAddresses as OpenTransaction['loaded']
  return { ...open, loaded, keys: [...open.keys, ...loaded.writable, ...loaded.readonly] }
}

function viewOptions(options: Options): TransactionViewOptions {
  const max = options['maxSupportedTransactionVersion']
  return { encoding: encodingOf(options['encoding']), maxVersion: typeof max === 'number' ? max : null }
}

function blockParam(chain: Chain, slot: unknown, options: Options): number {
  const wanted = integerParam(slot, 'slot')
  if (wanted <= chain.slots.at(historyCommitmentOf(options))) return wanted
  throw new RpcError(BLOCK_NOT_AVAILABLE, `Block not available for slot ${wanted}`)
}

function slotRange(first: number, last: number): number[] {
  if (last - first > MAX_BLOCKS) throw new RpcError(INVALID_PARAMS, `Slot range too large; max ${MAX_BLOCKS}`)
  return last < first ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

function blockView(chain: Chain, slot: number, options: Options) {
  const details = options['transactionDetails'] ?? 'full'
  const landed = details === 'none' ? [] : chain.store.transactionsIn(slot)
  return {
    blockhash: chain.slots.blockhash(slot),
    previousBlockhash: chain.slots.blockhash(Math.max(0, slot - 1)),
    parentSlot: Math.max(0, slot - 1),
    blockHeight: slot,
    blockTime: landed[0]?.blockTime ?? chain.slots.timeOf(slot),
    ...(details === 'full' ? { transactions: landed.map((one) => fullView(one, options)) } : {}),
    ...(details === 'accounts' ? { transactions: landed.map((one) => accountsOnlyView(one, options)) } : {}),
    ...(details === 'signatures' ? { signatures: landed.map((one) => one.signature) } : {}),
    ...(options['rewards'] === false ? {} : { rewards: [] }),
  }
}

const fullView = (landed: LandedTransaction, options: Options) =>
  transactionView(landed, reopen(landed), viewOptions(options))

function accountsOnlyView(landed: LandedTransaction, options: Options) {
  const open = reopen(landed)
  const { meta, ...rest } = transactionView(landed, open, viewOptions(options))
  const { err, status, fee, preBalances, postBalances, preTokenBalances, postTokenBalances } = meta
  return {
    ...rest,
    transaction: { accountKeys: accountKeysView(open), signatures: open.signatures },
    meta: { err, status, fee, preBalances, postBalances, preTokenBalances, postTokenBalances },
  }
}
