import { getBase64Encoder, getCompiledTransactionMessageDecoder } from '@solana/kit'
import { invalidParams } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import { COMPUTE_BUDGET_PROGRAM } from '../programs.ts'
import { commitmentOf, contextSlot, inContext, integerParam, optionsParam, stringParam } from './params.ts'

const SLOTS_PER_EPOCH = 432_000
const LAMPORTS_PER_SIGNATURE = 5000n
const UNITS_PER_INSTRUCTION = 200_000n
const SET_UNIT_LIMIT = 2
const SET_UNIT_PRICE = 3

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
    const { fee, blockhash } = openMessage(stringParam(message, 'message'))
    return inContext(chain, optionsParam(options), chain.slots.isBlockhashValid(blockhash) ? fee : null)
  },
})

function openMessage(base64: string): { fee: bigint; blockhash: string } {
  try {
    const message = getCompiledTransactionMessageDecoder().decode(getBase64Encoder().encode(base64))
    if (message.version !== 'legacy' && message.version !== 0) throw new Error('unsupported version')
    const instructions = message.instructions.map(({ programAddressIndex, data }) => ({
      program: message.staticAccounts[programAddressIndex] ?? '',
      data: Uint8Array.from(data ?? []),
    }))
    const signatures = BigInt(message.header.numSignerAccounts) * LAMPORTS_PER_SIGNATURE
    return { fee: signatures + priorityFeeOf(instructions), blockhash: message.lifetimeToken }
  } catch {
    throw invalidParams('failed to deserialize solana_message::VersionedMessage')
  }
}

/** Price per compute unit (micro-lamports) times the units asked for, rounded up. */
function priorityFeeOf(instructions: readonly { readonly program: string; readonly data: Uint8Array }[]): bigint {
  const [budget, rest] = [true, false].map((own) =>
    instructions.filter((i) => (i.program === COMPUTE_BUDGET_PROGRAM) === own),
  )
  let units = BigInt(Math.min(rest?.length ?? 0, 7)) * UNITS_PER_INSTRUCTION
  let price = 0n
  for (const { data } of budget ?? []) {
    const view = new DataView(data.buffer)
    if (data[0] === SET_UNIT_LIMIT) units = BigInt(view.getUint32(1, true))
    if (data[0] === SET_UNIT_PRICE) price = view.getBigUint64(1, true)
  }
  return (units * price + 999_999n) / 1_000_000n
}
