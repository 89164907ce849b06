import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Micros } from '#kernel/money'
import { Refusal } from '#kernel/refusal'
import { addSeconds } from '#kernel/time'
import { type AccountId, available, escrow, fees } from '#ledger'
import { anyPrice, anyTerms, bargain, DIRECT_TERMS } from '#tests/bargains'
import {
  costOf,
  decide,
  feeOf,
  isClosed,
  type Move,
  ORDER_STATES,
  type Order,
  payoutOf,
  place,
  type Step,
} from './order.ts'
import type { Terms } from './terms.ts'

const BUYER = 'buyer'
const SELLER = 'seller'
const PARTIES = [BUYER, SELLER, 'rival', 'stranger']
const START = new Date('2026-01-01T00:00:00Z')

/** Money as it would lie in the ledger; the purse may owe, so that only escrow can be overdrawn. */
function bookOf() {
  const balances = new Map<AccountId, Micros>()
  const balanceOf = (id: AccountId) => balances.get(id) ?? 0n
  return {
    balanceOf,
    total: () => [...balances.values()].reduce((sum, balance) => sum + balance, 0n),
    apply: ({ postings }: Step) => {
      for (const { from, to, amount } of postings) {
        expect(amount).toBeGreaterThanOrEqual(0n)
        balances.set(from, balanceOf(from) - amount)
        balances.set(to, balanceOf(to) + amount)
      }
    },
  }
}

type Tried = { readonly step: Step } | { readonly refused: string }
function attempt(order: Order, move: Move, now: Date): Tried {
  try {
    return { step: decide(order, move, now) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { refused: error.code }
  }
}
const refusalOf = (order: Order, move: Move, now: Date) => {
  const tried = attempt(order, move, now)
  return 'refused' in tried ? tried.refused : 'done'
}

const anyParty = fc.constantFrom(...PARTIES)
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ do: fc.constant('match' as const), by: anyParty, sellerId: anyParty }),
  fc.constant({ do: 'promote' } as const),
  fc.record({ do: fc.constantFrom('accept', 'deliver', 'approve', 'cancel'), by: anyParty }) as fc.Arbitrary<Move>,
  fc.constant({ do: 'lapse' } as const),
)
/** Whose turn it is, more often than chance would have it; else orders hardly ever get anywhere. */
const likelyMove: fc.Arbitrary<Move> = fc.constantFrom<Move>(
  { do: 'match', by: BUYER, sellerId: SELLER },
  { do: 'match', by: SELLER, sellerId: SELLER },
  { do: 'promote' },
  { do: 'accept', by: SELLER },
  { do: 'deliver', by: SELLER },
  { do: 'approve', by: BUYER },
  { do: 'cancel', by: BUYER },
  { do: 'lapse' },
)
/** How the clock goes on: a little, or to just before, at, or just after the deadline. */
const anyTime = fc.oneof(
  fc.record({ after: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ fromDue: fc.constantFrom(-1, 0, 1, 5000) }),
)
const anyHistory = fc.record({
  terms: anyTerms,
  price: anyPrice,
  waiting: fc.boolean(),
  steps: fc.array(fc.record({ move: fc.oneof({ weight: 3, arbitrary: likelyMove }, anyMove), time: anyTime }), {
    maxLength: 14,
  }),
})
type History = typeof anyHistory extends fc.Arbitrary<infer T> ? T : never

function later(now: Date, time: History['steps'][number]['time'], { dueAt }: Order): Date {
  if ('after' in time) return new Date(now.getTime() + time.after)
  return dueAt === null ? now : new Date(Math.max(now.getTime(), dueAt.getTime() + time.fromDue))
}

/** Plays a history; `check` hears every move that was tried. */
function play({ terms, price, waiting, steps }: History, check: (tried: Played) => void): void {
  let now = START
  const book = bookOf()
  const first = place(bargain({ buyerId: BUYER, sellerId: SELLER, terms, price }), {
    now,
    waiting: waiting && terms.match === 'named',
  })
  book.apply(first)
  let { order } = first
  for (const { move, time } of steps) {
    now = later(now, time, order)
    const before = order
    const tried = attempt(before, move, now)
    if ('step' in tried) {
      book.apply(tried.step)
      order = tried.step.order
    }
    check({ before, after: order, move, now, tried, book })
  }
}
interface Played {
  readonly before: Order
  readonly after: Order
  readonly move: Move
  readonly now: Date
  readonly tried: Tried
  readonly book: ReturnType<typeof bookOf>
}

/** Any terms × any moves × any times. */
function always(check: (played: Played) => void): void {
  fc.assert(
    fc.property(anyHistory, (history) => play(history, check)),
    { numRuns: 1000 },
  )
}

describe('for any terms, any sequence of moves and any times', () => {
  test('escrow never overdraws and holds exactly what the order says it holds', () => {
    always(({ after, book }) => {
      expect(book.balanceOf(escrow('USDC', after.id))).toBe(after.held)
      expect(after.held).toBeGreaterThanOrEqual(0n)
      expect([0n, costOf(after)]).toContain(after.held)
    })
  })

  test('money is conserved, and nobody but the two parties and the fee gains or loses', () => {
    always(({ after, book }) => {
      expect(book.total()).toBe(0n)
      const known = [
        after.purse,
        escrow('USDC', after.id),
        available('USDC', after.sellerId ?? SELLER),
        fees('USDC', 'jobs'),
      ]
      expect(known.reduce((sum, id) => sum + book.balanceOf(id), 0n)).toBe(0n)
    })
  })

  test('a closed order holds nothing, has no deadline, and says when it ended', () => {
    always(({ after, now }) => {
      if (isClosed(after.state)) expect(after).toMatchObject({ held: 0n, dueAt: null, closedAt: expect.any(Date) })
      else expect(after.closedAt).toBeNull()
      if (after.closedAt) expect(after.closedAt <= now).toBe(true)
    })
  })

  test('closed is final: every further move is refused and moves nothing', () => {
    always(({ before, after, tried }) => {
      if (!isClosed(before.state)) return
      expect(tried).toHaveProperty('refused')
      expect(after).toBe(before)
    })
  })

  test('once a deadline has passed only lapse moves the order, and lapse never comes before it', () => {
    always(({ before, move, now, tried }) => {
      if (before.dueAt === null) {
        if (move.do === 'lapse') expect(tried).toHaveProperty('refused')
      } else if (move.do === 'lapse') {
        expect('step' in tried).toBe(before.dueAt <= now)
      } else if (before.dueAt <= now) {
        expect(tried).toHaveProperty('refused')
      }
    })
  })

  test('only the buyer approves and cancels, only the bound seller accepts and delivers', () => {
    always(({ before, move, tried }) => {
      if (!('step' in tried) || !('by' in move)) return
      if (move.do === 'match') expect(before.terms.match === 'chosen' ? BUYER : move.sellerId).toBe(move.by)
      else expect(move.by).toBe(move.do === 'approve' || move.do === 'cancel' ? before.buyerId : before.sellerId)
    })
  })

  test('nobody sells to themselves', () => {
    always(({ after }) => expect(after.sellerId).not.toBe(after.buyerId))
  })

  test('an order ends paid or refunded in full: the parts sum to what was held', () => {
    always(({ before, after, tried, book }) => {
      if (!('step' in tried) || !isClosed(after.state)) return
      const moved = tried.step.postings.reduce((sum, { amount }) => sum + amount, 0n)
      expect(moved).toBe(before.held)
      if (after.state === 'completed') {
        const isHeld = before.held > 0n
        expect(book.balanceOf(available('USDC', after.sellerId ?? ''))).toBe(isHeld ? payoutOf(after) : 0n)
        expect(book.balanceOf(fees('USDC', 'jobs'))).toBe(isHeld ? after.fee : 0n)
      } else {
        expect(book.balanceOf(after.purse)).toBe(0n)
      }
    })
  })

  test('what is frozen stays frozen: parties, price, fee, terms, purse', () => {
    always(({ before, after }) => {
      const frozen = ({
        id,
        form,
        buyerId,
        listingId,
        asset,
        price,
        fee,
        terms,
        purse,
        callbackUrl,
        createdAt,
      }: Order) => ({
        ...{ id, form, buyerId, listingId, asset, price, fee, terms, purse, callbackUrl, createdAt },
      })
      expect(frozen(after)).toEqual(frozen(before))
      if (before.sellerId !== null) expect(after.sellerId).toBe(before.sellerId)
    })
  })
})

describe('D-5 fees', () => {
  const anyBps = fc.integer({ min: 0, max: 10_000 })
  const feeAt = (price: Micros, bps: number, paidBy: 'buyer' | 'seller') =>
    feeOf(price, { ...DIRECT_TERMS, fee: { bps, paidBy } })

  test('a fee on top rounds up and never exceeds the exact fee by a whole micro-unit', () => {
    fc.assert(
      fc.property(anyPrice, anyBps, (price, bps) => {
        const fee = feeAt(price, bps, 'buyer')
        expect(fee * 10_000n).toBeGreaterThanOrEqual(price * BigInt(bps))
        expect((fee - 1n) * 10_000n).toBeLessThan(price * BigInt(bps))
      }),
      { numRuns: 1000 },
    )
  })

  test("out of the price the seller's share rounds down, and share and fee sum to the price", () => {
    fc.assert(
      fc.property(anyPrice, anyBps, (price, bps) => {
        const terms: Terms = { ...DIRECT_TERMS, fee: { bps, paidBy: 'seller' } }
        const fee = feeOf(price, terms)
        const payout = payoutOf({ price, fee, terms })
        expect(payout).toBe((price * BigInt(10_000 - bps)) / 10_000n)
        expect(payout + fee).toBe(costOf({ price, fee, terms }))
        expect(fee).toBeGreaterThanOrEqual(0n)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    [1n, 300, 'buyer', 1n],
    [33n, 300, 'buyer', 1n],
    [34n, 300, 'buyer', 2n],
    [500_000n, 300, 'buyer', 15_000n],
    [1n, 1000, 'seller', 1n],
    [9n, 1000, 'seller', 1n],
    [11n, 1000, 'seller', 2n],
    [101n, 500, 'seller', 6n],
    [7n, 0, 'buyer', 0n],
    [7n, 0, 'seller', 0n],
    [7n, 10_000, 'seller', 7n],
  ] as const)('%s at %s bps paid by the %s costs %s: no trade of dust is free', (price, bps, paidBy, fee) => {
    expect(feeAt(price, bps, paidBy)).toBe(fee)
  })
})

/** A direct job as a service with these terms makes it. */
function job(terms: Partial<Terms> = {}, { waiting = false } = {}): Order {
  const wanted = bargain({ buyerId: BUYER, sellerId: SELLER, terms: { ...DIRECT_TERMS, ...terms } })
  return place(wanted, { now: START, waiting }).order
}
const at = (seconds: number) => addSeconds(START, seconds)
const by = {
  deliver: { do: 'deliver', by: SELLER },
  approve: { do: 'approve', by: BUYER },
  accept: { do: 'accept', by: SELLER },
  cancel: { do: 'cancel', by: BUYER },
  lapse: { do: 'lapse' },
  promote: { do: 'promote' },
} as const satisfies Record<string, Move>
const after = (order: Order, ...moves: readonly (readonly [Move, number])[]) =>
  moves.reduce((now, [move, seconds]) => decide(now, move, at(seconds)).order, order)
const delivered = () => after(job(), [by.deliver, 10])

describe('direct jobs by rule', () => {
  test('JP-60, JP-61 the client pays amount and 3 %, the provider gets the amount, the platform the fee', () => {
    const order = job()
    expect([order.fee, costOf(order), payoutOf(order)]).toEqual([15_000n, 515_000n, 500_000n])
    const { postings } = decide(after(order, [by.deliver, 10]), by.approve, at(20))
    const from = escrow('USDC', order.id)
    expect(postings).toEqual([
      { from, to: available('USDC', SELLER), amount: 500_000n },
      { from, to: fees('USDC', 'jobs'), amount: 15_000n },
    ])
  })

  test('JP-64 placing holds all of the cost in one posting, so that a short balance refuses it whole', () => {
    const { order, postings } = place(bargain({ buyerId: BUYER, sellerId: SELLER }), { now: START })
    expect(postings).toEqual([{ from: available('USDC', BUYER), to: escrow('USDC', order.id), amount: 515_000n }])
    expect(order.held).toBe(515_000n)
  })

  test('JP-65 no money reaches the provider before the client accepts or the review is over', () => {
    const { order, postings } = decide(job(), by.deliver, at(10))
    expect(postings).toEqual([])
    expect(order).toMatchObject({ state: 'delivered', held: 515_000n, deliveredAt: at(10) })
  })

  test('JP-66 an auto-accepted job starts accepted with its deadline at maxExecutionTimeSecs', () => {
    expect(job()).toMatchObject({ state: 'assigned', assignedAt: START, dueAt: at(120) })
  })

  test('JP-69, JP-70 otherwise the provider accepts within 5 minutes, or it expires with refund', () => {
    const pending = job({ accept: 'by-seller' })
    expect(pending).toMatchObject({ state: 'pending', assignedAt: null, dueAt: at(300) })
    expect(decide(pending, by.accept, at(299)).order).toMatchObject({
      state: 'assigned',
      assignedAt: at(299),
      dueAt: at(419),
    })
    expect(refusalOf(pending, by.accept, at(300))).toBe('too_late')
    expect(refusalOf(pending, by.deliver, at(10))).toBe('wrong_state')
    const { order, postings } = decide(pending, by.lapse, at(300))
    expect(order.state).toBe('expired')
    expect(postings).toEqual([{ from: escrow('USDC', order.id), to: order.purse, amount: 515_000n }])
  })

  test.each([BUYER, 'stranger'])('JP-71 only the assigned provider may deliver, not %s', (party) => {
    expect(refusalOf(job(), { do: 'deliver', by: party }, at(10))).toBe('not_your_order')
    expect(refusalOf(job({ accept: 'by-seller' }), { do: 'accept', by: party }, at(10))).toBe('not_your_order')
  })

  test('JP-72, JP-73 a job not delivered in time is refunded in full, fee included', () => {
    expect(refusalOf(job(), by.lapse, at(119.999))).toBe('not_due')
    expect(refusalOf(job(), by.deliver, at(119.999))).toBe('done')
    expect(refusalOf(job(), by.deliver, at(120))).toBe('too_late')
    const { order, postings } = decide(job(), by.lapse, at(120))
    expect(order).toMatchObject({ state: 'expired', held: 0n, closedAt: at(120) })
    expect(postings).toMatchObject([{ to: available('USDC', BUYER), amount: 515_000n }])
  })

  test.each([SELLER, 'stranger'])('JP-75 only the client may accept the delivery, not %s', (party) => {
    expect(refusalOf(delivered(), { do: 'approve', by: party }, at(20))).toBe('not_your_order')
  })

  test('JP-76 a delivered job is auto-accepted after 5 minutes and completes as if the client had accepted', () => {
    expect(delivered().dueAt).toEqual(at(310))
    expect(refusalOf(delivered(), by.lapse, at(309.999))).toBe('not_due')
    const [silence, consent] = [decide(delivered(), by.lapse, at(310)), decide(delivered(), by.approve, at(20))]
    expect(silence.order.state).toBe('completed')
    expect(silence.postings.map(({ to, amount }) => ({ to, amount }))).toEqual(
      consent.postings.map(({ to, amount }) => ({ to, amount })),
    )
  })

  test('JP-78 the client may cancel before delivery and gets amount and fee back', () => {
    for (const order of [job(), job({ accept: 'by-seller' }), job({}, { waiting: true })]) {
      const { order: cancelled, postings } = decide(order, by.cancel, at(5))
      expect(cancelled.state).toBe('cancelled')
      expect(postings).toMatchObject([{ to: available('USDC', BUYER), amount: 515_000n }])
    }
    expect(refusalOf(job(), { do: 'cancel', by: SELLER }, at(5))).toBe('not_your_order')
  })

  test('JP-79 a delivered, completed, disputed, cancelled or otherwise ended job cannot be cancelled', () => {
    for (const state of ['delivered', 'disputed', 'completed', 'cancelled', 'expired', 'failed', 'rejected'] as const) {
      expect(refusalOf({ ...job(), state }, by.cancel, at(5))).toBe('wrong_state')
    }
  })

  test('JP-49 a queued job holds its money, waits its time, and starts its clock when it is promoted', () => {
    const queued = job({}, { waiting: true })
    expect(queued).toMatchObject({ state: 'queued', held: 515_000n, dueAt: at(600), assignedAt: null })
    expect(after(queued, [by.promote, 500])).toMatchObject({ state: 'assigned', assignedAt: at(500), dueAt: at(620) })
    expect(refusalOf(queued, by.promote, at(600))).toBe('too_late')
    expect(decide(queued, by.lapse, at(600)).order.state).toBe('expired')
  })
})

/** Which moves each state allows, asked by whoever may, in time. `lapse` at the deadline. */
const TABLE: Record<Order['state'], readonly string[]> = {
  open: ['match', 'cancel', 'lapse'],
  queued: ['promote', 'cancel', 'lapse'],
  pending: ['accept', 'cancel', 'lapse'],
  assigned: ['deliver', 'cancel', 'lapse'],
  delivered: ['approve', 'lapse'],
  disputed: [],
  completed: [],
  cancelled: [],
  expired: [],
  failed: [],
  rejected: [],
}

test.each(ORDER_STATES)('a job that is %s allows exactly the moves of the table', (state) => {
  const order: Order = {
    ...job({ match: 'first-come' }),
    state,
    sellerId: state === 'open' ? null : SELLER,
    dueAt: at(50),
  }
  const moves: Move[] = [
    { do: 'match', by: SELLER, sellerId: SELLER },
    by.promote,
    by.accept,
    by.deliver,
    by.approve,
    by.cancel,
  ]
  const allowed = moves.filter((move) => refusalOf(order, move, at(49)) === 'done').map((move) => move.do as string)
  if (refusalOf(order, by.lapse, at(50)) === 'done') allowed.push('lapse')
  expect(allowed).toEqual(TABLE[state])
})

describe('other terms', () => {
  const openJob: Terms = { ...DIRECT_TERMS, match: 'chosen', matchWithinSeconds: 100 }

  test('who is matched by choice is named by the buyer; who comes first names itself', () => {
    const chosen = job(openJob)
    expect(refusalOf(chosen, { do: 'match', by: SELLER, sellerId: SELLER }, at(1))).toBe('not_your_order')
    expect(refusalOf(chosen, { do: 'match', by: BUYER, sellerId: BUYER }, at(1))).toBe('self_trade')
    expect(decide(chosen, { do: 'match', by: BUYER, sellerId: SELLER }, at(1)).order).toMatchObject({
      state: 'assigned',
      sellerId: SELLER,
    })
    const first = job({ ...openJob, match: 'first-come' })
    expect(refusalOf(first, { do: 'match', by: 'rival', sellerId: SELLER }, at(1))).toBe('not_your_order')
    expect(refusalOf(first, { do: 'match', by: SELLER, sellerId: SELLER }, at(100))).toBe('too_late')
  })

  test('money held on match enters escrow when a seller is bound, not before', () => {
    const order = job({ ...openJob, hold: 'on-match' })
    expect(order.held).toBe(0n)
    expect(decide(order, by.cancel, at(1)).postings).toEqual([])
    const { order: bound, postings } = decide(order, { do: 'match', by: BUYER, sellerId: SELLER }, at(1))
    expect(bound.held).toBe(515_000n)
    expect(postings).toMatchObject([{ to: escrow('USDC', order.id), amount: 515_000n }])
  })

  test('without a review, delivering settles; where the money is elsewhere, nothing moves', () => {
    const order = job({ reviewWithinSeconds: null, hold: 'elsewhere' })
    expect(decide(order, by.deliver, at(1))).toMatchObject({
      order: { state: 'completed', closedAt: at(1) },
      postings: [],
    })
  })

  test('cancel before match: a bound job cannot be cancelled', () => {
    expect(refusalOf(job({ cancel: 'before-match' }), by.cancel, at(1))).toBe('wrong_state')
  })

  test('nobody hires themselves, and a bargain names its seller exactly when its terms do', () => {
    const now = START
    expect(() => place(bargain({ buyerId: SELLER, sellerId: SELLER }), { now })).toThrow(Refusal)
    expect(() => place({ ...bargain({ buyerId: BUYER, sellerId: SELLER }), sellerId: null }, { now })).toThrow(
      /names its seller/,
    )
    expect(() =>
      place({ ...bargain({ buyerId: BUYER, sellerId: SELLER, terms: openJob }), sellerId: SELLER }, { now }),
    ).toThrow(/names its seller/)
  })
})
