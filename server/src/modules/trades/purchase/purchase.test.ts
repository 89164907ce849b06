import { createHash, randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import type { Refusal } from '#kernel/refusal'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Store } from '#platform/db'
import type { Facilitators, SettlementResult } from '#settlement'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { EVM_NETWORK, signPayment } from '#tests/evm-payments'
import { createTill, type Order, type PurchaseDeps } from './buy.ts'
import { purchaseRefusals } from './errors.ts'
import type { Run, Sale } from './line.ts'
import { mayReplay, statusOf } from './purchase.ts'
import { purchaseById } from './store.ts'
import { forgettingSweep, purchaseSweeps } from './sweep.ts'

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

const tillOf = ({ run, ...change }: Partial<PurchaseDeps> & { run?: Run } = {}) =>
  createTill({
    ...{ store: db.store, facilitators, settings },
    lines: {
      offer: {
        run: run ?? counted(async () => ({ output: OUTPUT })),
        conclude: async (_tx, concluded) => void sales.push(...concluded),
      },
    },
    buyersOf: async (_tx, payments) => payments.map(() => newId()),
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
    ware: { kind: 'offer', id: newId(), sellerId: newId(), price: 10_000n, settlesFirst: false, ...change },
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
  const [row] = await db.store.read.rows(sql`select state, reason from purchase where ware_id = ${wanted.ware.id}`)
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

describe('where the money itself buys', () => {
  const placed: string[] = []
  const returned: string[] = []
  const held = new Set<string>()
  const orders = ({ refused }: { refused?: Refusal } = {}): PurchaseDeps['lines'] => ({
    order: {
      reserve: async (_tx, { orderId }) => void held.add(orderId ?? ''),
      release: async (_tx, { orderId }) => void held.delete(orderId ?? ''),
      place: async (_tx, { purchase }) => {
        placed.push(purchase.id)
        if (refused) throw refused
        return { ...OUTPUT, status: 201 }
      },
      giveBack: async (_tx, { purchase }) => void returned.push(purchase.id),
    },
  })
  const wantedOrder = async (orderId = newId()): Promise<Order> => {
    const wanted = await order()
    return { ...wanted, ware: { ...wanted.ware, kind: 'order', sellerId: null, buyerId: newId(), orderId } }
  }
  beforeEach(() => {
    for (const list of [placed, returned]) list.length = 0
    held.clear()
  })

  test('D-16 what it buys is done once, after the money and in the commit that ends the purchase; its answer is served again', async () => {
    settles = [
      { state: 'pending', txHash: HASH },
      { state: 'settled', txHash: HASH },
    ]
    const wanted = await wantedOrder()
    const till = tillOf({ lines: orders() })
    expect(await bought(till, wanted)).toMatchObject({ state: 'settling' })
    expect([placed, held.size]).toEqual([[], 1])
    const again = await Promise.all(Array.from({ length: 10 }, () => bought(till, wanted)))
    for (const purchase of again)
      expect(purchase).toMatchObject({
        ...{ state: 'settled', buyerId: wanted.ware.buyerId, orderId: wanted.ware.orderId, txHash: HASH },
        output: { ...OUTPUT, status: 201 },
      })
    expect([placed.length, returned]).toEqual([1, []])
  })

  test('what cannot be had any more once it is paid is undone, and the whole amount goes back, once', async () => {
    const wanted = await wantedOrder()
    const till = tillOf({ lines: orders({ refused: purchaseRefusals.purchase_unknown() }) })
    for (let n = 0; n < 3; n++) {
      const purchase = await bought(till, wanted)
      expect(purchase).toMatchObject({ state: 'returned', fault: 'order', txHash: HASH, output: null })
      expect([purchase.reason, statusOf(purchase)]).toEqual(['There is no such purchase', 'failed'])
    }
    expect([placed.length, returned.length]).toEqual([1, 1])
  })

  test('a "not now" is no "no": the purchase waits, and ends once it can', async () => {
    const wanted = await wantedOrder()
    const busy = purchaseRefusals.still_working({ purchaseId: 'x' })
    await expect(tillOf({ lines: orders({ refused: busy }) }).buy(wanted)).rejects.toBe(busy)
    expect(returned).toEqual([])
    expect(await bought(tillOf({ lines: orders() }), wanted)).toMatchObject({ state: 'settled' })
  })

  test('an order is paid by one payment: of two at once the second is refused before any money moves', async () => {
    const [one, other] = [await wantedOrder(), await order()]
    settles = [{ state: 'pending', txHash: HASH }]
    const till = tillOf({ lines: orders() })
    await bought(till, one)
    await expect(till.buy({ ...other, ware: one.ware })).rejects.toMatchObject({ code: 'order_being_paid' })
    settles = [{ state: 'failed', reason: 'insufficient_funds', txHash: null }]
    expect(await bought(till, one)).toMatchObject({ state: 'failed', fault: 'payment' })
    expect(held.size).toBe(0)
    settles = [{ state: 'settled', txHash: HASH }]
    expect(await bought(till, { ...other, ware: one.ware })).toMatchObject({ state: 'settled' })
  })
})

async function swept(): Promise<void> {
  const log = { warn: () => {} }
  const sweeps = purchaseSweeps({ store: db.store, till: tillOf(), log, olderThanMs: 0 })
  await new Promise((resolve) => setTimeout(resolve, settings.leaseMs))
  for (const { run } of sweeps) await run()
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
