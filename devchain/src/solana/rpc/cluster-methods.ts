import { getBase64Encoder, getCompiledTransactionMessageDecoder } from '@solana/kit'
import type { Chain } from '../chain.ts'
import { commitmentOf, contextSlot, inContext, integerParam, optionsParam, stringParam } from './params.ts'
import { invalidParams } from './rpc-error.ts'
import type { RpcMethods } from './rpc-server.ts'

const SLOTS_PER_EPOCH = 432_000
const LAMPORTS_PER_SIGNATURE = 5000

/** Questions about the chain itself. `souk-devchain` tells a client that money here is not real. */
export const clusterMethods = (chain: Chain): RpcMethods => ({
  getVersion: () => ({ 'solana-core': '2.3.0', 'feature-set': 0, 'souk-devchain': '1' }),
  getHealth: () => 'ok',
  getGenesisHash: () => chain.genesisHash,
  getSlot: ([options]) => contextSlot(chain, optionsParam(options)),
  getBlockHeight: ([options]) => contextSlot(chain, optionsParam(options)),
  getTransactionCount: () => chain.store.transactionCount(),
  minimumLedgerSlot: () => 0,
  getFirstAvailableBlock: () => 0,
  getEpochInfo: ([options]) => {
    const absoluteSlot = chain.slots.at(commitmentOf(optionsParam(options)))
    return {
      absoluteSlot,
      blockHeight: absoluteSlot,
      epoch: Math.floor(absoluteSlot / SLOTS_PER_EPOCH),
      slotIndex: absoluteSlot % SLOTS_PER_EPOCH,
      slotsInEpoch: SLOTS_PER_EPOCH,
      transactionCount: chain.store.transactionCount(),
    }
  },
  getLatestBlockhash: ([options]) => {
    // The newest hash whatever the commitment: there are no forks here that could lose it.
    const slot = chain.slots.current
    const value = {
      blockhash: chain.slots.blockhash(slot),
      lastValidBlockHeight: chain.slots.lastValidBlockHeight(slot),
    }
    return inContext(chain, optionsParam(options), value)
  },
  isBlockhashValid: ([blockhash, options]) =>
    inContext(chain, optionsParam(options), chain.slots.isBlockhashValid(stringParam(blockhash, 'blockhash'))),
  getMinimumBalanceForRentExemption: ([bytes]) =>
    chain.bank.svm.minimumBalanceForRentExemption(BigInt(integerParam(bytes, 'data length'))),
  getRecentPrioritizationFees: () => {
    const newest = chain.slots.current
    return Array.from({ length: Math.min(newest, 20) }, (_, i) => ({
      slot: newest - i,
      prioritizationFee: 0,
    })).reverse()
  },
  getFeeForMessage: ([message, options]) => {
    const { signatures, blockhash } = openMessage(stringParam(message, 'message'))
    const known = chain.slots.isBlockhashValid(blockhash)
    return inContext(chain, optionsParam(options), known ? signatures * LAMPORTS_PER_SIGNATURE : null)
  },
})

function openMessage(base64: string): { signatures: number; blockhash: string } {
  try {
    const message = getCompiledTransactionMessageDecoder().decode(getBase64Encoder().encode(base64))
    return { signatures: message.header.numSignerAccounts, blockhash: message.lifetimeToken }
  } catch {
    throw invalidParams('failed to deserialize solana_message::VersionedMessage')
  }
}
