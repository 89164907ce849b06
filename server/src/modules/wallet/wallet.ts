import type { Logger } from 'pino'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { checkWallet, refusalOf, usableAddress } from './addresses/address-book.ts'
import { auditNetwork, type NetworkAudit } from './audit.ts'
import { createScanner, type Scanner } from './deposits/scan.ts'
import { depositSweep } from './deposits/watch.ts'
import { payoutSweep } from './payouts/worker.ts'
import { ChainUnreachable, type Rail } from './rail.ts'
import type { WalletSettings } from './settings.ts'

export interface WalletOptions {
  readonly store: Store
  readonly rail: Rail
  readonly settings: WalletSettings
  readonly log: Pick<Logger, 'warn' | 'error'>
}

/** The wallet over one network: what asks the chain, never inside a unit of work, and what runs in the background. */
export interface Wallet extends Scanner {
  readonly rail: Rail
  readonly settings: WalletSettings
  /** Throws unless the address is a wallet of somebody else's, or `chain_unreachable`. */
  checkWallet(address: string): Promise<void>
  /**
   * Where a withdrawal would go now, known to be able to receive. When the chain does not answer, the withdrawal is
   * taken all the same: it is looked at again before it is paid.
   */
  payableAddress(partyId: string, named?: string): Promise<string>
  audit(): Promise<NetworkAudit>
  readonly sweeps: readonly Sweep[]
}

export function createWallet(options: WalletOptions): Wallet {
  const { store, rail, settings } = options
  const { network } = rail
  return {
    ...createScanner(options),
    rail,
    settings,
    checkWallet: (address) => checkWallet(store.read, { rail, address }),
    payableAddress: async (partyId, named) => {
      const address = await usableAddress(store.read, { partyId, network, named, now: await store.now() })
      const problem = (await problemsNow(rail, address)).get(address) ?? null
      if (problem !== null) throw refusalOf(problem, address)
      return address
    },
    audit: () => auditNetwork(store.read, rail),
    sweeps: [depositSweep(options), payoutSweep(options)],
  }
}

async function problemsNow(rail: Rail, address: string) {
  try {
    return await rail.problemsOf([address])
  } catch (error) {
    if (error instanceof ChainUnreachable) return new Map<string, null>()
    throw error
  }
}
