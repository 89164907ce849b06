import sql from 'sql-template-tag'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { fundedParty } from '#tests/money'
import { available, balanceOf, fees, openAccounts, post, rollUp } from './index.ts'

/** A busy machine, or a transaction of another database of the cluster, may hold things up. */
const PATIENCE = { timeout: 15_000 }

const FEE = fees('USDC', 'test')
let db: TestDatabase
let payer: string
beforeEach(async () => {
  db = await openTestDatabase()
  payer = await fundedParty(db.store, 1_000_000n)
  await db.store.transact((tx) => openAccounts(tx, FEE))
})
afterEach(() => db.close())

const bill = (amount: Micros, partyId = payer) => ({
  key: newId(),
  reason: 'fee',
  subject: 'test',
  postings: [{ from: available('USDC', partyId), to: FEE, amount }],
})
const pay = (amount: Micros) => db.store.transact((tx) => post(tx, bill(amount)))
const collected = () => balanceOf(db.store.read, FEE)
async function rolled(): Promise<bigint | undefined> {
  const row = await db.store.read.one<{ balance: bigint }>(sql`
    select account_rollup.balance::bigint as balance from account_rollup join account on no = account_no where id = ${FEE}`)
  return row?.balance
}

/** A unit of work that has posted and stays open until it is told to commit. */
async function openUnit(amount: Micros) {
  const own = await fundedParty(db.store, amount)
  let commit = () => {}
  let isPosted = () => {}
  const posted = new Promise<void>((resolve) => (isPosted = resolve))
  const done = db.store.transact(async (tx) => {
    await post(tx, bill(amount, own))
    isPosted()
    await new Promise<void>((resolve) => (commit = resolve))
  })
  await posted
  return () => {
    commit()
    return done
  }
}

test('what is certain moves into the rolled-up balance, and the balance stays what it was', async () => {
  for (let n = 0; n < 5; n++) await pay(10n)
  await vi.waitFor(async () => {
    await rollUp(db.store)
    expect(await rolled()).toBe(50n)
  }, PATIENCE)
  expect(await collected()).toBe(50n)
  await pay(7n)
  expect([await rolled(), await collected()]).toEqual([50n, 57n])
})

test('a unit of work that drew its id before the checkpoint and commits long after it is not lost', async () => {
  const commit = await openUnit(5n)
  await pay(10n)
  for (let n = 0; n < 4; n++) await rollUp(db.store)
  expect(await collected()).toBe(10n)
  await commit()
  expect(await collected()).toBe(15n)
  await vi.waitFor(async () => {
    await rollUp(db.store)
    expect(await rolled()).toBe(15n)
  }, PATIENCE)
})

test('a unit of work that begins between two roll-ups and stays open is not lost either', async () => {
  await pay(10n)
  await rollUp(db.store)
  const commit = await openUnit(5n)
  await pay(1n)
  for (let n = 0; n < 4; n++) await rollUp(db.store)
  await commit()
  expect(await collected()).toBe(16n)
  await vi.waitFor(async () => {
    await rollUp(db.store)
    expect(await rolled()).toBe(16n)
  }, PATIENCE)
})

test('writers of all speeds and two rollers at once: at every moment the balance is what was committed', async () => {
  let writing = true
  const rollers = [0, 1].map(async () => {
    while (writing) await rollUp(db.store)
  })
  let committed = 0n
  const queue = Array.from({ length: 80 }, (_, n) => BigInt(n + 1))
  const writers = Array.from({ length: 3 }, async () => {
    for (let amount = queue.shift(); amount; amount = queue.shift()) {
      const commit = await openUnit(amount)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 6))
      await commit()
      committed += amount
    }
  })
  await Promise.all(writers)
  writing = false
  await Promise.all(rollers)
  expect(committed).toBe(3240n)
  expect(await collected()).toBe(committed)
  await vi.waitFor(async () => {
    await rollUp(db.store)
    expect(await rolled()).toBe(committed)
  }, PATIENCE)
})
