import { createHash, randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import type { Store } from '#platform/db'
import { ChainUnreachable, type Facilitators, type SettlementResult } from '#settlement'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { EVM_NETWORK, signPayment } from '#tests/evm-payments'
import { createTill, type Order, type PurchaseDeps, type Run, type Sale } from './buy.ts'
import { mayReplay, statusOf } from './purchase.ts'
import { purchaseById } from './store.ts'
import { forgettingSweep, purchaseSweep } from './sweep.ts'

/*
 * What becomes of purchases when one of those around them fails at a bad moment. Facilitator and seller are played here, as
 * they must fail on cue; buying over a real chain is tested in tests/contracts.
 */
const settings = { leaseMs: 200, patienceMs: 1_000, pollMs: 10, strikes: 3 }
const OUTPUT = { status: 200, contentType: 'text/plain', body: Buffer.from('done'), latencyMs: 5 }
const buyer = privateKeyToAccount(generatePrivateKey())
const payTo: Hex = `0x${'ab'.repeat(20)}`
const HASH: Hex = `0x${'cd'.repeat(32)}`

let db: TestDatabase
/** What the chain says when it is asked next, and ever after the last of them. */
let settles: (SettlementResult | 'silent')[]
let runs: number
let sales: Sale[]

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())
beforeEach(() => {
  settles = [{ state: 'settled', txHash: HASH }]
  runs = 0
  sales = []
})

const facilitators: Pick<Facilitators, 'verify' | 'settle'> = {
  verify: async ({ payer }) => ({ isValid: true, payer, reason: null }),
  settle: async () => {
    const next = settles.length > 1 ? settles.shift() : settles[0]
    if (next === 'silent' || next === undefined) throw new ChainUnreachable(EVM_NETWORK, 'cut off')
    return next
  },
}

const tillOf = (change: Partial<PurchaseDeps> = {}) =>
  createTill({
    ...{ store: db.store, facilitators, settings },
    run: counted(async () => ({ output: OUTPUT })),
    buyerOf: async () => newId(),
    conclude: async (_tx, sale) => void sales.push(sale),
    ...change,
  })

function counted(run: Run): Run {
  return (purchase) => {
    runs++
    return run(purchase)
  }
}

async function order(change: { settlesFirst?: boolean } = {}): Promise<Order> {
  const payment = await signPayment({ from: buyer, to: payTo, value: 10_000n })
  return {
    ware: { id: newId(), sellerId: newId(), price: 10_000n, settlesFirst: false, ...change },
    ...{ payment, paymentId: null, input: { query: {}, body: null } },
    fingerprint: createHash('sha256').update(randomBytes(8)).digest(),
  }
}

const bought = async (till: ReturnType<typeof tillOf>, wanted: Order) => {
  const result = await till.buy(wanted)
  if (result.state === 'refused') throw new Error(result.reason)
  return result.purchase
}

test('a purchase goes from the work over the money to its end, and is concluded once', async () => {
  const wanted = await order()
  const purchase = await bought(tillOf(), wanted)
  expect(purchase).toMatchObject({ state: 'settled', txHash: HASH, output: OUTPUT, runs: 1, fault: null })
  expect(await bought(tillOf(), wanted)).toMatchObject({ id: purchase.id, state: 'settled' })
  expect([runs, sales.map(({ delivered }) => delivered)]).toEqual([1, [true]])
})

test('while the chain has not decided it is unknown; the same payment, sent again, finds the end and runs nobody again', async () => {
  settles = [
    { state: 'pending', txHash: HASH },
    { state: 'pending', txHash: HASH },
    { state: 'settled', txHash: HASH },
  ]
  const wanted = await order()
  for (let n = 0; n < 2; n++) {
    const purchase = await bought(tillOf(), wanted)
    expect([purchase.state, statusOf(purchase), purchase.endedAt]).toEqual(['settling', 'unknown', null])
  }
  expect(await bought(tillOf(), wanted)).toMatchObject({ state: 'settled', output: OUTPUT })
  expect([runs, sales.length]).toEqual([1, 1])
})

test('D-28 a chain that is silent after the work leaves the purchase where it is, and the sweep ends it', async () => {
  settles = ['silent']
  const wanted = await order()
  await expect(tillOf().buy(wanted)).rejects.toMatchObject({ name: 'ChainUnreachable' })
  settles = [{ state: 'settled', txHash: HASH }]
  await swept()
  expect(await bought(tillOf(), wanted)).toMatchObject({ state: 'settled', output: OUTPUT })
  expect([runs, sales.length]).toEqual([1, 1])
})

test('whoever runs the seller and dies over it loses it: nothing was paid, and the same payment buys again', async () => {
  const wanted = await order()
  let dead = false
  const store: Store = {
    ...db.store,
    transact: (work) => (dead ? Promise.reject(new Error('dead')) : db.store.transact(work)),
  }
  const dying = tillOf({
    store,
    run: counted(async () => {
      dead = true
      return { output: OUTPUT }
    }),
  })
  await expect(dying.buy(wanted)).rejects.toThrow('dead')
  await new Promise((resolve) => setTimeout(resolve, settings.leaseMs + 50))
  await swept()
  const [row] = await db.store.read.rows(sql`select state, reason from purchase where offer_id = ${wanted.ware.id}`)
  expect(row).toMatchObject({ state: 'failed', reason: 'the call was interrupted' })
  expect(await bought(tillOf(), wanted)).toMatchObject({ state: 'settled' })
  expect([runs, sales.length]).toEqual([2, 1])
})

test('a seller may take longer than a lease: who runs it renews it, and nobody else runs it', async () => {
  const wanted = await order()
  const run = counted(async () => {
    await new Promise((resolve) => setTimeout(resolve, settings.leaseMs * 3))
    return { output: OUTPUT }
  })
  const slow = bought(tillOf({ run }), wanted)
  await swept()
  await swept()
  expect(await slow).toMatchObject({ state: 'settled' })
  expect(runs).toBe(1)
})

test('what is paid first is run afterwards, by whoever is left, and a receipt says when it never came', async () => {
  const wanted = await order({ settlesFirst: true })
  const run = counted(async () => ({ failure: 'it answered 500' }))
  const failing = tillOf({ run, settings: { ...settings, patienceMs: 20 } })
  const paid = await bought(failing, wanted)
  expect([paid.state, statusOf(paid), paid.txHash]).toEqual(['paid', 'settled', HASH])
  await new Promise((resolve) => setTimeout(resolve, settings.leaseMs + 50))
  expect(await bought(tillOf(), wanted)).toMatchObject({ state: 'settled', output: OUTPUT })
  expect(sales.map(({ delivered }) => delivered)).toEqual([true])
})

test('what is paid first and fails three times ends, and its receipt says that nothing was delivered (PA-10)', async () => {
  const wanted = await order({ settlesFirst: true })
  const failing = tillOf({ run: counted(async () => ({ failure: 'it answered 500' })) })
  let purchase = await bought(failing, wanted)
  for (let n = 0; n < 5 && purchase.state !== 'settled'; n++) purchase = await bought(failing, wanted)
  expect(purchase).toMatchObject({ state: 'settled', output: null, runs: 3 })
  expect([runs, sales.map(({ delivered }) => delivered)]).toEqual([3, [false]])
})

test('a payment that the chain refuses after the work fails the purchase for good, and the answer stays here', async () => {
  settles = [{ state: 'failed', reason: 'insufficient_funds', txHash: null }]
  const wanted = await order()
  for (let n = 0; n < 2; n++) {
    const purchase = await bought(tillOf(), wanted)
    expect(purchase).toMatchObject({ state: 'failed', fault: 'payment', reason: 'insufficient_funds' })
  }
  expect([runs, sales.length]).toEqual([1, 0])
})

test('D-16 by the authorization an answer opens for 120 seconds, by its name for seven days', () => {
  const ended = new Date('2026-01-01T00:00:00Z')
  const after = (seconds: number) => new Date(ended.getTime() + seconds * 1000)
  const named = { endedAt: ended, paymentId: 'purchase_1234567' }
  expect(mayReplay(named, { shown: null, now: after(120) })).toBe(true)
  expect(mayReplay(named, { shown: null, now: after(121) })).toBe(false)
  expect(mayReplay(named, { shown: 'purchase_1234567', now: after(7 * 86_400) })).toBe(true)
  expect(mayReplay(named, { shown: 'purchase_1234567', now: after(7 * 86_400 + 1) })).toBe(false)
  expect(mayReplay({ ...named, endedAt: null }, { shown: 'purchase_1234567', now: after(0) })).toBe(false)
  expect(mayReplay(named, { shown: 'purchase_7654321', now: after(9999) })).toBe(false)
})

async function swept(): Promise<void> {
  const log = { warn: () => {} }
  const sweep = purchaseSweep({ store: db.store, till: tillOf(), log, olderThanMs: 0 })
  await new Promise((resolve) => setTimeout(resolve, settings.leaseMs))
  await sweep.run()
}

test('a purchase is found by its id', async () => {
  const { id } = await bought(tillOf(), await order())
  expect(await purchaseById(db.store.read, id)).toMatchObject({ id })
  expect(await purchaseById(db.store.read, newId())).toBeUndefined()
})

test('after seven days what was said and answered is forgotten, and what became of it is not', async () => {
  const { id } = await bought(tillOf(), await order())
  const { id: young } = await bought(tillOf(), await order())
  await db.store.transact((tx) =>
    tx.run(sql`update purchase set ended_at = ended_at - interval '8 days' where id = ${id}`),
  )
  expect(await forgettingSweep(db.store).run()).toBe(1)
  expect(await purchaseById(db.store.read, id)).toMatchObject({
    ...{ state: 'settled', input: null, txHash: HASH },
    output: { ...OUTPUT, body: Buffer.alloc(0) },
  })
  expect(await purchaseById(db.store.read, young)).toMatchObject({ output: OUTPUT })
})
