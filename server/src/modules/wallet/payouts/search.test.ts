import sql from 'sql-template-tag'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { openStore, type Store } from '#platform/db'
import { createDatabase, databaseUrl, dropDatabase } from '#platform/embedded-postgres/index'
import type { Rail } from '../rail.ts'
import { drive, openWalletWorld, until, type WalletWorld } from '../test-world.ts'
import { createWallet, type Wallet } from '../wallet.ts'
import { cancelWithdrawal } from './cancel.ts'

const USDC = 1_000_000n
const NET = 4_900_000n
const silent = { warn: () => {}, error: () => {} }
const adminUrl = inject('databaseUrl')

/** A market on a database of its own, on the world's chain. */
interface Market {
  readonly store: Store
  readonly wallet: Wallet
  another(rail: Partial<Rail>): Wallet
}

let world: WalletWorld
let opened: Store[]
let databases: string[]

beforeEach(async () => {
  ;[opened, databases] = [[], []]
  world = await openWalletWorld()
})
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()))
  await Promise.all(databases.map((name) => dropDatabase(adminUrl, name)))
  await world.chain.close()
})

function open(name: string): Market {
  const store = openStore({ url: databaseUrl(adminUrl, name), maxConnections: 8 })
  opened.push(store)
  databases.push(name)
  const settings = { ...world.wallet.settings, searchAfterMs: 0 }
  const another = (rail: Partial<Rail>) =>
    createWallet({ store, rail: { ...world.rail, ...rail }, settings, log: silent })
  return { store, wallet: another({}), another }
}

/** Ends the world's own market; answers it opened again, and what a backup of it made now will be once restored. */
async function backedUp(): Promise<{ market: Market; restored: Market }> {
  const row = await world.store.read.one<{ name: string }>(sql`select current_database() as name`)
  const name = row?.name ?? ''
  await world.store.close()
  await createDatabase(adminUrl, `${name}_restored`, { template: name })
  return { market: open(name), restored: open(`${name}_restored`) }
}

const payoutOf = ({ store }: Pick<Market, 'store'>, id: string) =>
  store.read.one<{ state: string }>(sql`select state from payout where id = ${id}`)

const isConfirmed = (market: Market, id: string) => async () => (await payoutOf(market, id))?.state === 'confirmed'

const attemptsOf = ({ store }: Market, id: string) =>
  store.read.rows<{ n: number; signature: string; state: string }>(
    sql`select n, signature, state from payout_attempt where payout_id = ${id} order by n`,
  )

const findingsOf = async ({ store }: Market) =>
  (await store.read.rows<{ kind: string }>(sql`select kind from finding where resolved_at is null`)).map((f) => f.kind)

/** Enough money on the hot wallet to pay twice, and one withdrawal asked for. */
async function withdrawing() {
  await world.funded(20n * USDC)
  const agent = await world.funded(5n * USDC)
  await drive(world, world.wallet, {
    until: async () =>
      (await world.store.read.one(sql`select 1 from payout where kind = 'sweep' and ended_at is null`)) === undefined,
  })
  const { id } = await world.withdraw(agent, 5n * USDC)
  return { id, agent, balance: () => world.chain.balance(agent.outside.address) }
}

test('D-15 a market restored from a backup older than a payment does not pay again, and settles it', async () => {
  const { id, balance } = await withdrawing()
  const { market, restored } = await backedUp()
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  const [paid] = await attemptsOf(market, id)
  await drive(world, restored.wallet, { until: isConfirmed(restored, id) })
  await world.chain.finalize()
  expect(await balance()).toBe(NET)
  expect(await attemptsOf(restored, id)).toEqual([paid])
  expect(await restored.wallet.audit()).toMatchObject({ covered: true, differences: [] })
  expect(await findingsOf(restored)).toEqual([])
})

test('it neither fails nor queues what was paid, although the network could not pay it now', async () => {
  const { id, balance } = await withdrawing()
  const { market, restored } = await backedUp()
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  await world.chain.finalize()
  const poor = restored.another({
    spendable: async () => 0n,
    canPayFees: async () => false,
    problemsOf: async (all) => new Map(all.map((one) => [one, 'token_account_missing'])),
  })
  await drive(world, poor, { until: isConfirmed(restored, id) })
  expect(await balance()).toBe(NET)
})

test('a payment on its way is waited for, and then settled', async () => {
  const { id, balance } = await withdrawing()
  const { market, restored } = await backedUp()
  await market.wallet.sweeps[1]?.run()
  const [sent] = await attemptsOf(market, id)
  await until(async () => (await world.rail.referencesSince(new Date(0))).carried[0]?.reference.includes(id), 'it')
  await restored.wallet.sweeps[1]?.run()
  await drive(world, restored.wallet, { until: isConfirmed(restored, id) })
  expect(await attemptsOf(restored, id)).toMatchObject([{ n: 1, signature: sent?.signature, state: 'landed' }])
  expect(await balance()).toBe(NET)
})

test('a replacement sent after the backup is found before another one is signed', async () => {
  const { id, balance } = await withdrawing()
  const lossy = world.another({ rail: { broadcast: async () => {} } })
  await lossy.sweeps[1]?.run()
  const { market, restored } = await backedUp()
  await world.chain.advance(200)
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  expect(await attemptsOf(market, id)).toMatchObject([{ state: 'dead' }, { state: 'landed' }])
  await drive(world, restored.wallet, { until: isConfirmed(restored, id) })
  expect(await attemptsOf(restored, id)).toEqual(await attemptsOf(market, id))
  expect(await balance()).toBe(NET)
})

test('a transaction that was given up and landed all the same is taken back up, not replaced', async () => {
  const { id, balance } = await withdrawing()
  const { market } = await backedUp()
  const lying = market.another({ statusesOf: async () => new Map() })
  await lying.sweeps[1]?.run()
  await world.chain.advance(200)
  await until(async () => {
    await lying.sweeps[1]?.run()
    return (await attemptsOf(market, id))[0]?.state === 'dead'
  }, 'the lie to be believed')
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  expect(await attemptsOf(market, id)).toMatchObject([{ n: 1, state: 'landed' }])
  expect(await balance()).toBe(NET)
})

test('what waited for money in an old backup cannot be cancelled before it was looked for', async () => {
  const { id, agent, balance } = await withdrawing()
  const poor = world.another({ rail: { spendable: async () => 0n } })
  await drive(world, poor, {
    until: async () => (await payoutOf(world, id))?.state === 'queued_liquidity',
  })
  await world.store.transact((tx) => tx.run(sql`update payout set known_until = known_until - interval '1 hour'`))
  const { market, restored } = await backedUp()
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  const cancelling = restored.store.transact((tx) => cancelWithdrawal(tx, { partyId: agent.id, id }))
  await expect(cancelling).rejects.toMatchObject({ code: 'withdrawal_not_cancellable' })
  await drive(world, restored.wallet, { until: isConfirmed(restored, id) })
  expect(await balance()).toBe(NET)
})

test('a sweep made after the backup is not made again', async () => {
  await world.funded(5n * USDC)
  const { market, restored } = await backedUp()
  const swept =
    ({ store }: Market) =>
    async () =>
      (await store.read.one(sql`select 1 from payout where kind = 'sweep' and ended_at is null`)) === undefined
  await drive(world, market.wallet, { until: swept(market) })
  await drive(world, restored.wallet, { until: swept(restored) })
  const attempts = ({ store }: Market) => store.read.rows(sql`select payout_id, signature, state from payout_attempt`)
  expect(await attempts(restored)).toEqual(await attempts(market))
  expect(await restored.wallet.audit()).toMatchObject({ covered: true, differences: [] })
})

test('while the history cannot be read, or not far enough back, nothing is signed and the operator hears of it', async () => {
  const { id, balance } = await withdrawing()
  const { market } = await backedUp()
  const blind = market.another({ referencesSince: () => Promise.reject(new Error('no history')) })
  const short = market.another({ referencesSince: async () => ({ carried: [], reach: new Date() }) })
  for (const wallet of [blind, short]) {
    await until(async () => ((await wallet.sweeps[1]?.run()) ?? 0) > 0, 'a round')
    expect(await attemptsOf(market, id)).toEqual([])
    expect(await payoutOf(market, id)).toEqual({ state: 'requested' })
    expect(await findingsOf(market)).toContain('payout_stuck')
  }
  await drive(world, market.wallet, { until: isConfirmed(market, id) })
  expect(await balance()).toBe(NET)
  expect(await findingsOf(market)).toEqual([])
})

test('a memo that somebody else wrote settles nothing', async () => {
  const { id, balance } = await withdrawing()
  const { market } = await backedUp()
  const stranger = await world.chain.give(world.rail.hotWallet.address, NET)
  await world.chain.finalize()
  const fooled = market.another({
    referencesSince: async () => ({
      carried: [{ signature: stranger, reference: `[43] souk:${id}:1`, isFinal: true }],
      reach: new Date(0),
    }),
  })
  await drive(world, fooled, { until: isConfirmed(market, id) })
  expect(await balance()).toBe(NET)
})
