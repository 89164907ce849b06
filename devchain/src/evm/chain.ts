import { FaultPlan } from '../rpc/fault-plan.ts'
import { serveRpc } from '../rpc/rpc-server.ts'
import { leavePresence, portsToTry, writePresence } from '../serving/presence.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { BlockMaker } from './block-maker.ts'
import { Faucet } from './faucet.ts'
import { genesisOf, placeGenesis } from './genesis.ts'
import { Journal } from './journal.ts'
import { methodsOf } from './rpc/methods.ts'
import { type EvmChainOptions, type EvmChainSettings, settingsOf } from './settings.ts'

/** The parts of a running chain, as the RPC methods see them. */
export interface Chain {
  readonly settings: EvmChainSettings
  readonly genesisHash: string
  readonly faucetAddress: string
  readonly anvil: Anvil
  readonly blocks: BlockMaker
  readonly faucet: Faucet
  readonly faults: FaultPlan
}

export interface EvmChain {
  readonly rpcUrl: string
  readonly port: number
  readonly genesisHash: string
  readonly faucetAddress: string
  /** Resolves when anvil has ended: without it there is nothing to serve. */
  readonly exited: Promise<void>
  close(): Promise<void>
}

/** @throws ChainBusyError when another process serves the same data folder. */
export async function startEvmChain(options: EvmChainOptions): Promise<EvmChain> {
  const settings = settingsOf(options)
  const journal = new Journal(settings.dataDir)
  const genesis = genesisOf(journal)
  const anvil = await startAnvil(genesis).catch((cause) => {
    journal.close()
    throw cause
  })
  try {
    return await serve({ settings, journal, anvil, genesis })
  } catch (cause) {
    await anvil.close()
    journal.close()
    throw cause
  }
}

interface Ground {
  readonly settings: EvmChainSettings
  readonly journal: Journal
  readonly anvil: Anvil
  readonly genesis: ReturnType<typeof genesisOf>
}

async function serve({ settings, journal, anvil, genesis }: Ground): Promise<EvmChain> {
  const { dataDir, host, finalAfterMs } = settings
  await placeGenesis(anvil, genesis)
  const { hash: genesisHash } = await anvil.call<{ hash: string }>('eth_getBlockByNumber', '0x0', false)
  const blocks = new BlockMaker({ anvil, journal, finalAfterMs })
  await blocks.replay(genesis.timestamp)
  const faucet = new Faucet({ anvil, blocks, account: genesis.faucet })
  const faucetAddress = genesis.faucet.address
  const chain = { settings, genesisHash, faucetAddress, anvil, blocks, faucet, faults: new FaultPlan() }
  const server = await serveRpc({ methods: methodsOf(chain), host, ports: await portsToTry(settings) })
  const rpcUrl = `http://${host}:${server.port}`
  await writePresence(dataDir, { pid: process.pid, port: server.port, rpcUrl, genesisHash })
  const close = async (): Promise<void> => {
    await server.close()
    await blocks.close()
    await anvil.close()
    // While the folder is still locked: later it could be the successor's file.
    await leavePresence(dataDir)
    journal.close()
  }
  return { rpcUrl, port: server.port, genesisHash, faucetAddress, exited: anvil.exited, close }
}
