import { randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Micros } from '#kernel/money'
import { available } from '#ledger'
import { openStore } from '#platform/db'
import { createReceiptIssuer, receiptKeyFrom } from '#receipts'
import { bargain } from '#tests/bargains'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { balancesOf, fundedParty } from '#tests/money'
import { createEngine, type MoveRequest } from './engine.ts'
import type { Order } from './order.ts'
import { orderById } from './store.ts'
import { lapseSweep } from './sweep.ts'

const issueReceipts = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'http://test' })
const engine = createEngine({ forms: [], issueReceipts })
const purse = (partyId: string) => available('USDC', partyId)

let db: TestDatabase
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.close())

const pass = (seconds: number) =>
  db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
const parties = (...amounts: Micros[]) => Promise.all(amounts.map((amount) => fundedParty(db.store, amount)))
const move = (request: MoveRequest) => db.store.transact((tx) => engine.move(tx, request))
const reload = async (id: string) => (await orderById(db.store.read, id)) as Order

async function hired(facts: Parameters<typeof bargain>[0]): Promise<Order> {
  const wanted = bargain(facts)
  await db.store.transact((tx) => engine.placeEach(tx, [{ bargain: wanted, input: null }]))
  return reload(wanted.id)
}

test('JP-73, JP-76 the sweep lapses what is due, delivered ones paid, others refunded, each once', async () => {
  const [buyer, seller] = (await parties(10_000_000n, 0n)) as [string, string]
  const [late, silent, early] = await Promise.all([0, 1, 2].map(() => hired({ buyerId: buyer, sellerId: seller })))
  await move({ orderId: silent?.id ?? '', move: { do: 'deliver', by: seller } })
  await pass(121)
  const fresh = await hired({ buyerId: buyer, sellerId: seller })
  await pass(180)
  await move({ orderId: fresh.id, move: { do: 'deliver', by: seller } }).catch(() => {})
  const second = openStore({ url: db.url, maxConnections: 2 })
  const sweeps = [lapseSweep(db.store, engine), lapseSweep(second, engine)]
  const counts = await Promise.all([...sweeps, ...sweeps].map(({ run }) => run()))
  await second.close()
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4)
  const states = await Promise.all([late, silent, early, fresh].map((order) => reload(order?.id ?? '')))
  expect(states.map(({ state }) => state)).toEqual(['expired', 'completed', 'expired', 'expired'])
  expect(await sweeps[0]?.run()).toBe(0)
  expect(await balancesOf(db.store.read, [purse(buyer), purse(seller)])).toEqual([9_485_000n, 500_000n])
})

test('an order that cannot lapse holds back no other, and is reported once nothing else is left', async () => {
  const [buyer, seller] = (await parties(100_000_000n, 0n)) as [string, string]
  const poison: string[] = []
  for (let n = 0; n < 120; n++) poison.push((await hired({ buyerId: buyer, sellerId: seller, price: 1000n })).id)
  const broken = createEngine({
    forms: [{ name: 'test', follow: async (_tx, changes) => failOn(changes.map(({ after }) => after.id)) }],
    issueReceipts,
  })
  const failOn = async (ids: readonly string[]) => {
    if (ids.some((id) => poison.includes(id))) throw new Error('this one cannot')
    return []
  }
  await pass(1)
  const well = [await hired({ buyerId: buyer, sellerId: seller }), await hired({ buyerId: buyer, sellerId: seller })]
  await pass(121)
  const { run } = lapseSweep(db.store, broken)
  expect(await run()).toBe(2)
  for (const { id } of well) expect(await reload(id)).toMatchObject({ state: 'expired' })
  await expect(run()).rejects.toThrow('this one cannot')
  expect(await lapseSweep(db.store, engine).run()).toBe(100)
  expect(await lapseSweep(db.store, engine).run()).toBe(20)
})
