import { FAULT_MODES, type FaultMode } from '../../rpc/fault-plan.ts'
import { INVALID_REQUEST, invalidParams, RpcError } from '../../rpc/rpc-error.ts'
import type { RpcMethods } from '../../rpc/rpc-server.ts'
import { FINALIZED_AFTER_BLOCKS, SAFE_AFTER_BLOCKS } from '../anvil.ts'
import type { Chain } from '../chain.ts'
import { BASE_SEPOLIA_CHAIN_ID, BASE_SEPOLIA_USDC } from '../settings.ts'
import { addressParam, amountParam, integerParam, optionsParam } from './params.ts'
import { refusing } from './read-methods.ts'

const MAX_BLOCKS = 1000
const MAX_FAULTS = 10_000

export interface EvmChainInfo {
  readonly genesisHash: string
  readonly chainId: number
  readonly token: string
  readonly tokenDecimals: number
  readonly faucet: string
  readonly safeAfterBlocks: number
  readonly finalizedAfterBlocks: number
  readonly finalAfterMs: number
}

/** What only this chain can do: give money away and, when tests ask for it, break. */
export const soukMethods = (chain: Chain): RpcMethods => ({
  web3_clientVersion: async () => `souk-devchain/${await chain.anvil.call<string>('web3_clientVersion')}`,
  souk_faucet: async ([request]) => {
    const { address, amount, wei } = optionsParam(request)
    const gasWei = wei === undefined ? undefined : amountParam(wei, 'wei')
    const gift = { to: addressParam(address), amountMicros: amountParam(amount ?? '0', 'amount'), gasWei }
    return { hash: await refusing(chain.faucet.give(gift)) }
  },
  souk_chainInfo: (): EvmChainInfo => ({
    genesisHash: chain.genesisHash,
    chainId: BASE_SEPOLIA_CHAIN_ID,
    token: BASE_SEPOLIA_USDC,
    tokenDecimals: 6,
    faucet: chain.faucetAddress,
    safeAfterBlocks: SAFE_AFTER_BLOCKS,
    finalizedAfterBlocks: FINALIZED_AFTER_BLOCKS,
    finalAfterMs: chain.settings.finalAfterMs,
  }),
  ...(chain.settings.faults ? faultMethods(chain) : {}),
})

const faultMethods = (chain: Chain): RpcMethods => ({
  souk_mine: async ([request]) => {
    await chain.blocks.mine(integerParam(optionsParam(request)['blocks'] ?? 1, 'blocks', MAX_BLOCKS))
    return { block: Number(await chain.anvil.call<string>('eth_blockNumber')) }
  },
  souk_setMining: ([request]) => {
    const { on } = optionsParam(request)
    if (typeof on !== 'boolean') throw invalidParams('on must be true or false')
    chain.blocks.setMining(on)
    return { on }
  },
  souk_reorg: ([request]) => {
    const depth = integerParam(optionsParam(request)['depth'], 'depth', MAX_BLOCKS)
    // A chain with a folder would come back from its journal as it was before.
    if (chain.settings.dataDir !== null)
      throw new RpcError(INVALID_REQUEST, 'only a chain in memory can be reorganised')
    return refusing(chain.blocks.turn(() => chain.anvil.call('anvil_reorg', depth, [])))
  },
  souk_dropNextTransactions: ([request]) => {
    const { count, mode = 'drop' } = optionsParam(request)
    if (!FAULT_MODES.includes(mode as FaultMode)) throw invalidParams(`mode must be one of ${FAULT_MODES.join(', ')}`)
    const times = integerParam(count ?? 1, 'count', MAX_FAULTS)
    chain.faults.add(times, mode as FaultMode)
    return { count: times, mode }
  },
})
