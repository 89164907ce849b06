import type { Asset, Micros } from '#kernel/money'
import { addSeconds } from '#kernel/time'
import { type AccountId, available, escrow, type Posting } from '#ledger'
import { conclude, land, restore } from './closing.ts'
import { costOf, feeOf } from './cost.ts'
import { orderRefusals } from './errors.ts'
import type { Terms } from './terms.ts'

export { isPaidOnChain } from './closing.ts'
export { costOf, feeOf, payoutOf } from './cost.ts'

export const ORDER_STATES = [
  'open',
  'queued',
  'pending',
  'assigned',
  'delivered',
  'disputed',
  'completing',
  'completed',
  'cancelled',
  'expired',
  'failed',
  'rejected',
] as const
export type OrderState = (typeof ORDER_STATES)[number]

/** How an order ends by a decision about its money. */
export type Outcome = 'completed' | 'cancelled' | 'expired'

export interface Order {
  readonly id: string
  readonly form: string
  readonly state: OrderState
  /** While money is under way on a chain: what the order becomes once it has landed, and again if it cannot. */
  readonly outcome: Outcome | null
  readonly former: OrderState | null
  readonly buyerId: string
  readonly sellerId: string | null
  /** What was bought, where it is listed. */
  readonly listingId: string | null
  readonly asset: Asset
  readonly price: Micros
  /** The platform's part: on top of the price, or out of it, as the terms say. */
  readonly fee: Micros
  /** What escrow holds for this order right now. Zero when the money travels elsewhere. */
  readonly held: Micros
  /** The account that pays for the order and is paid back. */
  readonly purse: AccountId
  readonly terms: Terms
  readonly callbackUrl: string | null
  readonly createdAt: Date
  readonly assignedAt: Date | null
  readonly deliveredAt: Date | null
  readonly closedAt: Date | null
  readonly dueAt: Date | null
}

/** A bargain somebody asks for, before it is an order. */
export interface Bargain {
  readonly id: string
  readonly form: string
  readonly buyerId: string
  readonly sellerId: string | null
  readonly listingId: string | null
  readonly asset: Asset
  readonly price: Micros
  readonly terms: Terms
  readonly callbackUrl: string | null
  /** Who pays, when it is not the buyer's own balance. */
  readonly purse?: AccountId
}

export type Move =
  /** A seller is bound to an open order. */
  | { readonly do: 'match'; readonly by: string; readonly sellerId: string; readonly price?: Micros }
  /** A slot of the seller came free; asked by the market, not by a party. */
  | { readonly do: 'promote' }
  /** The seller says yes. */
  | { readonly do: 'accept'; readonly by: string }
  | { readonly do: 'deliver'; readonly by: string }
  /** The buyer takes the delivery. */
  | { readonly do: 'approve'; readonly by: string }
  /** `consented`: the seller has agreed. */
  | { readonly do: 'cancel'; readonly by: string; readonly consented?: boolean }
  /** The buyer does not take the delivery, and the operator is asked. */
  | { readonly do: 'dispute'; readonly by: string }
  /** The operator's word on a dispute. */
  | { readonly do: 'rule'; readonly for: 'buyer' | 'seller' }
  /** The money has landed on its chain; asked by the market. */
  | { readonly do: 'land'; readonly paid: ChainPayment }
  /** The money cannot be sent, or was not paid: nothing has changed hands. */
  | { readonly do: 'fail' }
  /** A deadline has passed; asked by the clock. */
  | { readonly do: 'lapse' }

/** What a chain says of a payment. */
export interface ChainPayment {
  /** CAIP-2 */
  readonly network: string
  readonly txHash: string
  /** Of the buyer's. */
  readonly wallet: string
}

/** What a move changes: the order's next face, and the money that moves with it. */
export interface Step {
  readonly order: Order
  readonly postings: readonly Posting[]
}

/** The first face of an order. `waiting` puts it into the queue of a seller who has no free slot. */
export function place(bargain: Bargain, { now, waiting = false }: { now: Date; waiting?: boolean }): Step {
  const { terms, price } = bargain
  if (bargain.sellerId === bargain.buyerId) throw orderRefusals.self_trade()
  if ((bargain.sellerId === null) === (terms.match === 'named'))
    throw new Error('a named order names its seller, others do not')
  const order: Order = {
    ...bargain,
    purse: purseOf(bargain),
    ...{ state: 'open', outcome: null, former: null },
    fee: feeOf(price, terms),
    held: 0n,
    createdAt: now,
    assignedAt: null,
    deliveredAt: null,
    closedAt: null,
    dueAt: terms.matchWithinSeconds === null ? null : addSeconds(now, terms.matchWithinSeconds),
  }
  const seated = seat(order, { now, waiting })
  return terms.hold === 'on-placing' || (terms.hold === 'on-match' && terms.match === 'named')
    ? fill(seated)
    : step(seated)
}

function seat(order: Order, { now, waiting }: { now: Date; waiting: boolean }): Order {
  if (order.terms.match !== 'named') return order
  if (waiting) return { ...order, state: 'queued', dueAt: addSeconds(now, order.terms.queueWithinSeconds) }
  return bind(order, now)
}

/** The whole law of escrow, as one pure function. It never touches the clock, the database or the wire. */
export function decide(order: Order, move: Move, now: Date): Step {
  switch (move.do) {
    case 'match': {
      requireState(order, 'open')
      requireTime(order, now)
      if (move.sellerId === order.buyerId) throw orderRefusals.self_trade()
      requireParty(move.by, order.terms.match === 'chosen' ? order.buyerId : move.sellerId)
      const bound = bind(agree({ ...order, sellerId: move.sellerId }, move.price), now)
      return order.terms.hold === 'on-match' ? fill(bound) : step(bound)
    }
    case 'promote':
      requireState(order, 'queued')
      requireTime(order, now)
      return step(bind(order, now))
    case 'accept':
      requireParty(move.by, order.sellerId)
      requireState(order, 'pending')
      requireTime(order, now)
      return step(assign(order, now))
    case 'deliver':
      requireParty(move.by, order.sellerId)
      requireState(order, 'assigned')
      requireTime(order, now)
      return deliver(order, now)
    case 'approve':
      requireParty(move.by, order.buyerId)
      requireState(order, 'delivered', 'disputed')
      requireTime(order, now)
      return conclude(order, { outcome: 'completed', now })
    case 'cancel':
      requireParty(move.by, order.buyerId)
      requireState(order, ...cancellable(order.terms, move.consented ?? false))
      requireTime(order, now)
      return conclude(order, { outcome: 'cancelled', now })
    case 'dispute':
      requireParty(move.by, order.buyerId)
      requireState(order, ...(order.terms.dispute ? (['delivered'] as const) : []))
      requireTime(order, now)
      return step({ ...order, state: 'disputed', dueAt: null })
    case 'rule':
      requireState(order, 'disputed')
      return conclude(order, { outcome: move.for === 'seller' ? 'completed' : 'cancelled', now })
    case 'land':
      requireState(order, 'completing')
      return land(order, now)
    case 'fail':
      requireState(order, 'completing')
      return step(restore(order, now))
    case 'lapse':
      return lapse(order, now)
  }
}

/** The account that pays: the buyer's own balance unless the bargain names another. */
export function purseOf({ purse, asset, buyerId }: Bargain): AccountId {
  return purse ?? available(asset, buyerId)
}

export function isClosed(state: OrderState): boolean {
  return ['completed', 'cancelled', 'expired', 'failed', 'rejected'].includes(state)
}

/** The seller's price may be below what was offered; what is held beyond it returns in the end. */
function agree(order: Order, price = order.price): Order {
  if (price > order.price) throw new Error(`order ${order.id} is agreed on above what was offered`)
  return { ...order, price, fee: feeOf(price, order.terms) }
}

function bind(order: Order, now: Date): Order {
  if (order.terms.accept === 'automatic') return assign(order, now)
  return { ...order, state: 'pending', dueAt: addSeconds(now, order.terms.acceptWithinSeconds) }
}

function assign(order: Order, now: Date): Order {
  return { ...order, state: 'assigned', assignedAt: now, dueAt: addSeconds(now, order.terms.deliverWithinSeconds) }
}

function deliver(order: Order, now: Date): Step {
  const delivered: Order = { ...order, state: 'delivered', deliveredAt: now }
  const { reviewWithinSeconds } = order.terms
  if (order.terms.silence === 'waits') return step({ ...delivered, dueAt: null })
  if (reviewWithinSeconds === null) return conclude(delivered, { outcome: 'completed', now })
  return step({ ...delivered, dueAt: addSeconds(now, reviewWithinSeconds) })
}

/** Fills escrow with all the order can cost its buyer. */
function fill(order: Order): Step {
  const cost = costOf(order)
  return step({ ...order, held: cost }, [{ from: order.purse, to: escrow(order.asset, order.id), amount: cost }])
}

/** Silence: nobody took it, said yes or delivered, so the money goes back; nobody looked at the delivery, so it is taken. */
function lapse(order: Order, now: Date): Step {
  requireState(order, 'open', 'queued', 'pending', 'assigned', 'delivered')
  if (order.dueAt === null || order.dueAt > now) throw orderRefusals.not_due()
  return conclude(order, { outcome: order.state === 'delivered' ? 'completed' : 'expired', now })
}

function cancellable({ cancel }: Terms, consented: boolean): OrderState[] {
  const unmatched: OrderState[] = ['open', 'queued', 'pending']
  if (cancel === 'before-match') return unmatched
  const isBeyond = cancel === 'until-paid' || (cancel === 'with-consent' && consented)
  return isBeyond ? [...unmatched, 'assigned', 'delivered', 'disputed'] : [...unmatched, 'assigned']
}

function step(order: Order, postings: readonly Posting[] = []): Step {
  return { order, postings }
}

function requireState(order: Order, ...states: OrderState[]): void {
  if (!states.includes(order.state)) throw orderRefusals.wrong_state({ state: order.state })
}

/** Once a deadline has passed only `lapse` moves the order, however late the sweep comes. */
function requireTime(order: Order, now: Date): void {
  if (order.dueAt !== null && order.dueAt <= now) throw orderRefusals.too_late()
}

function requireParty(partyId: string, party: string | null): void {
  if (partyId !== party) throw orderRefusals.not_your_order()
}
