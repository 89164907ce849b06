import { addSeconds, DAY_SECONDS } from '#kernel/time'
import { available, escrow, fees, isWorld, pending } from '#ledger'
import { costOf, payoutOf } from './cost.ts'
import type { Order, OrderState, Outcome, Step } from './order.ts'

interface Conclusion {
  readonly outcome: Outcome
  readonly now: Date
}

/** Ends an order, at once inside the ledger; where its money is on a chain, once it has landed there. */
export function conclude(order: Order, { outcome, now }: Conclusion): Step {
  if (order.sellerId === null && outcome === 'completed') throw new Error(`order ${order.id} settles without a seller`)
  if (isPaidOnChain(order) && !isKeptInside(order, outcome) && (order.held > 0n || outcome === 'completed'))
    return step({ ...order, state: 'completing', outcome, former: order.state, dueAt: null })
  return outcome === 'completed' ? settle(order, now) : refund(order, { state: outcome, now })
}

/** Whether the money of an order comes and goes over a chain instead of its parties' balances. */
export function isPaidOnChain({ purse }: Pick<Order, 'purse'>): boolean {
  return isWorld(purse)
}

/** The seller is paid into its balance, and nothing returns to the buyer. */
function isKeptInside(order: Order, outcome: Outcome): boolean {
  return outcome === 'completed' && order.terms.payout === 'balance' && order.held === costOf(order)
}

/** What was held is on its way out by now, and waits beside the order until its chain has made it final. The fee stays. */
export function land(order: Order, now: Date): Step {
  const { id, asset, held, outcome } = order
  const from = escrow(asset, id)
  const fee = outcome === 'completed' ? costOf(order) - payoutOf(order) : 0n
  const closed = close({ ...order, outcome: null, former: null }, { state: outcome ?? 'cancelled', now })
  if (held === 0n) return step(closed)
  return step(closed, [
    { from, to: pending(asset, id), amount: held - fee },
    ...(fee > 0n ? [{ from, to: fees(asset, 'jobs'), amount: fee }] : []),
  ])
}

/** So long a deadline waits that has brought nothing but a payment that could not be made. */
const TRY_AGAIN_SECONDS = DAY_SECONDS

/** As if nothing had been decided, but that a deadline past by then is not past at once. */
export function restore(order: Order, now: Date): Order {
  const { terms, assignedAt, deliveredAt, createdAt } = order
  const state = order.former ?? 'open'
  const begun = { open: createdAt, queued: createdAt, pending: createdAt, assigned: assignedAt, delivered: deliveredAt }
  const from = begun[state as 'open']
  const within = {
    open: terms.matchWithinSeconds,
    queued: terms.queueWithinSeconds,
    pending: terms.acceptWithinSeconds,
    assigned: terms.deliverWithinSeconds,
    delivered: terms.silence === 'waits' ? null : terms.reviewWithinSeconds,
  }[state as 'open']
  const due = from && within !== null && within !== undefined ? addSeconds(from, within) : null
  const soon = addSeconds(now, TRY_AGAIN_SECONDS)
  return { ...order, state, outcome: null, former: null, dueAt: due && due < soon ? soon : due }
}

function settle(order: Order, now: Date): Step {
  if (order.sellerId === null) throw new Error(`order ${order.id} settles without a seller`)
  const closed = close(order, { state: 'completed', now })
  if (order.held === 0n) return step(closed)
  const from = escrow(order.asset, order.id)
  const surplus = order.held - costOf(order)
  return step(closed, [
    { from, to: available(order.asset, order.sellerId), amount: payoutOf(order) },
    { from, to: fees(order.asset, 'jobs'), amount: costOf(order) - payoutOf(order) },
    ...(surplus > 0n ? [{ from, to: order.purse, amount: surplus }] : []),
  ])
}

function refund(order: Order, { state, now }: { state: OrderState; now: Date }): Step {
  const closed = close(order, { state, now })
  if (order.held === 0n) return step(closed)
  return step(closed, [{ from: escrow(order.asset, order.id), to: order.purse, amount: order.held }])
}

function close(order: Order, { state, now }: { state: OrderState; now: Date }): Order {
  return { ...order, state, held: 0n, closedAt: now, dueAt: null }
}

function step(order: Order, postings: Step['postings'] = []): Step {
  return { order, postings }
}
