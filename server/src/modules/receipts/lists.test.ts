import { randomBytes } from 'node:crypto'
import sql, { type Sql } from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import type { Db } from '#platform/db'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import {
  createReceiptIssuer,
  newestReceipts,
  paymentsBy,
  receiptById,
  receiptKeyFrom,
  receiptOf,
  receiptsOfParty,
  salesOf,
  tallySweep,
  tradesOf,
} from './index.ts'

/*
 * What a list costs must not grow with the market: each is read in order from an index, and no further than it shows.
 */

const BATCHES = 20
const BATCH = 500
const LIMIT = 25

const issue = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'https://souk.example' })
const [hot, rare, orderId] = [newId(), newId(), newId()]

let db: TestDatabase
beforeAll(async () => {
  db = await openTestDatabase()
  for (let batch = 0; batch < BATCHES; batch++) await sell(batch)
  const sweep = tallySweep(db.store, async () => new Map())
  while ((await sweep.run()) > 0);
  await db.store.transact((tx) => tx.run(sql`analyze`))
})
afterAll(() => db.close())

/** Everybody buys from one and now and then from another, who buys a little too. */
function sell(batch: number): Promise<void> {
  const settlement = (n: number) => ({
    ...{ orderId: newId(), form: 'direct', type: 'escrow_release' as const, buyerId: newId(), sellerId: hot },
    ...{ asset: 'USDC', price: 100n, payout: 100n, fee: 3n, delivered: true },
    ...(n === 7 ? { sellerId: rare, ...(batch === 3 ? { orderId } : {}) } : {}),
    ...(n === 8 ? { buyerId: rare } : {}),
  })
  return db.store.transact((tx) =>
    issue(
      tx,
      Array.from({ length: BATCH }, (_, n) => settlement(n)),
    ),
  )
}

interface Plan {
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** The most rows that any step of the plan touched. */
function touchedBy(plan: Plan): number {
  const { 'Actual Rows': rows = 0, 'Actual Loops': loops = 1, 'Rows Removed by Filter': removed = 0 } = plan
  return Math.max((rows + removed) * loops, ...(plan.Plans ?? []).map(touchedBy))
}

/** Runs a reading and answers what it touched, whatever statement it makes. */
async function touched(read: (db: Db) => Promise<unknown>): Promise<number> {
  let [most, statements] = [0, 0]
  const explain = async (statement: Sql) => {
    const row = await db.store.read.one<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
      sql`explain (analyze, format json) ${statement}`,
    )
    statements++
    most = Math.max(most, touchedBy(row?.['QUERY PLAN'][0]?.Plan as Plan))
  }
  await read({
    rows: async (statement) => {
      await explain(statement)
      return []
    },
    one: async (statement) => {
      await explain(statement)
      return undefined
    },
  })
  expect(statements).toBe(1)
  return most
}

const before = BigInt((BATCHES * BATCH) / 2)

test.each<[string, (db: Db) => Promise<unknown>]>([
  ['PA-57 the newest', (read) => newestReceipts(read, { limit: LIMIT })],
  ['PA-57 older ones', (read) => newestReceipts(read, { before, limit: LIMIT })],
  ...(['buyer', 'seller', 'both'] as const).flatMap((side): [string, (db: Db) => Promise<unknown>][] => [
    [
      `PA-20 of a party that sells much, as ${side}`,
      (read) => receiptsOfParty(read, { partyId: hot, side, limit: LIMIT }),
    ],
    [
      `PA-20 of one that trades little, as ${side}`,
      (read) => receiptsOfParty(read, { partyId: rare, side, limit: LIMIT }),
    ],
    [`PA-20 older ones, as ${side}`, (read) => receiptsOfParty(read, { partyId: hot, side, before, limit: LIMIT })],
  ]),
  ['PA-21 what a party traded', (read) => tradesOf(read, [hot, rare])],
  ['PA-64 what reputations are made of', (read) => salesOf(read, [hot, rare])],
  ['JP-151 what a buyer paid', (read) => paymentsBy(read, { buyerId: rare, asset: 'USDC', limit: LIMIT })],
  ['the receipt of an order', (read) => receiptOf(read, orderId)],
  ['one by its id', (read) => receiptById(read, newId())],
])('%s: no more is read than is shown', async (_, read) => {
  expect(await touched(read)).toBeLessThanOrEqual(2 * LIMIT)
})
