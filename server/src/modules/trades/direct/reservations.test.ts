import { randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { checkChanges, checkService, listService, type Service, type ServiceDraft, updateService } from '#catalog'
import { newId } from '#kernel/id'
import { Refusal } from '#kernel/refusal'
import { available } from '#ledger'
import { createEngine, type Order, orderById } from '#orders'
import { createReceiptIssuer, receiptKeyFrom } from '#receipts'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { fundedParty } from '#tests/money'
import { NEUTRAL_TRUST, type Trust } from '#trust'
import {
  createAgreedSchemas,
  directForm,
  hireEach,
  placeReserved,
  promotionSweep,
  quoteOf,
  releaseSlot,
  reserveSlot,
} from './index.ts'

const issueReceipts = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'http://test' })
const engine = createEngine({ forms: [directForm], issueReceipts })
const settings = { jobFeeBps: 300, jobAcceptSeconds: 300, jobReviewSeconds: 300, queueWaitSeconds: 600 }
const trusts = new Map<string, Trust>()
const deps = { settings, schemas: createAgreedSchemas(), trustsOf: async () => trusts }
const validator = { validate: async () => [] }

let db: TestDatabase
let buyer: string
let seller: string
beforeAll(async () => {
  db = await openTestDatabase()
})
beforeEach(async () => {
  buyer = await fundedParty(db.store, 1_000_000_000n)
  seller = await fundedParty(db.store, 0n)
})
afterAll(() => db.close())

async function service(fields: Partial<ServiceDraft> = {}): Promise<Service> {
  const draft = {
    ...{ name: 'Summaries', description: 'Summarises any text you send.', category: 'text', priceMicros: 1_000_001n },
    ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
    ...{ maxConcurrentJobs: 1, queueEnabled: false, ...fields },
  }
  const checked = await checkService(draft, { validator })
  return db.store.transact((tx) => listService(tx, { ownerId: seller, service: checked }))
}

/** The reservation's id, or the code it is refused with. */
async function reserve(one: Service, buyerId: string | null = buyer): Promise<string> {
  const id = newId()
  const about = { serviceId: one.id, sellerId: seller, serviceVersion: one.version }
  try {
    const { total } = quoteOf(one, settings)
    await db.store.transact((tx) => reserveSlot(tx, deps, { id, ...about, buyerId, total }))
    return id
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

const place = (reservationId: string, orderId = newId()): Promise<Order> =>
  db.store.transact((tx) => {
    const purse = available('USDC', buyer)
    return placeReserved(tx, { engine, reservationId, orderId, buyerId: buyer, purse, input: { text: 'x' } })
  })
const release = (id: string) => db.store.transact((tx) => releaseSlot(tx, engine, id))

async function hire({ id: serviceId, version: serviceVersion }: Service): Promise<string> {
  const wish = {
    buyerId: buyer,
    sellerId: seller,
    serviceId,
    serviceVersion,
    input: {},
    callbackUrl: null,
    maxPrice: null,
  }
  const [outcome] = await db.store.transact((tx) => hireEach(tx, { ...deps, engine }, [wish]))
  if (outcome && 'done' in outcome) return outcome.done.id
  return outcome?.refused instanceof Refusal ? outcome.refused.code : 'nothing'
}

const stateOf = async (orderId: string) => (await orderById(db.store.read, orderId))?.state
const slotsOf = (serviceId: string) =>
  db.store.read.one(sql`select active, queued from direct_slot where service_id = ${serviceId}`)

test('D-20 price and fee are what a job costs with a wallet too, the fee rounded up (D-5)', async () => {
  expect(quoteOf(await service(), settings)).toEqual({ price: 1_000_001n, fee: 30_001n, total: 1_030_002n })
})

test('D-20 of two wallets that want the last slot at once one reserves it, and neither hirer nor wallet gets past it', async () => {
  const busy = await service()
  const tries = await Promise.all(Array.from({ length: 8 }, () => reserve(busy)))
  expect(tries.filter((each) => each === 'service_at_capacity')).toHaveLength(7)
  expect(await hire(busy)).toBe('service_at_capacity')
  expect(await slotsOf(busy.id)).toEqual({ active: 1, queued: 0 })
})

test('D-20 a slot is given back once, however often, and is free then', async () => {
  const busy = await service()
  const id = await reserve(busy)
  await Promise.all([release(id), release(id), release(id)])
  expect(await slotsOf(busy.id)).toEqual({ active: 0, queued: 0 })
  expect(await hire(busy)).toMatch(/-/)
})

test('D-20 JP-49 a slot given back goes to whoever has waited longest', async () => {
  const busy = await service({ queueEnabled: true, maxQueueSize: 3 })
  const id = await reserve(busy)
  const waiting = await hire(busy)
  expect(await stateOf(waiting)).toBe('queued')
  await release(id)
  expect([await stateOf(waiting), await slotsOf(busy.id)]).toEqual(['assigned', { active: 1, queued: 0 }])
})

test('D-20 a paid reservation is the job that was agreed on, whatever has changed meanwhile', async () => {
  const before = await service()
  const id = await reserve(before)
  const checked = await checkChanges({ priceMicros: 9_000_000n, active: false }, { service: before, validator })
  await db.store.transact((tx) => updateService(tx, { serviceId: before.id, by: seller, changes: checked }))
  const orderId = newId()
  const order = await place(id, orderId)
  expect(order).toMatchObject({
    id: orderId,
    state: 'assigned',
    price: 1_000_001n,
    held: 1_030_002n,
    listingId: before.id,
  })
  expect(await slotsOf(before.id)).toEqual({ active: 1, queued: 0 })
  await db.store.transact((tx) => engine.move(tx, { orderId, move: { do: 'deliver', by: seller }, output: {} }))
  expect(await slotsOf(before.id)).toEqual({ active: 0, queued: 0 })
})

test('D-20 a place in line is kept too, and the job begins when its turn comes', async () => {
  const busy = await service({ queueEnabled: true, maxQueueSize: 1 })
  const working = await hire(busy)
  const id = await reserve(busy)
  expect(await reserve(busy)).toBe('service_at_capacity')
  const { id: orderId, state } = await place(id)
  expect([state, await slotsOf(busy.id)]).toEqual(['queued', { active: 1, queued: 1 }])
  await db.store.transact((tx) =>
    engine.move(tx, { orderId: working, move: { do: 'deliver', by: seller }, output: {} }),
  )
  expect(await stateOf(orderId)).toBe('assigned')
})

test('D-20 who is in line while a slot comes free is not forgotten once the payment has come', async () => {
  const busy = await service({ queueEnabled: true, maxQueueSize: 1 })
  const working = await hire(busy)
  const id = await reserve(busy)
  await db.store.transact((tx) =>
    engine.move(tx, { orderId: working, move: { do: 'deliver', by: seller }, output: {} }),
  )
  const { id: orderId } = await place(id)
  await promotionSweep(db.store, engine).run()
  expect([await stateOf(orderId), await slotsOf(busy.id)]).toEqual(['assigned', { active: 1, queued: 0 }])
})

test('D-20 whatever a hire is refused for is refused before anything is paid', async () => {
  const open = await service()
  const stale = { ...open, version: open.version + 1 }
  expect(await reserve(stale)).toBe('service_changed')
  expect(await reserve({ ...open, priceMicros: 5n })).toBe('service_changed')
  trusts.set(buyer, { ...NEUTRAL_TRUST, score: 0.2, evidence: 9 })
  const choosy = await service({ minClientTrust: 0.4 })
  expect(await reserve(choosy)).toBe('trust_too_low')
  expect(await reserve(choosy, null)).toMatch(/-/)
  const checked = await checkChanges({ active: false }, { service: open, validator })
  const closed = await db.store.transact((tx) =>
    updateService(tx, { serviceId: open.id, by: seller, changes: checked }),
  )
  expect(await reserve(closed)).toBe('service_inactive')
  expect(await slotsOf(open.id)).toBeUndefined()
})
