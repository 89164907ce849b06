import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '#platform/db'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import type { Run } from './line.ts'
import { HASH, leaseOver, OUTPUT, openTill, orderOf, someWallet } from './test-world.ts'

/* Who runs a seller, and who says how it ended. */
let db: TestDatabase

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

type Answer = Awaited<ReturnType<Run>>

/** A seller who answers when he is told to. */
function seller() {
  const waiting: ((answer: Answer) => void)[] = []
  const run: Run = () => new Promise((resolve) => waiting.push(resolve))
  const asked = async (times: number) => {
    while (waiting.length < times) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { run, asked, answer: (nth: number, answer: Answer) => waiting[nth]?.(answer) }
}

test('D-16 who has lost the seller to another ends nothing of his', async () => {
  const { run, asked, answer } = seller()
  const order = await orderOf(someWallet())
  // Alive, and unable to say so.
  const leaseStore = { transact: () => Promise.reject(new Error('cut off')) }
  const first = openTill(db.store, { run, deps: { leaseStore } })
  const cutOff = first.bought(order)
  await asked(1)
  await leaseOver()
  const till = openTill(db.store, { run })
  await till.sweep()
  const again = till.bought(order)
  await asked(2)
  answer(0, { failure: 'it answered 500' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  answer(1, { output: OUTPUT })
  expect(await again).toMatchObject({ state: 'settled', output: OUTPUT, runs: 2 })
  expect(await cutOff).toMatchObject({ state: 'settled' })
  expect([...first.sales, ...till.sales]).toHaveLength(1)
})

test('D-16 a lease lives on while every other connection is busy, and until the answer is kept', async () => {
  const { run, asked, answer } = seller()
  const [store, leaseStore] = [2, 1].map((maxConnections) => openStore({ url: db.url, maxConnections }))
  if (!store || !leaseStore) throw new Error('no stores')
  const till = openTill(store, { run, deps: { leaseStore } })
  const buying = till.bought(await orderOf(someWallet()))
  await asked(1)
  let free = () => {}
  const freed = new Promise<void>((resolve) => {
    free = resolve
  })
  const busy = [1, 2].map(() => store.transact(() => freed))
  const other = openTill(db.store, { run })
  await leaseOver()
  answer(0, { output: OUTPUT })
  await leaseOver()
  expect(await other.sweep()).toBe(0)
  free()
  await Promise.all(busy)
  expect(await buying).toMatchObject({ state: 'settled', runs: 1 })
  await Promise.all([store.close(), leaseStore.close()])
})

test('D-28 the sweep looks at the chain once and never waits for it; what is paid is run by a loop of its own', async () => {
  const { run, asked, answer } = seller()
  const order = await orderOf(someWallet(), { settlesFirst: true })
  const pending = openTill(db.store, { settle: () => ({ state: 'pending', txHash: HASH }) })
  expect(await pending.bought(order)).toMatchObject({ state: 'settling' })
  await leaseOver()
  const till = openTill(db.store, { run })
  const swept = till.sweep()
  await asked(1)
  expect(till.asked).toEqual([{ waits: false, reserved: true }])
  answer(0, { output: OUTPUT })
  expect(await swept).toBe(1)
  expect(pending.asked).toEqual([{ waits: true, reserved: true }])
  expect(till.sales.map(({ delivered }) => delivered)).toEqual([true])
})
