import { createAgent } from '#identity'
import { newId } from '#kernel/id'
import { type AccountId, available, balances, fees, pending, world } from '#ledger'
import type { Store } from '#platform/db'
import { createSweeper, type Sweeper } from '#platform/sweeps'
import { openTestDatabase } from '#tests/database'
import { freshMasterSecret, startTestChain, type TestChain } from '#tests/solana-chain'
import {
  assignDepositAddress,
  createSolanaRail,
  createWallet,
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
  readonly sweeper: Sweeper
  register(options?: { activated?: boolean; emergencyAddress?: string }): Promise<Agent>
  deposit(agent: Agent, amount: bigint, from?: { address: string; secretKey: string }): Promise<string>
  confirm(agent: Agent): ReturnType<typeof reportDeposits>
  balance(account: AccountId): Promise<bigint>
  money(agent: Agent): Promise<{ available: bigint; pending: bigint }>
  setAddress(agent: Agent, address: string): ReturnType<typeof setDefaultAddress>
  withdraw(agent: Agent, amount: bigint): ReturnType<typeof withdraw>
  /** A second server on the same database and chain, with its own view of the network. */
  wallets(options: { rail?: Partial<Rail>; settings?: Partial<WalletSettings> }): Wallet
  close(): Promise<void>
}

const SETTINGS: WalletSettings = {
  ...SANDBOX_WALLET_SETTINGS,
  pollMs: 50,
  depositCheckMs: 100,
  idleDepositCheckMs: 500,
  leaseMs: 5000,
  deadAfterMs: 200,
  resendMs: 100,
  retryMs: 100,
}

const hush = (facts: unknown, text?: string) => {
  if (process.env['SOUK_TEST_LOG'])
    process.stderr.write(`${text} ${String((facts as { err?: Error }).err?.stack ?? '')}\n`)
}
export const silent = { warn: hush, error: hush }

export async function openWalletWorld(): Promise<WalletWorld> {
  const [{ store, close }, chain] = await Promise.all([openTestDatabase(), startTestChain()])
  const masterSecret = freshMasterSecret()
  const rail = await createSolanaRail({ rpcUrl: chain.rpcUrl, mint: chain.mint, masterSecret })
  await chain.gas(rail.feePayer)
  const wallet = createWallet({ store, rail, settings: SETTINGS, log: silent })
  const sweeper = createSweeper(wallet.sweeps, silent)
  const network = rail.network
  const balance = async (account: AccountId) => (await balances(store.read, [account])).get(account) ?? 0n
  return {
    store,
    chain,
    rail,
    wallet,
    sweeper,
    balance,
    register: async ({ activated = false, emergencyAddress } = {}) =>
      store.transact(async (tx) => {
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
      }),
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
    wallets: (changed) =>
      createWallet({
        store,
        rail: { ...rail, ...changed.rail },
        settings: { ...SETTINGS, ...changed.settings },
        log: silent,
      }),
    close: async () => {
      await sweeper.stop()
      await Promise.all([close(), chain.close()])
    },
  }
}

export { fees, world }

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
