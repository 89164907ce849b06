import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { HASH, OUTPUT, openTill, orderOf, PRICE, someWallet } from './test-world.ts'

/* Whom sellers work for before they are paid. */
let db: TestDatabase

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const refused = { state: 'failed', reason: 'insufficient_funds', txHash: null } as const
const settled = { state: 'settled', txHash: HASH } as const

test('D-12 a wallet has open no more than it holds: of twenty at once with money for one, one is worked for unpaid', async () => {
  const buyer = someWallet()
  const played = {
    funds: () => PRICE,
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return { output: OUTPUT }
    },
    settle: () => refused,
  }
  const [one, other] = [openTill(db.store, played), openTill(db.store, played)]
  const orders = await Promise.all(Array.from({ length: 20 }, () => orderOf(buyer)))
  await Promise.all(orders.map((order, index) => (index % 2 === 0 ? one : other).bought(order)))
  const runs = [...one.runs, ...other.runs]
  expect(runs.map(({ settlesFirst }) => settlesFirst)).toEqual([false])
})

test('D-12 what a wallet holds is for all it has open, and again for the next once that has ended', async () => {
  const buyer = someWallet()
  let held = 2n * PRICE
  const till = openTill(db.store, {
    funds: () => held,
    settle: () => {
      held -= PRICE
      return settled
    },
  })
  for (const left of [PRICE, 0n]) {
    expect(await till.bought(await orderOf(buyer))).toMatchObject({ state: 'settled', settlesFirst: false })
    expect(held).toBe(left)
  }
  expect(await till.bought(await orderOf(buyer))).toMatchObject({ settlesFirst: true })
})

test('D-12 one wallet’s purchases are nothing to another', async () => {
  const till = openTill(db.store, { funds: () => PRICE, settle: () => ({ state: 'pending', txHash: HASH }) })
  const [first, second] = [
    await till.bought(await orderOf(someWallet())),
    await till.bought(await orderOf(someWallet())),
  ]
  expect([first.settlesFirst, second.settlesFirst]).toEqual([false, false])
})

test('D-12 a payment whose seller failed is tried again only while the wallet holds it beside what it has open', async () => {
  const buyer = someWallet()
  let fails = true
  let state: 'pending' | 'settled' = 'pending'
  const till = openTill(db.store, {
    funds: () => PRICE,
    run: async () => (fails ? { failure: 'it answered 500' } : { output: OUTPUT }),
    settle: () => ({ state, txHash: HASH }),
  })
  const [early, later] = [await orderOf(buyer), await orderOf(buyer)]
  expect(await till.bought(early)).toMatchObject({ state: 'failed', fault: 'seller' })
  fails = false
  expect(await till.bought(later)).toMatchObject({ state: 'settling', settlesFirst: false })
  expect(await till.bought(early)).toMatchObject({ state: 'failed', fault: 'seller' })
  state = 'settled'
  await till.bought(later)
  expect(await till.bought(early)).toMatchObject({ state: 'settled', output: OUTPUT })
})

test('D-12 three payments that failed after the work, within a day, and the wallet pays first', async () => {
  const buyer = someWallet()
  const till = openTill(db.store, { funds: () => PRICE, settle: () => refused })
  const purchases = []
  for (let n = 0; n < 4; n++) purchases.push(await till.bought(await orderOf(buyer)))
  expect(purchases.map(({ settlesFirst }) => settlesFirst)).toEqual([false, false, false, true])
})
