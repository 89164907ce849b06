import { FAULT_MODES, type FaultMode } from '../../rpc/fault-plan.ts'
import { invalidParams } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import type { Chain } from '../chain.ts'
import { addressParam, integerParam, optionsParam, u64Param } from './params.ts'
import { refusingAsync } from './transaction-methods.ts'

const MAX_ADVANCE = 10_000_000
const MAX_FAULTS = 10_000

/** What only this chain can do: give money away and, when tests ask for it, break. */
export const soukMethods = (chain: Chain): RpcMethods => ({
  souk_faucet: async ([request]) => {
    const { address, amount, lamports } = optionsParam(request)
    const gas = lamports === undefined ? undefined : u64Param(lamports, 'lamports')
    const gift = chain.faucet.give(addressParam(address), u64Param(amount ?? '0', 'amount'), gas)
    return { signature: await refusingAsync(gift) }
  },
  souk_chainInfo: () => ({
    genesisHash: chain.genesisHash,
    mint: chain.settings.mint,
    mintDecimals: chain.settings.mintDecimals,
    faucet: chain.faucet.address,
    slotMs: chain.settings.slotMs,
    finalizedAfterSlots: chain.settings.finalizedAfterSlots,
    blockhashValidSlots: chain.settings.blockhashValidSlots,
  }),
  ...(chain.settings.faults ? faultMethods(chain) : {}),
})

const faultMethods = (chain: Chain): RpcMethods => ({
  souk_advanceSlots: ([request]) => {
    const slots = integerParam(optionsParam(request)['slots'], 'slots')
    if (slots > MAX_ADVANCE) throw invalidParams(`slots must be at most ${MAX_ADVANCE}`)
    return { slot: chain.slots.advance(slots) }
  },
  souk_dropNextTransactions: ([request]) => {
    const { count, mode = 'drop' } = optionsParam(request)
    const times = integerParam(count ?? 1, 'count')
    if (!FAULT_MODES.includes(mode as FaultMode)) throw invalidParams(`mode must be one of ${FAULT_MODES.join(', ')}`)
    if (times > MAX_FAULTS) throw invalidParams(`count must be at most ${MAX_FAULTS}`)
    chain.faults.add(times, mode as FaultMode)
    return { count: times, mode }
  },
})
