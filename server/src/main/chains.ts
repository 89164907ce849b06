import { join } from 'node:path'
import { spawnEvmChain } from '@souk/devchain/evm'
import { spawnSolanaChain } from '@souk/devchain/solana'
import type { Logger } from 'pino'
import type { Config } from '#platform/config/index'

/** Where the networks answer, and what must be stopped when the market is. */
export interface Chains {
  readonly solanaRpcUrl: string
  /** Null: this market does without EVM. */
  readonly evmRpcUrl: string | null
  /** Of the local ones. */
  readonly ports: readonly number[]
}

interface Spawned {
  readonly rpcUrl: string
  readonly exited: Promise<void>
  close(): Promise<void>
}

interface LocalChain {
  readonly name: string
  readonly spawn: (at: { readonly port?: number }) => Promise<Spawned>
}

interface Surroundings {
  readonly log: Logger
  readonly closers: { readonly name: string; readonly close: () => Promise<void> }[]
}

/** The networks of the configuration; where it names none, local chains of our own. */
export async function openChains(config: Config, around: Surroundings): Promise<Chains> {
  const { solana, evm, dataDir } = config
  const local: LocalChain[] = []
  const { mint } = solana
  if (solana.rpcUrl === null) {
    const folder = join(dataDir, 'solana')
    local.push({ name: 'Solana', spawn: (at) => spawnSolanaChain({ dataDir: folder, mint, ...at }) })
  }
  if (evm !== null && evm.rpcUrl === null) {
    const folder = join(dataDir, 'evm')
    local.push({ name: 'EVM', spawn: (at) => spawnEvmChain({ dataDir: folder, ...at }) })
  }
  const started = await Promise.all(local.map(async (chain) => [chain.name, await keepRunning(chain, around)] as const))
  const urls = new Map(started)
  return {
    solanaRpcUrl: solana.rpcUrl ?? urlIn(urls, 'Solana'),
    evmRpcUrl: evm === null ? null : (evm.rpcUrl ?? urlIn(urls, 'EVM')),
    ports: [...urls.values()].map((url) => Number(new URL(url).port)),
  }
}

function urlIn(urls: ReadonlyMap<string, string>, name: string): string {
  const url = urls.get(name)
  if (url === undefined) throw new Error(`no ${name} chain was started`)
  return url
}

/** Starts a local chain, and starts it again at the same place whenever it ends by itself. */
async function keepRunning({ name, spawn }: LocalChain, { log, closers }: Surroundings): Promise<string> {
  const { rpcUrl, ...first } = await spawn({})
  const port = Number(new URL(rpcUrl).port)
  let running: Pick<Spawned, 'exited' | 'close'> = first
  let stopping = false
  const keepAlive = async (): Promise<void> => {
    await running.exited
    if (stopping) return
    log.error(`the local ${name} chain ended by itself and is started again`)
    running = await spawn({ port })
    return keepAlive()
  }
  keepAlive().catch((error: unknown) => log.fatal({ err: error }, `the local ${name} chain cannot be started again`))
  closers.push({
    name: `the ${name} chain`,
    close: async () => {
      stopping = true
      await running.close()
    },
  })
  return rpcUrl
}
