import { createAgent } from '#identity'
import { newId } from '#kernel/id'
import { type AccountId, available, balances, pending } from '#ledger'
import type { Store, Tx } from '#platform/db'
import { openTestDatabase } from '#tests/database'
import { freshMasterSecret, startTestChain, type TestChain } from '#tests/solana-chain'
import {
  assignDepositAddress,
  createSolanaRail,
  createWallet,
  type Finding,
  listFindings,
  type Rail,
  reportDeposits,
  SANDBOX_WALLET_SETTINGS,
  setDefaultAddress,
  type Wallet,
  type WalletSettings,
  withdraw,
} from './index.ts'

export interface Agent {
  readonly id: string
  readonly address: string
}

export interface WalletWorld {
  readonly store: Store
  readonly chain: TestChain
  readonly rail: Rail
  readonly wallet: Wallet
  register(options?: { activated?: boolean; emergencyAddress?: string }): Promise<Agent>
  deposit(agent: Agent, amount: bigint, from?: { address: string; secretKey: string }): Promise<string>
  confirm(agent: Agent): ReturnType<typeof reportDeposits>
  balance(account: AccountId): Promise<bigint>
  money(agent: Agent): Promise<{ available: bigint; pending: bigint }>
  setAddress(agent: Agent, address: string): ReturnType<typeof setDefaultAddress>
  withdraw(agent: Agent, amount: bigint): ReturnType<typeof withdraw>
  /** A second server on the same database and chain, with its own view of the network. */
  another(options: { rail?: Partial<Rail>; settings?: Partial<WalletSettings> }): Wallet
  /** A party with money and a withdrawal address; answers its outside wallet too. */
  funded(micros: bigint): Promise<Agent & { outside: { address: string; secretKey: string } }>
  findings(): Promise<readonly Finding[]>
  close(): Promise<void>
}

const SETTINGS: WalletSettings = {
  ...SANDBOX_WALLET_SETTINGS,
  pollMs: 50,
  depositCheckMs: 100,
  idleDepositCheckMs: 500,
  leaseMs: 5000,
  deadAfterMs: 200,
  searchAfterMs: 60_000,
  resendMs: 100,
  retryMs: 100,
}

const silent = { warn: () => {}, error: () => {} }

/** A wallet on a database and a chain of its own, moved on by hand. */
export async function openWalletWorld(): Promise<WalletWorld> {
  const [{ store, close }, chain] = await Promise.all([openTestDatabase(), startTestChain()])
  const masterSecret = freshMasterSecret()
  const rail = await createSolanaRail({ rpcUrl: chain.rpcUrl, mint: chain.mint, masterSecret })
  await chain.gas(rail.feePayer)
  const wallet = createWallet({ store, rail, settings: SETTINGS, log: silent })
  const network = rail.network
  const balance = async (account: AccountId) => (await balances(store.read, [account])).get(account) ?? 0n
  const world: WalletWorld = {
    store,
    chain,
    rail,
    wallet,
    balance,
    register: (options = {}) => store.transact((tx) => enrol(tx, { ...options, rail })),
    deposit: async (agent, amount, from) => {
      const source = from ?? (await chain.wallet(amount))
      const txHash = await chain.send(source, agent.address, amount)
      await chain.finalize()
      return txHash
    },
    confirm: async (agent) => {
      await wallet.scan(agent.id)
      return store.transact((tx) => reportDeposits(tx, { partyId: agent.id, network }))
    },
    money: async ({ id }) => ({
      available: await balance(available('USDC', id)),
      pending: await balance(pending('USDC', id)),
    }),
    setAddress: (agent, address) =>
      store.transact((tx) => setDefaultAddress(tx, { partyId: agent.id, network, address, settings: SETTINGS })),
    withdraw: (agent, amount) =>
      store.transact((tx) => withdraw(tx, { partyId: agent.id, network, amount, settings: SETTINGS })),
    another: (changed) =>
      createWallet({
        store,
        rail: { ...rail, ...changed.rail },
        settings: { ...SETTINGS, ...changed.settings },
        log: silent,
      }),
    funded: async (micros) => {
      const agent = await world.register({ activated: true })
      const outside = await chain.wallet(micros)
      await world.deposit(agent, micros, outside)
      await world.confirm(agent)
      await world.setAddress(agent, outside.address)
      return { ...agent, outside }
    },
    findings: async () => (await listFindings(store.read, { openOnly: true, page: { page: 1, limit: 100 } })).items,
    close: async () => {
      await Promise.all([close(), chain.close()])
    },
  }
  return world
}

async function enrol(
  tx: Tx,
  { activated = false, emergencyAddress, rail }: { activated?: boolean; emergencyAddress?: string; rail: Rail },
): Promise<Agent> {
  const { partyId } = await createAgent(tx, {
    name: `agent-${newId()}`,
    isUnique: false,
    description: '',
    capabilities: [],
    callbackUrl: null,
    email: null,
    passwordHash: null,
    emergencyAddress: emergencyAddress ?? null,
    isActivated: activated,
    keyLook: 'jp',
    sealingKey: new Uint8Array(32),
  })
  return { id: partyId, address: await assignDepositAddress(tx, { partyId, rail }) }
}

/** Runs the payouts of a wallet until one of them is where it should be. */
export async function drive(world: WalletWorld, wallet: Wallet, { until: done }: { until: () => Promise<boolean> }) {
  const [deposits, payouts] = wallet.sweeps
  await until(async () => {
    await deposits?.run()
    await payouts?.run()
    if (await done()) return true
    await world.chain.advance(4)
    return false
  }, 'the payouts')
}

export async function until<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  withinMs = 15_000,
): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
