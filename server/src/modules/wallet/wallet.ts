import type { Logger } from 'pino'
import type { Micros } from '#kernel/money'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { checkWallet, refusalOf, usableAddress } from './addresses/address-book.ts'
import { auditNetwork, type NetworkAudit } from './audit.ts'
import { asRefusal, createScanner, type Scanner } from './deposits/scan.ts'
import { depositSweep } from './deposits/watch.ts'
import { NO_ORDERS, type OrderPayouts } from './payouts/of-orders.ts'
import { payoutSweep } from './payouts/worker.ts'
import type { Rail } from './rail.ts'
import type { WalletSettings } from './settings.ts'

export interface WalletOptions {
  readonly store: Store
  readonly rail: Rail
  readonly settings: WalletSettings
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** What orders do when their money has arrived, or cannot be sent. */
  readonly orders?: OrderPayouts
}

/** What the market itself has on a network, now. */
export interface HotWallet {
  readonly network: string
  readonly address: string
  readonly tokenAccount: string
  /** What payouts can be made of; deposits not collected yet are not in it. */
  readonly spendable: Micros
  readonly feePayer: string
  /** In the smallest unit of what the network takes for fees. */
  readonly feeBalance: bigint
  /** Whether that is enough to go on. */
  readonly canPayFees: boolean
}

/** The wallet over one network: what asks the chain, never inside a unit of work, and what runs in the background. */
export interface Wallet extends Scanner {
  readonly rail: Rail
  readonly settings: WalletSettings
  /** Throws unless the address is a wallet of somebody else's, or `chain_unreachable`. */
  checkWallet(address: string): Promise<void>
  /** The same, and throws also where its USDC account is missing or frozen, so that nothing can be paid there now. */
  checkPayable(address: string): Promise<void>
  /** Throws `chain_unreachable`. */
  hotWallet(): Promise<HotWallet>
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
      await requireReceiving(rail, address)
      return address
    },
    checkPayable: async (address) => {
      await checkWallet(store.read, { rail, address })
      await requireReceiving(rail, address)
    },
    hotWallet: () => hotWalletOf(rail).catch(asRefusal),
    audit: () => auditNetwork(store.read, rail),
    sweeps: [depositSweep(options), payoutSweep({ orders: NO_ORDERS, ...options })],
  }
}

/** Room for a batch of payouts, as the worker asks for it. */
const TRANSACTIONS_AHEAD = 10

async function hotWalletOf(rail: Rail): Promise<HotWallet> {
  const { network, hotWallet, feePayer } = rail
  const [spendable, feeBalance, canPayFees] = await Promise.all([
    rail.spendable(),
    rail.feeBalance(),
    rail.canPayFees(TRANSACTIONS_AHEAD),
  ])
  return { network, ...hotWallet, spendable, feePayer, feeBalance, canPayFees }
}

async function requireReceiving(rail: Rail, address: string): Promise<void> {
  const problem = (await problemsNow(rail, address)).get(address) ?? null
  if (problem !== null) throw refusalOf(problem, address)
}

async function problemsNow(rail: Rail, address: string) {
  try {
    return await rail.problemsOf([address])
  } catch (error) {
    if (error instanceof ChainUnreachable) return new Map<string, null>()
    throw error
  }
}
