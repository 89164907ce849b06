import { FaultPlan } from '../rpc/fault-plan.ts'
import { serveRpc } from '../rpc/rpc-server.ts'
import { leavePresence, portsToTry, writePresence } from '../serving/presence.ts'
import { Bank } from './bank.ts'
import { Executor } from './executor.ts'
import { Faucet } from './faucet.ts'
import { genesisOf, placeGenesisAccounts } from './genesis.ts'
import { methodsOf } from './rpc/methods.ts'
import { type SolanaChainOptions, type SolanaChainSettings, settingsOf } from './settings.ts'
import { SlotClock } from './slots.ts'
import { ChainStore } from './store.ts'

/** The parts of a running chain, as the RPC methods see them. */
export interface Chain {
  readonly settings: SolanaChainSettings
  readonly genesisHash: string
  readonly store: ChainStore
  readonly slots: SlotClock
  readonly bank: Bank
  readonly executor: Executor
  readonly faucet: Faucet
  readonly faults: FaultPlan
}

export interface SolanaChain {
  readonly rpcUrl: string
  readonly port: number
  readonly genesisHash: string
  readonly faucetAddress: string
  close(): Promise<void>
}

/** @throws ChainBusyError when another process serves the same data folder. */
export async function startSolanaChain(options: SolanaChainOptions): Promise<SolanaChain> {
  const settings = settingsOf(options)
  const store = new ChainStore(settings.dataDir)
  const genesis = await genesisOf(store)
  const slots = new SlotClock(store, settings, genesis.seed)
  const bank = new Bank(store, slots)
  placeGenesisAccounts({ store, bank, genesis, settings })
  const executor = new Executor(bank, slots, store)
  const faucet = new Faucet({ bank, slots, executor, genesis, settings })
  const { genesisHash } = genesis
  const faults = new FaultPlan()
  const methods = methodsOf({ settings, genesisHash, store, slots, bank, executor, faucet, faults })
  const server = await serveRpc({ methods, host: settings.host, ports: await portsToTry(settings) }).catch((cause) => {
    slots.close()
    store.close()
    throw cause
  })
  const rpcUrl = `http://${settings.host}:${server.port}`
  await writePresence(settings.dataDir, { pid: process.pid, port: server.port, rpcUrl, genesisHash })
  return {
    rpcUrl,
    port: server.port,
    genesisHash,
    faucetAddress: genesis.faucet.address,
    async close() {
      await server.close()
      slots.close()
      // While the folder is still locked: later it could be the successor's file.
      await leavePresence(settings.dataDir)
      store.close()
    },
  }
}
