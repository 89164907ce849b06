import sql from 'sql-template-tag'
import { expect } from 'vitest'
import { booksAreClean } from './books.ts'
import type { Diary, Entry } from './diary.ts'
import type { Load } from './load.ts'
import type { Market } from './market.ts'
import type { Trader } from './trader.ts'
import type { Reply } from './wire.ts'

const DAY = 86_401
const MAX_DAYS = 6
const PAGE = 100

/** Lets everything that is open come to its end, as silence would end it. */
export async function windDown(market: Market, { traders }: Load): Promise<void> {
  for (const { key } of traders) {
    const reply = await market.insist({ method: 'POST', path: '/api/v1/wallet/confirm-deposit', key })
    expect(reply.status).toBe(200)
  }
  for (let day = 0; day < MAX_DAYS && (await openOrders(market)) > 0; day++) {
    await market.pass(DAY)
    await market.idle()
  }
  await market.idle()
}

async function openOrders({ store }: Market): Promise<number> {
  const row = await store.read.one<{ open: number }>(sql`
    select count(*)::int as open from orders where closed_at is null`)
  return row?.open ?? 0
}

interface Job {
  readonly id: string
  readonly status: string
  readonly amount: string
  readonly totalCost: string
  readonly clientAgentId: string
  readonly providerAgentId: string
  readonly acceptedAt: string | null
  readonly deliveredAt: string | null
}

interface Withdrawal {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly amount: string
  readonly netAmount: string
}

/** Everything one trader can read about itself, over HTTP. */
interface Account {
  readonly trader: Trader
  readonly jobs: readonly Job[]
  readonly withdrawals: readonly Withdrawal[]
  readonly deposits: readonly { readonly txHash: string; readonly amount: string }[]
  readonly balance: { readonly available: string; readonly pending: string; readonly escrowed: string }
}

/** Whatever happened on the way: all that must be true once everything has come to rest. */
export async function judge(market: Market, { load, diary }: { load: Load; diary: Diary }): Promise<void> {
  expect(market.faults).toEqual([])
  const accounts = await Promise.all(load.traders.map((trader) => accountOf(trader)))
  for (const account of accounts) {
    ended(account)
    addsUp(account)
    await matchesChain(market, account)
  }
  acknowledged(accounts, diary)
  await registrationsStand(market, diary)
  await onceEach(market, { accounts, diary })
  await oneEndEach(market)
  await nothingToExplain(market)
  await booksAreClean(market)
}

/** Deaths leave nothing that a person would have to look into (D-17). */
async function nothingToExplain({ insist, operatorKey }: Market): Promise<void> {
  const { body } = await insist({ method: 'GET', path: '/api/v1/admin/findings', key: operatorKey })
  expect(body.findings).toEqual([])
}

async function accountOf(trader: Trader): Promise<Account> {
  const [jobs, withdrawals, deposits, balance] = await Promise.all([
    all<Job>(trader, '/api/v1/jobs?', 'jobs'),
    all<Withdrawal>(trader, '/api/v1/wallet/withdrawals?', 'withdrawals'),
    all<{ txHash: string; amount: string }>(trader, '/api/v1/wallet/transactions?type=deposit&', 'transactions'),
    trader.read('/api/v1/wallet/balance'),
  ])
  return { trader, jobs, withdrawals, deposits, balance: balance.body }
}

async function all<T>(trader: Trader, path: string, field: string): Promise<T[]> {
  const items: T[] = []
  for (let page = 1; ; page++) {
    const { status, body, text } = await trader.read(`${path}limit=${PAGE}&page=${page}`)
    if (status !== 200) throw new Error(`${path}: ${text}`)
    items.push(...body[field])
    if (page >= body.pagination.totalPages) return items
  }
}

/** Every order reached an end, and no escrow is left (D-27). */
function ended({ trader, jobs, balance, withdrawals }: Account): void {
  expect(jobs.filter(({ status }) => !['completed', 'cancelled', 'expired'].includes(status))).toEqual([])
  expect(withdrawals.filter(({ status }) => !['confirmed', 'failed', 'cancelled'].includes(status))).toEqual([])
  expect({ by: trader.name, pending: balance.pending, escrowed: balance.escrowed }).toEqual({
    ...{ by: trader.name, pending: '0', escrowed: '0' },
  })
}

const ACTIVATION_FEE = 1_000_000n

/** The balance is what the trader's own history adds up to, computed here from scratch. */
function addsUp({ trader, jobs, withdrawals, deposits, balance }: Account): void {
  const completed = jobs.filter(({ status }) => status === 'completed')
  const spent = sum(
    completed.filter(({ clientAgentId }) => clientAgentId === trader.id).map(({ totalCost }) => totalCost),
  )
  const earned = sum(
    completed.filter(({ providerAgentId }) => providerAgentId === trader.id).map(({ amount }) => amount),
  )
  const withdrawn = sum(withdrawals.filter(({ status }) => status === 'confirmed').map(({ amount }) => amount))
  const deposited = sum(deposits.map(({ amount }) => amount))
  const expected = deposited - ACTIVATION_FEE + earned - spent - withdrawn
  expect({ by: trader.name, available: balance.available }).toEqual({ by: trader.name, available: String(expected) })
}

/** Each deposit is credited once, each withdrawal is paid once: what arrived on the chain says so (D-15, D-17). */
async function matchesChain({ chain }: Market, { trader, deposits, withdrawals }: Account): Promise<void> {
  const sent = await chain.arrivals(trader.depositAddress)
  const credited = deposits.map(({ txHash, amount }) => [txHash, amount])
  expect(credited.sort()).toEqual([...sent].map(([txHash, amount]) => [txHash, String(amount)]).sort())
  const paid = (kind: string) =>
    sum(withdrawals.filter((one) => one.kind === kind && one.status === 'confirmed').map(({ netAmount }) => netAmount))
  expect(await chain.balance(trader.payoutWallet.address)).toBe(paid('withdrawal'))
  expect(await chain.balance(trader.emergencyWallet.address)).toBe(paid('panic'))
}

/** What was answered with a success is still true, whatever died since. */
function acknowledged(accounts: readonly Account[], diary: Diary): void {
  const jobs = new Map(accounts.flatMap((account) => account.jobs.map((job) => [job.id, job])))
  const withdrawals = new Map(accounts.flatMap((account) => account.withdrawals.map((one) => [one.id, one])))
  const jobOf = ({ reply }: { reply: Reply }) => jobs.get(reply.body.id)
  const untrue = [
    ...diary.done('hire').filter((entry) => jobOf(entry)?.totalCost !== entry.reply.body.totalCost),
    ...diary.done('accept').filter((entry) => !jobOf(entry)?.acceptedAt),
    ...diary.done('deliver').filter((entry) => !jobOf(entry)?.deliveredAt),
    ...diary.done('accept-delivery').filter((entry) => jobOf(entry)?.status !== 'completed'),
    ...diary.done('cancel').filter((entry) => jobOf(entry)?.status !== 'cancelled'),
    ...diary.done('withdraw').filter(({ reply }) => {
      return withdrawals.get(reply.body.transactionId)?.netAmount !== reply.body.netAmount
    }),
    ...diary.done('panic').filter(({ reply }) => {
      return withdrawals.get(reply.body.transactionId)?.amount !== reply.body.amountWithdrawn
    }),
  ]
  expect(untrue.map(told)).toEqual([])
}

async function registrationsStand(market: Market, diary: Diary): Promise<void> {
  for (const { reply } of diary.done('register')) {
    const { status, body } = await market.insist({ method: 'GET', path: '/api/v1/auth/verify', key: reply.body.apiKey })
    expect({ status, agentId: body.agentId }).toEqual({ status: 200, agentId: reply.body.agentId })
  }
  for (const { reply } of diary.done('list')) {
    expect((await market.insist({ method: 'GET', path: `/api/v1/services/${reply.body.id}` })).status).toBe(200)
  }
}

/** One idempotency key, at most one effect: one where it was acknowledged, none where it was refused (D-14). */
async function onceEach(
  { store }: Market,
  { accounts, diary }: { accounts: readonly Account[]; diary: Diary },
): Promise<void> {
  const inputs = await store.read.rows<{ marker: string }>(sql`select input ->> 'marker' as marker from order_work`)
  const hires = countBy(inputs.map(({ marker }) => marker))
  const withdrawals = countBy(
    accounts
      .flatMap((account) => account.withdrawals.filter(({ kind }) => kind === 'withdrawal'))
      .map(({ amount }) => amount),
  )
  const effectsOf = (entry: Entry): number => {
    const body = entry.body as { input?: { marker: string }; amount?: string }
    return (entry.what === 'hire' ? hires.get(body.input?.marker ?? '') : withdrawals.get(body.amount ?? '')) ?? 0
  }
  const counted = diary.entries.filter(({ what }) => what === 'hire' || what === 'withdraw')
  const wrong = counted.filter((entry) => {
    const effects = effectsOf(entry)
    if (entry.reply === null) return effects > 1
    return effects !== (entry.reply.status < 300 ? 1 : 0)
  })
  expect(wrong.map((entry) => `${effectsOf(entry)} effects of ${told(entry)}`)).toEqual([])
  const panics = accounts.flatMap((account) => account.withdrawals.filter(({ kind }) => kind === 'panic'))
  const abandoned = diary.entries.filter(({ what, reply }) => what === 'panic' && reply === null).length
  const answered = new Set(diary.done('panic').map(({ reply }) => reply.body.transactionId)).size
  expect(panics.length - answered).toBeGreaterThanOrEqual(0)
  expect(panics.length - answered).toBeLessThanOrEqual(abandoned)
}

/** No timer fired twice: an order was closed once, and whoever was paid for it has one receipt (D-19). */
async function oneEndEach({ store }: Market): Promise<void> {
  const twice = await store.read.rows(sql`
    select subject, count(*)::int as ends from event
    where name in ('order.completed', 'order.cancelled', 'order.expired') group by subject having count(*) <> 1`)
  expect(twice).toEqual([])
  const without = await store.read.rows(sql`
    select id from orders where (state = 'completed') <> (exists (select 1 from receipt where order_id = orders.id))`)
  expect(without).toEqual([])
  const slots = await store.read.rows(sql`select * from direct_slot where active <> 0 or queued <> 0`)
  expect(slots).toEqual([])
}

function told({ what, by, path, body, reply }: Entry): string {
  return `${what} by ${by} (${path} ${JSON.stringify(body)}): ${reply === null ? 'unanswered' : `${reply.status} ${reply.text}`}`
}

function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n)
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
