import { fileURLToPath } from 'node:url'
import { callRpc } from '../rpc/rpc-client.ts'
import { type ChainKind, type SpawnedChain, spawnChain } from '../serving/spawn.ts'
import type { EvmChainInfo } from './rpc/methods.ts'
import type { EvmChainOptions } from './settings.ts'

export type SpawnedEvmChain = SpawnedChain

const EVM: ChainKind = {
  name: 'EVM',
  entry: fileURLToPath(new URL('./process.ts', import.meta.url)),
  askGenesisHash: async (rpcUrl) =>
    (await callRpc<EvmChainInfo>(rpcUrl, 'souk_chainInfo', [], { timeoutMs: 2000 })).genesisHash,
  // Everything that ever happened on the chain is done again, some 4 ms a transaction.
  startWithinMs: 1_800_000,
}

/** Serves the chain of `dataDir` from a process of its own, or joins the process that already does. */
export const spawnEvmChain = (options: EvmChainOptions): Promise<SpawnedEvmChain> => spawnChain(EVM, options)
