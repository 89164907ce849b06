import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SettlementResult } from '#settlement'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import type { Forwarded, RelayLine, Sale } from './line.ts'
import type { Purchase } from './purchase.ts'
import { purchaseById } from './store.ts'
import { HASH, leaseOver, OUTPUT, openTill, orderOf, someWallet } from './test-world.ts'

let db: TestDatabase

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.drop())

const PENDING = { state: 'pending', txHash: null } as SettlementResult
const SETTLED = { state: 'settled', txHash: HASH } as SettlementResult
const UNUSED = { state: 'failed', reason: 'not used', txHash: null } as SettlementResult

interface Elsewhere extends RelayLine {
  readonly forwarded: Purchase[]
  readonly sales: Sale[]
}

/** A seller elsewhere and its chain, played, as they must fail on cue. */
function elsewhere(forward: () => Promise<Forwarded>, outcomeOf: () => SettlementResult): Elsewhere {
  const [forwarded, sales]: [Purchase[], Sale[]] = [[], []]
  return {
    ...{ forwarded, sales },
    forward: (purchase) => {
      forwarded.push(purchase)
      return forward()
    },
    outcomeOf: async () => outcomeOf(),
    conclude: async (_tx, concluded) => void sales.push(...concluded),
  }
}

const tillFor = (line: RelayLine, deps: object = {}) =>
  openTill(db.store, { deps: { lines: { offer: line }, ...deps } })

async function wanted() {
  return orderOf(someWallet())
}

test('D-16 D-28 who dies with the payment out is not followed by another who sends it: only the chain is asked what became of it', async () => {
  let outcome = PENDING
  const dead = elsewhere(
    () => new Promise(() => {}),
    () => outcome,
  )
  const heir = elsewhere(
    async () => ({ output: OUTPUT }),
    () => outcome,
  )
  const order = await wanted()
  // Its lease is renewed no more: as if the process were gone.
  const gone = { transact: () => Promise.reject(new Error('gone')) }
  void tillFor(dead, { leaseStore: gone }).buy(order)
  while (dead.forwarded.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const [{ id = '' } = {}] = dead.forwarded
  await leaseOver()
  const till = tillFor(heir)
  expect(await till.bought(order)).toMatchObject({ id, state: 'settling', output: null })
  await leaseOver()
  expect(await till.sweep()).toBe(0)
  outcome = SETTLED
  expect(await till.bought(order)).toMatchObject({ id, state: 'settled', txHash: HASH, output: null })
  expect([dead.forwarded.length, heir.forwarded.length]).toEqual([1, 0])
  expect(heir.sales).toMatchObject([{ delivered: false, txHash: HASH }])
})

test('D-16 nobody ends a purchase while its answer may still come, though the chain has settled it', async () => {
  let answer: (forwarded: Forwarded) => void = () => {}
  const line = elsewhere(
    () => new Promise((resolve) => (answer = resolve)),
    () => SETTLED,
  )
  const [till, order] = [tillFor(line), await wanted()]
  const copies = Promise.all(Array.from({ length: 5 }, () => till.bought(order)))
  while (line.forwarded.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  // Longer than the lease: it is renewed by who lives.
  await leaseOver()
  expect(await till.sweep()).toBe(0)
  answer({ output: OUTPUT })
  for (const purchase of await copies) expect(purchase).toMatchObject({ state: 'settled', output: { status: 200 } })
  expect([line.forwarded.length, line.sales.length]).toEqual([1, 1])
})

test('where nothing was sent nothing is out, so the same payment tries again; what was sent is never sent again', async () => {
  const answers: Forwarded[] = [
    { failure: 'nobody there' },
    { failure: 'nobody there' },
    { unknown: 'it answered 500' },
  ]
  let outcome = PENDING
  const line = elsewhere(
    async () => answers.shift() ?? { output: OUTPUT },
    () => outcome,
  )
  const [till, order] = [tillFor(line), await wanted()]
  for (let n = 1; n <= 2; n++) {
    expect(await till.bought(order)).toMatchObject({ state: 'failed', fault: 'seller', reason: 'nobody there' })
    expect(line.forwarded).toHaveLength(n)
  }
  const { id } = await till.bought(order)
  expect(line.forwarded).toHaveLength(3)
  outcome = UNUSED
  expect(await till.bought(order)).toMatchObject({
    id,
    state: 'failed',
    fault: 'payment',
    reason: 'it answered 500',
    runs: 0,
  })
  outcome = SETTLED
  expect(await till.bought(order)).toMatchObject({ id, state: 'failed' })
  expect(line.forwarded).toHaveLength(3)
})

test('what its buyer has left is ended by the sweep as soon as the chain has decided', async () => {
  let outcome = PENDING
  const line = elsewhere(
    async () => ({ output: OUTPUT }),
    () => outcome,
  )
  const [till, order] = [tillFor(line), await wanted()]
  const { id } = await till.bought(order)
  expect(await purchaseById(db.store.read, id)).toMatchObject({ state: 'settling', output: OUTPUT })
  outcome = SETTLED
  expect(await till.sweep()).toBe(1)
  expect(await purchaseById(db.store.read, id)).toMatchObject({ state: 'settled', output: OUTPUT, txHash: HASH })
  expect(line.sales).toMatchObject([{ delivered: true }])
})
