import { randomUUID } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dice, diceOf, seeds } from '#tests/crash/dice'
import type { Reply } from '#tests/crash/wire'
import { type Arena, openArena, type Racer, statuses, times } from './arena.ts'

const PRICE = 500_000n
const COST = 515_000n
const RACERS = 50
const BEYOND_ANY_DEADLINE = 301

let arena: Arena
let buyer: Racer
let seller: Racer
/** Buys too, so that no lock on one buyer's money hides a race of hires. */
let rival: Racer

beforeAll(async () => {
  arena = await openArena()
  ;[buyer, seller, rival] = await Promise.all([arena.agent(500_000_000n), arena.agent(), arena.agent()])
}, 90_000)

afterAll(async () => {
  await arena.rest()
  await arena.booksAreClean()
  await arena.close()
}, 120_000)

type Start = 'pending' | 'accepted' | 'delivered'

async function jobIn(state: Start): Promise<string> {
  const serviceId = await arena.service(seller, { autoAccept: state !== 'pending', maxConcurrentJobs: 100 })
  const id = await arena.hire(buyer, serviceId)
  if (state === 'delivered') expect((await move('deliver', id)).status).toBe(200)
  return id
}

type Move = 'accept' | 'deliver' | 'accept-delivery' | 'cancel'

function move(name: Move, jobId: string): Promise<Reply> {
  const mover = name === 'accept' || name === 'deliver' ? seller : buyer
  return mover.post(`/api/v1/jobs/${jobId}/${name}`, name === 'deliver' ? { output: {} } : undefined)
}

interface Contest {
  readonly from: Start
  readonly moves: readonly Move[]
  /** Its deadline passes in the middle of it, for both servers to see. */
  readonly lapses: boolean
  /** How it may stand right after the contest. */
  readonly ends: readonly string[]
}

const CONTESTS: readonly (readonly [string, Contest])[] = [
  [
    'JP-75 JP-78 accepts and cancels of a delivered job',
    { from: 'delivered', moves: ['accept-delivery', 'cancel'], lapses: false, ends: ['completed'] },
  ],
  [
    'JP-75 JP-76 accepts of a delivered job and its timeout',
    { from: 'delivered', moves: ['accept-delivery', 'cancel'], lapses: true, ends: ['completed'] },
  ],
  [
    'JP-71 JP-78 deliveries and cancels of an accepted job',
    { from: 'accepted', moves: ['deliver', 'cancel'], lapses: false, ends: ['delivered', 'cancelled'] },
  ],
  [
    'JP-72 JP-73 deliveries and cancels of an accepted job and its timeout',
    {
      from: 'accepted',
      moves: ['deliver', 'cancel'],
      lapses: true,
      ends: ['delivered', 'cancelled', 'expired', 'completed'],
    },
  ],
  [
    'JP-69 JP-70 accepts and cancels of a pending job and its timeout',
    { from: 'pending', moves: ['accept', 'cancel'], lapses: true, ends: ['accepted', 'cancelled', 'expired'] },
  ],
]

async function hold({ from, moves, lapses, ends }: Contest, dice: Dice): Promise<void> {
  const jobId = await jobIn(from)
  const [buyerBefore, sellerBefore] = await Promise.all([buyer.available(), seller.available()])
  const asks = times(RACERS, (n) => () => move(moves[n % moves.length] as Move, jobId))
  const passes = lapses ? dice.int(0, RACERS - 1) : -1
  if (lapses) asks.splice(passes, 0, () => arena.market.pass(BEYOND_ANY_DEADLINE).then(() => move('cancel', jobId)))
  const replies = await arena.atOnce(asks)
  expect(Object.keys(statuses(replies)).filter((status) => status !== '200' && status !== '409')).toEqual([])
  await arena.rest()
  const { status } = (await buyer.get(`/api/v1/jobs/${jobId}`)).body
  expect(ends).toContain(status)
  const won = replies.filter((reply) => reply.status === 200).map(({ body }) => body.status)
  expect(new Set(won).size).toBe(won.length)
  // Somebody was told so, unless it was the clock.
  if (!lapses) expect(won).toContain(status)
  await untilClosed(jobId)
  const end = (await buyer.get(`/api/v1/jobs/${jobId}`)).body.status
  const paid = end === 'completed'
  expect((await buyer.available()) - buyerBefore).toBe(paid ? 0n : COST)
  expect((await seller.available()) - sellerBefore).toBe(paid ? PRICE : 0n)
  await movedOnce(jobId, paid)
}

async function untilClosed(jobId: string): Promise<void> {
  for (let passes = 0; passes < 3; passes++) {
    const { closedAt } = (await buyer.get(`/api/v1/jobs/${jobId}`)).body
    if (closedAt !== null) return
    await arena.market.pass(BEYOND_ANY_DEADLINE)
    await arena.rest()
  }
}

/** One lock and one close in the ledger, one end in the outbox, a receipt where somebody was paid. */
async function movedOnce(jobId: string, paid: boolean): Promise<void> {
  const { store } = arena.market
  const transfers = await store.read.rows<{ reason: string }>(sql`
    select reason from transfer where subject = ${jobId} order by id`)
  expect(transfers.map(({ reason }) => reason)).toEqual(['escrow_lock', paid ? 'earned' : 'refund'])
  const ends = await store.read.rows(sql`
    select name from event where subject = ${jobId} and name in ('order.completed', 'order.cancelled', 'order.expired')`)
  expect(ends).toHaveLength(1)
  const receipts = await store.read.rows(sql`select 1 from receipt where order_id = ${jobId}`)
  expect(receipts).toHaveLength(paid ? 1 : 0)
}

describe.each(seeds(3, 50))('D-14 fifty at once move the money of a job once (seed %i)', (seed) => {
  test.each(CONTESTS)('%s', { timeout: 60_000 }, (_, contest) => hold(contest, diceOf(seed)))
})

describe.each(seeds(1, 50))('D-14 one Idempotency-Key (seed %i)', () => {
  const hireWith = (key: string, serviceId: string, input: object = { text: 'the same' }) =>
    buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input }, { 'idempotency-key': key })

  test('JP-173 fifty identical hires make one job, and get one answer fifty times', { timeout: 60_000 }, async () => {
    const serviceId = await arena.service(seller, { maxConcurrentJobs: 100 })
    const before = await buyer.available()
    const key = randomUUID()
    const replies = await arena.atOnce(times(RACERS, () => () => hireWith(key, serviceId)))
    expect(statuses(replies)).toEqual({ 201: RACERS })
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(RACERS - 1)
    expect(before - (await buyer.available())).toBe(COST)
    const other = await arena.atOnce(times(8, (n) => () => hireWith(key, serviceId, { text: `another ${n}` })))
    expect(statuses(other)).toEqual({ 422: 8 })
    expect(other[0]?.body.code).toBe('idempotency_key_reused')
    expect(before - (await buyer.available())).toBe(COST)
  })

  test('JP-173 of hires with different bodies under one key one wins, the others are told', {
    timeout: 60_000,
  }, async () => {
    const serviceId = await arena.service(seller, { maxConcurrentJobs: 100 })
    const before = await buyer.available()
    const key = randomUUID()
    const replies = await arena.atOnce(times(RACERS, (n) => () => hireWith(key, serviceId, { text: `number ${n}` })))
    expect(statuses(replies)).toEqual({ 201: 1, 422: RACERS - 1 })
    expect(before - (await buyer.available())).toBe(COST)
  })

  test('JP-75 fifty identical accepts under one key pay once, and get one answer fifty times', {
    timeout: 60_000,
  }, async () => {
    const jobId = await jobIn('delivered')
    const before = await seller.available()
    const headers = { 'idempotency-key': randomUUID() }
    const accept = () => buyer.post(`/api/v1/jobs/${jobId}/accept-delivery`, undefined, headers)
    const replies = await arena.atOnce(times(RACERS, () => accept))
    expect(statuses(replies)).toEqual({ 200: RACERS })
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    expect((await seller.available()) - before).toBe(PRICE)
  })
})

describe.each(seeds(1, 50))('JP-44 to JP-49 a service never has more jobs than it said (seed %i)', () => {
  const LIMITS = [
    { maxConcurrentJobs: 1, queueEnabled: false, maxQueueSize: 20 },
    { maxConcurrentJobs: 1, queueEnabled: true, maxQueueSize: 5 },
    { maxConcurrentJobs: 3, queueEnabled: true, maxQueueSize: 0 },
  ]
  test.each(LIMITS)('fifty hires at once: %o', { timeout: 60_000 }, async (limits) => {
    const { maxConcurrentJobs, queueEnabled, maxQueueSize } = limits
    const places = queueEnabled ? maxQueueSize : 0
    const serviceId = await arena.service(seller, limits)
    const funds = async () => (await buyer.available()) + (await rival.available())
    const before = await funds()
    // Each server hears one of the two.
    const hire = (n: number) => () =>
      (n % 2 === 0 ? buyer : rival).post('/api/v1/jobs', { type: 'direct', serviceId, input: {} })
    const replies = await arena.atOnce(times(RACERS, hire))
    expect(statuses(replies)).toEqual({ 201: maxConcurrentJobs + places, 409: RACERS - maxConcurrentJobs - places })
    const made = replies.flatMap(({ body }) => (body.id === undefined ? [] : [body.status]))
    expect(made.filter((status) => status === 'accepted')).toHaveLength(maxConcurrentJobs)
    expect(made.filter((status) => status === 'queued')).toHaveLength(places)
    expect(before - (await funds())).toBe(COST * BigInt(maxConcurrentJobs + places))
  })
})
