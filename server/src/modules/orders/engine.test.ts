import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { Refusal } from '#kernel/refusal'
import { type AccountId, available, escrow, fees, statement } from '#ledger'
import { openStore, type Store, type Tx } from '#platform/db'
import type { Outcome } from '#platform/gather'
import { createReceiptIssuer, receiptKeyFrom } from '#receipts'
import { freezeOutgoing } from '#spending'
import { anyTerms, bargain, DIRECT_TERMS } from '#tests/bargains'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { balancesOf, fundedParty } from '#tests/money'
import { createEngine, type Door, type Engine, type MoveRequest, type Placement } from './engine.ts'
import { type Bargain, decide, type Move, type Order, place, type Step } from './order.ts'
import { escrowedOf, orderById, workOf } from './store.ts'

const issueReceipts = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'http://test' })
const engine = createEngine({ forms: [], issueReceipts })
const purse = (partyId: string) => available('USDC', partyId)

let db: TestDatabase
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const codeOf = (error: unknown) => (error instanceof Refusal ? error.code : String(error))
const verdictOf = (outcome: Outcome<Order>) => ('done' in outcome ? outcome.done.state : codeOf(outcome.refused))
const verdict = (work: Promise<Order>) => work.then(({ state }) => state as string, codeOf)
const pass = (seconds: number) =>
  db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
const parties = (...amounts: Micros[]) => Promise.all(amounts.map((amount) => fundedParty(db.store, amount)))

async function hired(facts: Parameters<typeof bargain>[0], store: Store = db.store): Promise<Order> {
  const [outcome] = await store.transact((tx) => engine.placeEach(tx, [{ bargain: bargain(facts), input: null }]))
  if (outcome && 'done' in outcome) return outcome.done
  throw outcome?.refused
}
const move = (request: MoveRequest, store: Store = db.store) => store.transact((tx) => engine.move(tx, request))
const reload = async (id: string) => (await orderById(db.store.read, id)) as Order
async function revenue(): Promise<Micros> {
  return (await balancesOf(db.store.read, [fees('USDC', 'jobs')]))[0] as Micros
}

/** What the books and the orders must be: every placement and move judged alone, one after the other. */
function createModel(start: ReadonlyMap<AccountId, Micros>) {
  const held = new Map(start)
  const orders = new Map<string, Order>()
  const apply = ({ order, postings }: Step): string => {
    const next = new Map(held)
    for (const { from, to, amount } of postings) {
      next.set(from, (next.get(from) ?? 0n) - amount)
      next.set(to, (next.get(to) ?? 0n) + amount)
    }
    if ([...next].some(([id, balance]) => balance < 0n && !id.includes(':fees:'))) return 'insufficient_funds'
    for (const [id, balance] of next) held.set(id, balance)
    orders.set(order.id, order)
    return order.state
  }
  const judge = (work: () => Step): string => {
    try {
      return apply(work())
    } catch (error) {
      return codeOf(error)
    }
  }
  return {
    held,
    orders,
    place: (wanted: Bargain, now: Date) => judge(() => place(wanted, { now })),
    move: ({ orderId, move: asked }: MoveRequest, now: Date) => {
      const order = orders.get(orderId)
      return order ? judge(() => decide(order, asked, now)) : 'order_unknown'
    },
  }
}

const anyPlacement = fc.record({
  buyer: fc.nat(2),
  seller: fc.nat(2),
  terms: anyTerms,
  price: fc.bigInt({ min: 0n, max: 120n }),
})
const anyRequest = fc.record({
  order: fc.nat(7),
  by: fc.nat(2),
  seller: fc.nat(2),
  verb: fc.constantFrom<Verb>('match', 'promote', 'accept', 'deliver', 'approve', 'cancel', 'lapse'),
})
const anyBatch = fc.oneof(
  fc.record({ place: fc.array(anyPlacement, { minLength: 1, maxLength: 4 }) }),
  fc.record({ move: fc.array(anyRequest, { minLength: 1, maxLength: 8 }) }),
  fc.record({ move: fc.array(anyRequest, { minLength: 1, maxLength: 8 }) }),
  fc.record({ pass: fc.integer({ min: 1, max: 60 }) }),
)

type Verb = Exclude<Move['do'], 'dispute' | 'rule' | 'land' | 'fail'>
function moveOf({ verb, by, seller }: { verb: Verb; by: string; seller: string }): Move {
  if (verb === 'match') return { do: verb, by, sellerId: seller }
  return verb === 'promote' || verb === 'lapse' ? { do: verb } : { do: verb, by }
}

describe('many at once', () => {
  test('verdicts, orders and balances are those of a sequential model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { minLength: 2, maxLength: 7 }), async (batches) => {
        const ids = await parties(0n, 150n, 400n)
        const model = createModel(new Map([0n, 150n, 400n].map((amount, n) => [purse(ids[n] as string), amount])))
        const known: string[] = []
        const before = await revenue()
        for (const batch of batches) {
          if ('pass' in batch) {
            await pass(batch.pass)
          } else if ('place' in batch) {
            const wanted = batch.place.map(({ buyer, seller, ...facts }) =>
              bargain({ buyerId: ids[buyer] as string, sellerId: ids[seller] as string, ...facts }),
            )
            known.push(...wanted.map(({ id }) => id))
            await db.store.transact(async (tx) => {
              const outcomes = await engine.placeEach(
                tx,
                wanted.map((each) => ({ bargain: each, input: { n: 1 } })),
              )
              expect(outcomes.map(verdictOf)).toEqual(wanted.map((each) => model.place(each, tx.now)))
            })
          } else {
            const requests = batch.move.map(({ order, by, seller, verb }) => ({
              orderId: known[order] ?? newId(),
              move: moveOf({ verb, by: ids[by] as string, seller: ids[seller] as string }),
              output: 'done',
            }))
            await db.store.transact(async (tx) => {
              const outcomes = await engine.moveEach(tx, requests)
              expect(outcomes.map(verdictOf)).toEqual(requests.map((request) => model.move(request, tx.now)))
            })
          }
        }
        for (const [id, order] of model.orders) expect(await reload(id)).toEqual(order)
        const accounts = [...ids.map(purse), ...known.map((id) => escrow('USDC', id))]
        expect(await balancesOf(db.store.read, accounts)).toEqual(accounts.map((id) => model.held.get(id) ?? 0n))
        expect((await revenue()) - before).toBe(model.held.get(fees('USDC', 'jobs')) ?? 0n)
      }),
      { numRuns: 60 },
    )
  })

  test('a request that is refused for want of money does not hide what the next ones touch', async () => {
    const [buyer, one, two] = (await parties(150n, 0n, 0n)) as [string, string, string]
    const terms = {
      ...DIRECT_TERMS,
      match: 'first-come',
      hold: 'on-match',
      reviewWithinSeconds: null,
      fee: { bps: 0, paidBy: 'buyer' },
    } as const
    const open = (price: Micros) => hired({ buyerId: buyer, sellerId: one, terms, price })
    const [paid, wanted] = [await open(100n), await open(100n)]
    await move({ orderId: paid.id, move: { do: 'match', by: one, sellerId: one } })
    const requests: MoveRequest[] = [
      { orderId: wanted.id, move: { do: 'match', by: one, sellerId: one } },
      { orderId: paid.id, move: { do: 'cancel', by: buyer } },
      { orderId: wanted.id, move: { do: 'match', by: two, sellerId: two } },
      { orderId: wanted.id, move: { do: 'deliver', by: two } },
    ]
    const outcomes = await db.store.transact((tx) => engine.moveEach(tx, requests))
    expect(outcomes.map(verdictOf)).toEqual(['insufficient_funds', 'cancelled', 'assigned', 'completed'])
    expect(await balancesOf(db.store.read, [buyer, one, two].map(purse))).toEqual([50n, 0n, 100n])
  })

  test('JP-64 who cannot pay changes nothing, and the neighbours in the batch go through', async () => {
    const [rich, poor, seller] = (await parties(1_000_000n, 514_999n, 0n)) as [string, string, string]
    const wanted = [rich, poor, rich, poor].map((buyerId) => bargain({ buyerId, sellerId: seller, price: 485_436n }))
    wanted[1] = bargain({ buyerId: poor, sellerId: seller })
    const outcomes = await db.store.transact((tx) =>
      engine.placeEach(
        tx,
        wanted.map((each) => ({ bargain: each, input: null })),
      ),
    )
    expect(outcomes.map(verdictOf)).toEqual(['assigned', 'insufficient_funds', 'assigned', 'assigned'])
    expect(outcomes[1]).toMatchObject({
      refused: { details: { balance: '514999', balance_needed: '515000', shortfall: '1' } },
    })
    const refused = wanted[1].id
    expect(await orderById(db.store.read, refused)).toBeUndefined()
    expect(await workOf(db.store.read, [refused])).toEqual(new Map())
    const traces = sql`select 1 from account where id = ${escrow('USDC', refused)} union all select 1 from event where subject = ${refused}`
    expect(await db.store.read.rows(traces)).toEqual([])
  })

  test('a frozen party places nothing, and its neighbours are not held up', async () => {
    const [frozen, free, seller] = (await parties(1_000_000n, 1_000_000n, 0n)) as [string, string, string]
    await db.store.transact((tx) =>
      freezeOutgoing(tx, { partyId: frozen, until: new Date(tx.now.getTime() + 60_000), reason: 'panic' }),
    )
    const wanted = [frozen, free].map((buyerId) => ({ bargain: bargain({ buyerId, sellerId: seller }), input: null }))
    const outcomes = await db.store.transact((tx) => engine.placeEach(tx, wanted))
    expect(outcomes.map(verdictOf)).toEqual(['outgoing_frozen', 'assigned'])
    await pass(61)
    expect((await hired({ buyerId: frozen, sellerId: seller })).state).toBe('assigned')
  })

  test('a door judges in order; who cannot pay takes no place', async () => {
    const [rich, poor, seller] = (await parties(10_000_000n, 0n, 0n)) as [string, string, string]
    const entered: string[] = []
    const door: Door = {
      admit: ({ buyerId }) => {
        if (entered.length >= 2) throw new Refusal('full', 'conflict', { message: 'full', fix: 'wait' })
        expect([rich, poor]).toContain(buyerId)
        return entered.length === 0 ? 'begin' : 'wait'
      },
      enter: ({ id }, how) => entered.push(`${id} ${how}`),
      close: vi.fn(async () => {}),
    }
    const wanted = [poor, rich, poor, rich, rich].map((buyerId) => bargain({ buyerId, sellerId: seller }))
    const placements: Placement[] = wanted.map((each) => ({ bargain: each, input: null }))
    const outcomes = await db.store.transact((tx) => engine.placeEach(tx, placements, async () => door))
    expect(outcomes.map(verdictOf)).toEqual(['insufficient_funds', 'assigned', 'insufficient_funds', 'queued', 'full'])
    expect(entered).toEqual([`${wanted[1]?.id} begin`, `${wanted[3]?.id} wait`])
    expect(door.close).toHaveBeenCalledTimes(1)
  })
})

describe('one job', () => {
  test('its story: held, delivered with its output, paid, told, and written in the history', async () => {
    const [buyer, seller] = (await parties(1_000_000n, 0n)) as [string, string]
    const before = await revenue()
    const order = await hired({ buyerId: buyer, sellerId: seller, callbackUrl: 'https://example.com/hook' })
    expect(await escrowedOf(db.store.read, buyer)).toBe(515_000n)
    await move({ orderId: order.id, move: { do: 'deliver', by: seller }, output: ['text', { deep: null }] })
    expect(await workOf(db.store.read, [order.id])).toEqual(
      new Map([[order.id, { input: null, output: ['text', { deep: null }] }]]),
    )
    await move({ orderId: order.id, move: { do: 'approve', by: buyer } })
    const accounts = [purse(buyer), escrow('USDC', order.id), purse(seller)]
    expect(await balancesOf(db.store.read, accounts)).toEqual([485_000n, 0n, 500_000n])
    expect((await revenue()) - before).toBe(15_000n)
    const lines = await statement(db.store.read, { account: escrow('USDC', order.id), limit: 10 })
    expect(lines.map(({ reason, amount, key }) => [reason, amount, key])).toEqual([
      ['earned', -515_000n, `order:${order.id}:close`],
      ['escrow_lock', 515_000n, `order:${order.id}:place`],
    ])
    const events = await db.store.read.rows<{ name: string }>(
      sql`select name from event where subject = ${order.id} order by id`,
    )
    expect(events.map(({ name }) => name)).toEqual(['order.placed', 'order.delivered', 'order.completed'])
  })

  test.each([null, 0, '', 'text', false, [1, 'x'], { a: { b: null } }])(
    'input and output come back as they were: %j',
    async (json) => {
      const [buyer, seller] = (await parties(1_000_000n, 0n)) as [string, string]
      const wanted = bargain({ buyerId: buyer, sellerId: seller })
      await db.store.transact((tx) => engine.placeEach(tx, [{ bargain: wanted, input: json }]))
      await move({ orderId: wanted.id, move: { do: 'deliver', by: seller }, output: json })
      expect((await workOf(db.store.read, [wanted.id])).get(wanted.id)).toEqual({ input: json, output: json })
    },
  )

  const racers: Record<string, (buyer: string, seller: string) => Move> = {
    approve: (buyer) => ({ do: 'approve', by: buyer }),
    cancel: (buyer) => ({ do: 'cancel', by: buyer }),
    lapse: () => ({ do: 'lapse' }),
    deliver: (_, seller) => ({ do: 'deliver', by: seller }),
  }

  test.each([
    { name: 'approve', from: 'delivered', seconds: 0, state: 'completed' },
    { name: 'lapse', from: 'delivered', seconds: 301, state: 'completed' },
    { name: 'cancel', from: 'assigned', seconds: 0, state: 'cancelled' },
    { name: 'lapse', from: 'assigned', seconds: 121, state: 'expired' },
    { name: 'deliver', from: 'assigned', seconds: 0, state: 'delivered' },
  ])(
    'fifty times $name at once on a job that is $from move it and its money once',
    async ({ name, from, seconds, state }) => {
      const [buyer, seller] = (await parties(1_000_000n, 0n)) as [string, string]
      const { id } = await hired({ buyerId: buyer, sellerId: seller })
      if (from === 'delivered') await move({ orderId: id, move: { do: 'deliver', by: seller } })
      await pass(seconds)
      const asked = racers[name]?.(buyer, seller) as Move
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => verdict(move({ orderId: id, move: asked }))))
      expect(outcomes.sort()).toEqual([state, ...Array(49).fill('wrong_state')].sort())
      const isPaid = state === 'completed'
      const accounts = [purse(buyer), escrow('USDC', id), purse(seller)]
      const held = state === 'delivered' ? 515_000n : 0n
      const back = isPaid || held > 0n ? 485_000n : 1_000_000n
      expect(await balancesOf(db.store.read, accounts)).toEqual([back, held, isPaid ? 500_000n : 0n])
    },
  )

  test('approve, cancel, deliver and the clock at once: exactly one story, told by one receipt at most', async () => {
    for (let round = 0; round < 8; round++) {
      const [buyer, seller] = (await parties(1_000_000n, 0n)) as [string, string]
      const { id } = await hired({
        buyerId: buyer,
        sellerId: seller,
        terms: { ...DIRECT_TERMS, deliverWithinSeconds: 1, reviewWithinSeconds: null },
      })
      if (round % 2) await pass(2)
      const moves = Array.from({ length: 40 }, (_, n) => Object.values(racers)[n % 4]?.(buyer, seller) as Move)
      const outcomes = await Promise.all(moves.map((asked) => verdict(move({ orderId: id, move: asked }))))
      const { state } = await reload(id)
      expect(round % 2 ? ['expired'] : ['completed', 'cancelled']).toContain(state)
      expect(outcomes.filter((outcome) => outcome === state)).toHaveLength(1)
      const paid = state === 'completed' ? [485_000n, 500_000n] : [1_000_000n, 0n]
      expect(await balancesOf(db.store.read, [purse(buyer), purse(seller)])).toEqual(paid)
      expect(await db.store.read.rows(sql`select 1 from receipt where order_id = ${id}`)).toHaveLength(
        state === 'completed' ? 1 : 0,
      )
    }
  })

  test('no statement makes a closed order hold money or give a state that does not exist', async () => {
    const [buyer, seller] = (await parties(1_000_000n, 0n)) as [string, string]
    const { id } = await hired({ buyerId: buyer, sellerId: seller })
    await move({ orderId: id, move: { do: 'cancel', by: buyer } })
    const write = (statement: ReturnType<typeof sql>) => db.store.transact((tx) => tx.run(statement))
    await expect(write(sql`update orders set held = 1 where id = ${id}`)).rejects.toThrow(/orders_closed_holds_nothing/)
    await expect(write(sql`update orders set state = 'paid' where id = ${id}`)).rejects.toThrow(/orders_state/)
  })
})

describe('locks', () => {
  test('two processes moving the same jobs in opposite orders never deadlock, and each job moves once', async () => {
    const [buyer, seller] = (await parties(100_000_000n, 0n)) as [string, string]
    const ids: string[] = []
    for (let n = 0; n < 24; n++) ids.push((await hired({ buyerId: buyer, sellerId: seller })).id)
    const second = openStore({ url: db.url, maxConnections: 4 })
    let runs = 0
    const batch = (store: Store, orderIds: readonly string[], asked: Move) =>
      store.transact((tx) => {
        runs++
        return engine.moveEach(
          tx,
          orderIds.map((orderId) => ({ orderId, move: asked })),
        )
      })
    const rounds = Array.from({ length: 12 }, (_, n) => n)
    const outcomes = await Promise.all([
      ...rounds.map((n) => batch(db.store, ids.slice(n, n + 12), { do: 'deliver', by: seller })),
      ...rounds.map((n) => batch(second, ids.slice(n, n + 12).reverse(), { do: 'cancel', by: buyer })),
      ...rounds.map((n) => batch(second, ids.slice(n, n + 12).reverse(), { do: 'deliver', by: seller })),
    ])
    await second.close()
    expect(runs).toBe(36)
    expect(outcomes.flat().filter((outcome) => 'done' in outcome)).toHaveLength(23)
  })

  test('placing and settling across the same parties from two processes never deadlocks', async () => {
    const ids = await parties(50_000_000n, 50_000_000n, 50_000_000n)
    const second = openStore({ url: db.url, maxConnections: 4 })
    let runs = 0
    const trade = async (store: Store, n: number) => {
      const pair = [ids[n % 3] as string, ids[(n + 1) % 3] as string]
      const [buyerId, sellerId] = (store === second ? pair.reverse() : pair) as [string, string]
      const terms = { ...DIRECT_TERMS, reviewWithinSeconds: null }
      const work = (act: (tx: Tx) => Promise<unknown>) =>
        store.transact((tx) => {
          runs++
          return act(tx)
        })
      const wanted = [0, 1].map(() => bargain({ buyerId, sellerId, terms }))
      await work((tx) =>
        engine.placeEach(
          tx,
          wanted.map((each) => ({ bargain: each, input: null })),
        ),
      )
      await work((tx) =>
        engine.moveEach(
          tx,
          wanted.map(({ id }) => ({ orderId: id, move: { do: 'deliver', by: sellerId } })),
        ),
      )
    }
    const rounds = Array.from({ length: 20 }, (_, n) => n)
    await Promise.all(rounds.flatMap((n) => [trade(db.store, n), trade(second, n)]))
    await second.close()
    expect(runs).toBe(80)
    const left = (await balancesOf(db.store.read, ids.map(purse))).reduce((sum, balance) => sum + balance, 0n)
    expect(left).toBe(150_000_000n - 80n * 15_000n)
  })
})

describe('follow-ups', () => {
  test('what follows from a move happens in the same unit of work, to any depth, and is refused in silence', async () => {
    const [buyer, seller] = (await parties(10_000_000n, 0n)) as [string, string]
    const chain: string[] = []
    const domino: Engine = createEngine({
      issueReceipts,
      forms: [
        {
          name: 'test',
          follow: async (_tx, changes) =>
            changes.flatMap(({ after }) => {
              const next = chain[chain.indexOf(after.id) + 1]
              return next ? [{ orderId: next, move: { do: 'cancel', by: buyer } as const }] : []
            }),
        },
      ],
    })
    for (let n = 0; n < 4; n++) chain.push((await hired({ buyerId: buyer, sellerId: seller })).id)
    await db.store.transact((tx) => domino.move(tx, { orderId: chain[0] as string, move: { do: 'cancel', by: buyer } }))
    for (const id of chain) expect(await reload(id)).toMatchObject({ state: 'cancelled' })
    expect(await balancesOf(db.store.read, [purse(buyer)])).toEqual([10_000_000n])
  })
})
