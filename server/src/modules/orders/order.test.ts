import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Micros, shareDown } from '#kernel/money'
import { Refusal } from '#kernel/refusal'
import { addSeconds } from '#kernel/time'
import { type AccountId, available, escrow, fees, pending, world } from '#ledger'
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

const PAID = { network: 'eip155:84532', txHash: '0x1', wallet: '0x2' }
const CHAIN = world('USDC', 'base')

const anyParty = fc.constantFrom(...PARTIES)
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ do: fc.constant('match' as const), by: anyParty, sellerId: anyParty }),
  fc.constant({ do: 'promote' } as const),
  fc.record({
    do: fc.constantFrom('accept', 'deliver', 'approve', 'cancel', 'dispute'),
    by: anyParty,
  }) as fc.Arbitrary<Move>,
  fc.constantFrom<Move>({ do: 'lapse' }, { do: 'fail' }, { do: 'land', paid: PAID }, { do: 'rule', for: 'buyer' }),
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
  { do: 'cancel', by: BUYER, consented: true },
  { do: 'dispute', by: BUYER },
  { do: 'rule', for: 'seller' },
  { do: 'land', paid: PAID },
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
  isOnChain: fc.boolean(),
  agreed: fc.double({ min: 0, max: 1, noNaN: true }),
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
function play({ terms, price, waiting, isOnChain, agreed, steps }: History, check: (tried: Played) => void): void {
  let now = START
  const book = bookOf()
  const first = place(
    bargain({ buyerId: BUYER, sellerId: SELLER, terms, price, ...(isOnChain ? { purse: CHAIN } : {}) }),
    {
      now,
      waiting: waiting && terms.match === 'named',
    },
  )
  book.apply(first)
  let { order } = first
  for (const { move: asked, time } of steps) {
    const move = asked.do === 'match' ? { ...asked, price: shareDown(price, Math.round(agreed * 10_000)) } : asked
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
      // What was agreed on may be less than what was offered and held.
      if (after.held !== 0n) expect(after.held).toBeGreaterThanOrEqual(costOf(after))
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
        pending('USDC', after.id),
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
      else expect(move.by).toBe(['approve', 'cancel', 'dispute'].includes(move.do) ? before.buyerId : before.sellerId)
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
      // What a seller gets in its balance is decided and paid at once, wherever the money came from.
      if (before.state === 'completing') {
        const fee = after.state === 'completed' && before.held > 0n ? costOf(after) - payoutOf(after) : 0n
        expect(book.balanceOf(pending('USDC', after.id))).toBe(before.held - fee)
        expect(book.balanceOf(fees('USDC', 'jobs'))).toBe(fee)
      } else if (after.state === 'completed') {
        const isHeld = before.held > 0n
        expect(book.balanceOf(available('USDC', after.sellerId ?? ''))).toBe(isHeld ? payoutOf(after) : 0n)
        expect(book.balanceOf(fees('USDC', 'jobs'))).toBe(isHeld ? after.fee : 0n)
      } else {
        expect(book.balanceOf(after.purse)).toBe(0n)
      }
    })
  })

  test('what is frozen stays frozen: parties, terms, purse, and the price from when it is agreed on', () => {
    always(({ before, after }) => {
      const frozen = ({ id, form, buyerId, listingId, asset, terms, purse, callbackUrl, createdAt }: Order) => ({
        ...{ id, form, buyerId, listingId, asset, terms, purse, callbackUrl, createdAt },
      })
      expect(frozen(after)).toEqual(frozen(before))
      if (before.sellerId === null) return
      const agreed = ({ sellerId, price, fee }: Order) => ({ sellerId, price, fee })
      expect(agreed(after)).toEqual(agreed(before))
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
  disputed: ['approve', 'rule'],
  completing: ['land', 'fail'],
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
    ...(state === 'completing' ? { outcome: 'completed', former: 'delivered' } : {}),
  }
  const moves: Move[] = [
    { do: 'match', by: SELLER, sellerId: SELLER },
    by.promote,
    by.accept,
    by.deliver,
    by.approve,
    by.cancel,
    { do: 'dispute', by: BUYER },
    { do: 'rule', for: 'seller' },
    { do: 'land', paid: PAID },
    { do: 'fail' },
  ]
  const allowed = moves.filter((move) => refusalOf(order, move, at(49)) === 'done').map((move) => move.do as string)
  if (refusalOf(order, by.lapse, at(50)) === 'done') allowed.push('lapse')
  expect(allowed).toEqual(TABLE[state])
})

describe('money on a chain', () => {
  const terms: Terms = {
    ...DIRECT_TERMS,
    match: 'chosen',
    fee: { bps: 0, paidBy: 'buyer' },
    cancel: 'with-consent',
    dispute: true,
  }
  const onChain = (change: Partial<Terms> = {}) =>
    place(bargain({ buyerId: BUYER, sellerId: SELLER, terms: { ...terms, ...change }, price: 900n, purse: CHAIN }), {
      now: at(0),
    })
  const match: Move = { do: 'match', by: BUYER, sellerId: SELLER, price: 700n }

  test('it enters escrow from outside, and leaves for a place beside the order when the chain has taken it', () => {
    const placed = onChain()
    expect(placed.postings).toEqual([{ from: CHAIN, to: escrow('USDC', placed.order.id), amount: 900n }])
    const delivered = after(placed.order, [match, 1], [by.deliver, 2])
    expect(delivered).toMatchObject({ state: 'delivered', price: 700n, held: 900n })
    const approved = decide(delivered, by.approve, at(3))
    expect(approved.order).toMatchObject({
      state: 'completing',
      outcome: 'completed',
      former: 'delivered',
      held: 900n,
      dueAt: null,
    })
    expect(approved.postings).toEqual([])
    const landed = decide(approved.order, { do: 'land', paid: PAID }, at(4))
    expect(landed.order).toMatchObject({ state: 'completed', held: 0n, outcome: null, former: null, closedAt: at(4) })
    expect(landed.postings).toEqual([
      { from: escrow('USDC', placed.order.id), to: pending('USDC', placed.order.id), amount: 900n },
    ])
  })

  test('PA-52 what cannot be sent leaves the order as it was; a deadline past by then comes again a day later', () => {
    const delivered = after(onChain().order, [match, 1], [by.deliver, 2])
    const lapsed = decide(delivered, by.lapse, at(302)).order
    expect(lapsed).toMatchObject({ state: 'completing', outcome: 'completed' })
    const restored = decide(lapsed, { do: 'fail' }, at(303)).order
    expect(restored).toEqual({ ...delivered, dueAt: at(303 + 86_400) })
  })

  test('D-12 after delivery the buyer cancels only with the seller’s consent; what is disputed waits for the operator', () => {
    const delivered = after(onChain().order, [match, 1], [by.deliver, 2])
    expect(refusalOf(delivered, by.cancel, at(3))).toBe('wrong_state')
    const agreed: Move = { do: 'cancel', by: BUYER, consented: true }
    expect(decide(delivered, agreed, at(3)).order).toMatchObject({ state: 'completing', outcome: 'cancelled' })
    const disputed = decide(delivered, { do: 'dispute', by: BUYER }, at(3)).order
    expect(disputed).toMatchObject({ state: 'disputed', dueAt: null })
    for (const [winner, outcome] of [
      ['buyer', 'cancelled'],
      ['seller', 'completed'],
    ] as const)
      expect(decide(disputed, { do: 'rule', for: winner }, at(9)).order).toMatchObject({ state: 'completing', outcome })
    const again = decide(decide(disputed, by.approve, at(9)).order, { do: 'fail' }, at(9)).order
    expect(again).toEqual(disputed)
  })

  test('where nothing is held the buyer still has to pay: silence changes nothing, and cancelling ends it at once', () => {
    const unpaid = onChain({ hold: 'elsewhere', silence: 'waits', cancel: 'until-paid' }).order
    const delivered = after(unpaid, [match, 1], [by.deliver, 2])
    expect(delivered).toMatchObject({ held: 0n, dueAt: null })
    expect(decide(delivered, by.cancel, at(9))).toMatchObject({ order: { state: 'cancelled' }, postings: [] })
    const approved = decide(delivered, by.approve, at(9)).order
    expect(approved).toMatchObject({ state: 'completing', outcome: 'completed' })
    expect(decide(approved, { do: 'land', paid: PAID }, at(9))).toMatchObject({
      order: { state: 'completed' },
      postings: [],
    })
    expect(decide(approved, { do: 'fail' }, at(9)).order).toEqual(delivered)
  })
})

describe('a job paid over a chain whose seller has its balance', () => {
  const terms: Terms = { ...DIRECT_TERMS, payout: 'balance', accept: 'by-seller' }
  const { order: pending } = place(bargain({ buyerId: BUYER, sellerId: SELLER, terms, price: 1000n, purse: CHAIN }), {
    now: at(0),
  })

  test('D-20 the seller is paid at once, into its balance', () => {
    const delivered = after(pending, [by.accept, 1], [by.deliver, 2])
    const { order, postings } = decide(delivered, by.approve, at(3))
    expect(order).toMatchObject({ state: 'completed', held: 0n, outcome: null })
    const from = escrow('USDC', pending.id)
    expect(postings).toEqual([
      { from, to: available('USDC', SELLER), amount: 1000n },
      { from, to: fees('USDC', 'jobs'), amount: 30n },
    ])
  })

  test('D-20 what goes back leaves over the chain, and where it cannot the job stands as before, with a deadline', () => {
    const { order, postings } = decide(pending, by.cancel, at(1))
    expect([order.state, order.outcome, postings]).toEqual(['completing', 'cancelled', []])
    const restored = decide(order, { do: 'fail' }, at(2)).order
    expect(restored).toMatchObject({ state: 'pending', held: 1030n })
    expect(restored.dueAt).not.toBeNull()
    expect(decide(restored, by.accept, at(3)).order.state).toBe('assigned')
  })
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
