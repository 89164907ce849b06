import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  checkChanges,
  checkService,
  listService,
  type Service,
  type ServiceDraft,
  serviceById,
  updateService,
} from '#catalog'
import { Refusal } from '#kernel/refusal'
import { available } from '#ledger'
import { createEngine, lapseSweep, type Move, type Order, orderById } from '#orders'
import { openStore, type Store } from '#platform/db'
import type { Outcome } from '#platform/gather'
import { createReceiptIssuer, receiptKeyFrom } from '#receipts'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { balancesOf, fundedParty } from '#tests/money'
import { createAgreedSchemas, directForm, type Hire, hireEach, promotionSweep } from './index.ts'

const issueReceipts = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'http://test' })
const engine = createEngine({ forms: [directForm], issueReceipts })
const trustsOf = async () => new Map()
const settings = { jobFeeBps: 300, jobAcceptSeconds: 300, jobReviewSeconds: 300, queueWaitSeconds: 600 }
const validator = { validate: async () => [] }
const PRICE = 1_000_000n
const COST = 1_030_000n

let db: TestDatabase
let buyer: string
let seller: string
beforeAll(async () => {
  db = await openTestDatabase()
})
beforeEach(async () => {
  buyer = await fundedParty(db.store, 1000n * COST)
  seller = await fundedParty(db.store, 0n)
})
afterAll(() => db.close())

async function service(fields: Partial<ServiceDraft> = {}): Promise<Service> {
  const draft = {
    ...{ name: 'Summaries', description: 'Summarises any text you send.', category: 'text', priceMicros: PRICE },
    ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
    ...{ maxConcurrentJobs: 1, maxQueueSize: 3, maxExecutionSeconds: 120, ...fields },
  }
  const checked = await checkService(draft, { validator })
  return db.store.transact((tx) => listService(tx, { ownerId: seller, service: checked }))
}

function hireOf({ id, version }: Service, more: Partial<Hire> = {}): Hire {
  const party = { buyerId: buyer, sellerId: seller }
  return {
    ...party,
    serviceId: id,
    serviceVersion: version,
    input: { text: 'x' },
    callbackUrl: null,
    maxPrice: null,
    ...more,
  }
}
const hire = (hires: readonly Hire[], store: Store = db.store, schemas = createAgreedSchemas()) =>
  store.transact((tx) => hireEach(tx, { engine, settings, schemas, trustsOf }, hires))
const verdictOf = (outcome: Outcome<Order>) => {
  if ('done' in outcome) return outcome.done.state
  return outcome.refused instanceof Refusal ? outcome.refused.code : String(outcome.refused)
}
async function hired(one: Service, count = 1): Promise<string[]> {
  const orders: string[] = []
  for (let n = 0; n < count; n++) {
    const [outcome] = await hire([hireOf(one)])
    if (!outcome || !('done' in outcome)) throw outcome?.refused
    orders.push(outcome.done.id)
  }
  return orders
}
const move = (orderId: string, asked: Move) =>
  db.store.transact((tx) => engine.move(tx, { orderId, move: asked, output: {} }))
const deliver = (orderId: string) => move(orderId, { do: 'deliver', by: seller })
const states = (ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await orderById(db.store.read, id))?.state))
const pass = (seconds: number) =>
  db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
const lapseAll = async () => {
  while ((await lapseSweep(db.store, engine).run()) > 0);
}

/** Slots as they are kept, beside slots as the orders have them. */
async function slotsOf(serviceId: string) {
  const kept = await db.store.read.one(sql`select active, queued from direct_slot where service_id = ${serviceId}`)
  const counted = await db.store.read.one(sql`
    select count(*) filter (where state in ('pending', 'assigned'))::int as active,
      count(*) filter (where state = 'queued')::int as queued
    from orders where listing_id = ${serviceId}`)
  return { kept, counted }
}

describe('slots', () => {
  test('JP-44, JP-48 a full service queues, a full queue refuses, and nobody is charged for that', async () => {
    const busy = await service({ maxConcurrentJobs: 2, maxQueueSize: 2 })
    const outcomes = await hire(Array.from({ length: 6 }, () => hireOf(busy)))
    const expected = ['assigned', 'assigned', 'queued', 'queued', 'service_at_capacity', 'service_at_capacity']
    expect(outcomes.map(verdictOf)).toEqual(expected)
    expect(await balancesOf(db.store.read, [available('USDC', buyer)])).toEqual([996n * COST])
    expect(await slotsOf(busy.id)).toEqual({ kept: { active: 2, queued: 2 }, counted: { active: 2, queued: 2 } })
  })

  test('JP-49 who has waited longest begins first, and whoever comes later waits behind them', async () => {
    const busy = await service({ maxQueueSize: 10 })
    const [first, ...line] = (await hired(busy, 5)) as [string, ...string[]]
    expect(await states(line)).toEqual(['queued', 'queued', 'queued', 'queued'])
    const begun: string[] = []
    for (let working: string | undefined = first; working; ) {
      await deliver(working)
      const now = await states(line)
      expect(now.filter((state) => state === 'assigned').length).toBeLessThanOrEqual(1)
      working = line[now.indexOf('assigned')]
      if (working) begun.push(working)
    }
    expect(begun).toEqual(line)
    expect((await slotsOf(busy.id)).kept).toEqual({ active: 0, queued: 0 })
  })

  test('a newcomer never overtakes the line, even when a slot is free', async () => {
    const busy = await service({ maxQueueSize: 10 })
    await hired(busy, 2)
    const roomy = await change(busy, { maxConcurrentJobs: 5 })
    const [outcome] = await hire([hireOf(roomy)])
    expect(outcome && verdictOf(outcome)).toBe('queued')
  })

  test.each([
    ['delivered', (id: string) => deliver(id)],
    ['cancelled', (id: string) => move(id, { do: 'cancel', by: buyer })],
  ])('a job that is %s frees its slot for the next in the same unit of work', async (_, leave) => {
    const busy = await service()
    const [first, second] = (await hired(busy, 2)) as [string, string]
    await leave(first)
    expect(await states([second])).toEqual(['assigned'])
    const { kept, counted } = await slotsOf(busy.id)
    expect(kept).toEqual(counted)
  })

  test('JP-73 a job whose time is over frees its slot too, and the next one gets all of its own time', async () => {
    const busy = await service()
    const [first, second] = (await hired(busy, 2)) as [string, string]
    await pass(121)
    await lapseAll()
    expect(await states([first, second])).toEqual(['expired', 'assigned'])
    await pass(119)
    await deliver(second)
  })

  test('a queued job that is cancelled gets all its money back, leaves the line, and lets nobody jump in', async () => {
    const busy = await service()
    const [first, second, third] = (await hired(busy, 3)) as [string, string, string]
    await move(second, { do: 'cancel', by: buyer })
    expect(await states([first, second, third])).toEqual(['assigned', 'cancelled', 'queued'])
    expect((await slotsOf(busy.id)).kept).toEqual({ active: 1, queued: 1 })
    expect(await balancesOf(db.store.read, [available('USDC', buyer)])).toEqual([998n * COST])
    await deliver(first)
    expect(await states([third])).toEqual(['assigned'])
  })

  test('a queued job expires with refund after its wait, and a slot that comes free goes to one still waiting', async () => {
    const busy = await service({ maxExecutionSeconds: 3600 })
    const [first, second] = (await hired(busy, 2)) as [string, string]
    await pass(300)
    const [third] = (await hired(busy, 1)) as [string]
    await pass(301)
    // The second is over its time, but no sweep has come by yet.
    await deliver(first)
    await lapseAll()
    await promotionSweep(db.store, engine).run()
    expect(await states([second, third])).toEqual(['expired', 'assigned'])
    const { kept, counted } = await slotsOf(busy.id)
    expect(kept).toEqual(counted)
  })

  test('a pending job holds its slot until the provider says yes or time is over', async () => {
    const careful = await service({ autoAccept: false })
    const [first, second] = (await hired(careful, 2)) as [string, string]
    expect(await states([first, second])).toEqual(['pending', 'queued'])
    await pass(301)
    await lapseAll()
    expect(await states([first, second])).toEqual(['expired', 'pending'])
    expect((await slotsOf(careful.id)).kept).toEqual({ active: 1, queued: 0 })
  })

  test('raised capacity is found by the sweep, however many services stay full before it', async () => {
    const full = await Promise.all(Array.from({ length: 60 }, () => service()))
    for (const one of full) await hire([hireOf(one), hireOf(one)])
    const last = full.toSorted((a, b) => (a.id < b.id ? 1 : -1))[0] as Service
    await change(last, { maxConcurrentJobs: 5 })
    expect(await promotionSweep(db.store, engine).run()).toBe(1)
    expect(await slotsOf(last.id)).toEqual({ kept: { active: 2, queued: 0 }, counted: { active: 2, queued: 0 } })
    expect(await promotionSweep(db.store, engine).run()).toBe(0)
  })

  test('slots equal orders after any story, and no more than capacity is ever at work', async () => {
    const anyStep = fc.record({
      verb: fc.constantFrom('hire', 'hire', 'deliver', 'cancel', 'accept', 'pass', 'sweep'),
      pick: fc.nat(9),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.integer({ min: 1, max: 3 }),
        fc.array(anyStep, { maxLength: 14 }),
        async (autoAccept, maxConcurrentJobs, steps) => {
          const busy = await service({ autoAccept, maxConcurrentJobs })
          const ids: string[] = []
          for (const { verb, pick } of steps) {
            if (verb === 'hire')
              ids.push(
                ...(await hire(Array.from({ length: (pick % 3) + 1 }, () => hireOf(busy)))).flatMap((one) =>
                  'done' in one ? [one.done.id] : [],
                ),
              )
            else if (verb === 'pass') await pass(pick * 40)
            else if (verb === 'sweep') await lapseAll().then(promotionSweep(db.store, engine).run)
            else {
              const asked = { do: verb, by: verb === 'cancel' ? buyer : seller } as Move
              await db.store.transact((tx) =>
                engine.moveEach(
                  tx,
                  ids
                    .filter((_, n) => n % 2 === pick % 2 || n === pick)
                    .map((orderId) => ({ orderId, move: asked, output: {} })),
                ),
              )
            }
            const { kept, counted } = await slotsOf(busy.id)
            const isEqual = JSON.stringify(kept ?? { active: 0, queued: 0 }) === JSON.stringify(counted)
            expect(isEqual, JSON.stringify({ kept, counted })).toBe(true)
            expect((counted as { active: number }).active).toBeLessThanOrEqual(maxConcurrentJobs)
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('hiring', () => {
  test('D-4 a service that changed under way is refused, and an order made before keeps what it was made with', async () => {
    const old = await service()
    const [order] = (await hired(old)) as [string]
    const changed = await change(old, { priceMicros: 5n * PRICE, maxExecutionSeconds: 5 })
    expect((await hire([hireOf(old)])).map(verdictOf)).toEqual(['service_changed'])
    expect((await hire([hireOf(changed)])).map(verdictOf)).toEqual(['queued'])
    expect(await orderById(db.store.read, order)).toMatchObject({ price: PRICE, terms: { deliverWithinSeconds: 120 } })
  })

  test('each hire in a batch is judged alone, and answers stay in their order', async () => {
    const [one, demanding] = [await service({ maxConcurrentJobs: 9 }), await service({ minClientTrust: 0.9 })]
    const poor = await fundedParty(db.store, COST - 1n)
    const gone = { ...one, id: '01900000-0000-7000-8000-000000000000' }
    const hires = [
      hireOf(gone),
      hireOf(one),
      hireOf(demanding),
      hireOf(one, { buyerId: poor }),
      hireOf(one, { buyerId: seller }),
      hireOf(one),
    ]
    const expected = ['service_unknown', 'assigned', 'trust_too_low', 'insufficient_funds', 'self_trade', 'assigned']
    expect((await hire(hires)).map(verdictOf)).toEqual(expected)
    expect(await slotsOf(one.id)).toEqual({ kept: { active: 2, queued: 0 }, counted: { active: 2, queued: 0 } })
  })

  test('the output schema agreed on is found again, whatever becomes of the service', async () => {
    const one = await service({ outputSchema: { type: 'object', required: ['summary'] } })
    const schemas = createAgreedSchemas()
    const [outcome] = await hire([hireOf(one)], db.store, schemas)
    await change(one, { outputSchema: { type: 'string' } })
    const order = outcome && 'done' in outcome ? outcome.done : undefined
    for (const memory of [schemas, createAgreedSchemas()]) {
      const schema = await memory.find(db.store.read, order?.terms.verification?.outputSchema ?? '')
      expect(schema).toEqual({ type: 'object', required: ['summary'] })
    }
  })

  test('a schema agreed on in a unit of work that failed is kept by the next one', async () => {
    const one = await service({ outputSchema: { title: 'only here', type: 'object' } })
    const schemas = createAgreedSchemas()
    const failing = db.store.transact(async (tx) => {
      await hireEach(tx, { engine, settings, schemas, trustsOf }, [hireOf(one)])
      throw new Error('later')
    })
    await expect(failing).rejects.toThrow('later')
    const [outcome] = await hire([hireOf(one)], db.store, schemas)
    const hash = outcome && 'done' in outcome ? (outcome.done.terms.verification?.outputSchema ?? '') : ''
    expect(await schemas.find(db.store.read, hash)).toEqual({ title: 'only here', type: 'object' })
  })

  test('two processes hiring many new services in opposite orders never deadlock', async () => {
    const services = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        service({ outputSchema: { type: 'object', title: `schema ${n}` }, maxConcurrentJobs: 50 }),
      ),
    )
    const second = openStore({ url: db.url, maxConnections: 4 })
    let runs = 0
    const batch = (store: Store, wanted: readonly Service[]) =>
      store.transact((tx) => {
        runs++
        return hireEach(
          tx,
          { engine, settings, schemas: createAgreedSchemas(), trustsOf },
          wanted.map((one) => hireOf(one)),
        )
      })
    const rounds = [0, 1, 2, 3]
    await Promise.all(rounds.flatMap(() => [batch(db.store, services), batch(second, services.toReversed())]))
    await second.close()
    expect(runs).toBe(8)
    for (const { id } of services)
      expect(await slotsOf(id)).toEqual({ kept: { active: 8, queued: 0 }, counted: { active: 8, queued: 0 } })
  })

  test('hiring, delivering, cancelling and promoting one service from all sides at once never deadlocks', async () => {
    const busy = await service({ maxConcurrentJobs: 3, maxQueueSize: 100 })
    const second = openStore({ url: db.url, maxConnections: 4 })
    let runs = 0
    const unit = <T>(store: Store, work: Parameters<Store['transact']>[0]) =>
      store.transact((tx) => {
        runs++
        return work(tx) as Promise<T>
      })
    const ids = await hired(busy, 20)
    const rounds = Array.from({ length: 20 }, (_, n) => n)
    await Promise.all(
      rounds.flatMap((n) => [
        unit(db.store, (tx) =>
          hireEach(tx, { engine, settings, schemas: createAgreedSchemas(), trustsOf }, [hireOf(busy)]),
        ),
        unit(second, (tx) =>
          engine.moveEach(
            tx,
            ids.slice(n, n + 3).map((orderId) => ({ orderId, move: { do: 'deliver', by: seller }, output: {} })),
          ),
        ),
        unit(second, (tx) =>
          engine.moveEach(
            tx,
            ids.slice(-n, -n + 2).map((orderId) => ({ orderId, move: { do: 'cancel', by: buyer } })),
          ),
        ),
        promotionSweep(db.store, engine).run(),
      ]),
    )
    await second.close()
    expect(runs).toBe(60)
    await promotionSweep(db.store, engine).run()
    const { kept, counted } = await slotsOf(busy.id)
    expect(kept).toEqual(counted)
    expect((counted as { active: number }).active).toBe(3)
  })
})

async function change(one: Service, changes: Partial<ServiceDraft>): Promise<Service> {
  const checked = await checkChanges(changes, { service: one, validator })
  await db.store.transact((tx) => updateService(tx, { serviceId: one.id, by: seller, changes: checked }))
  return (await serviceById(db.store.read, one.id)) as Service
}
