import { fileURLToPath } from 'node:url'
import { callRpc } from '../rpc/rpc-client.ts'
import { type ChainKind, type SpawnedChain, spawnChain } from '../serving/spawn.ts'
import type { SolanaChainOptions } from './settings.ts'

export type SpawnedSolanaChain = SpawnedChain

const SOLANA: ChainKind = {
  name: 'Solana',
  entry: fileURLToPath(new URL('./process.ts', import.meta.url)),
  askGenesisHash: (rpcUrl) => callRpc<string>(rpcUrl, 'getGenesisHash', [], { timeoutMs: 2000 }),
  startWithinMs: 30_000,
}

/** Serves the chain of `dataDir` from a process of its own, or joins the process that already does. */
export const spawnSolanaChain = (options: SolanaChainOptions): Promise<SpawnedSolanaChain> =>
  spawnChain(SOLANA, options)
