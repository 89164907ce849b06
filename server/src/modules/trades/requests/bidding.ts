import { pursesOf } from '#chain-purse'
import { profilesOf, suspendedAmong } from '#identity'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import type { Engine } from '#orders'
import type { Tx } from '#platform/db'
import { requestRefusals } from './errors.ts'
import { inWords } from './moves.ts'
import { type Bid, type RequestStatus, statusOf } from './request.ts'
import { bidById, chooseBid, insertBid, requestById, withdrawBids } from './store.ts'

export interface Offered {
  readonly requestId: string
  readonly bidderId: string
  readonly price: Micros
  readonly estimatedDurationSeconds: number | null
  readonly message: string | null
}

const MICROS_A_CENT = 10_000n

/** Bids on an open request of somebody else, at most its budget (PA-41); an earlier bid of the same bidder is withdrawn by it. */
export async function placeBid(
  tx: Tx,
  { engine }: { engine: Pick<Engine, 'lock'> },
  offered: Offered,
): Promise<string> {
  const { requestId, bidderId, price } = offered
  const order = (await engine.lock(tx, [{ orderId: requestId, move: { do: 'lapse' } }])).get(requestId)
  const request = await requestById(tx, requestId)
  if (!order || !request) throw requestRefusals.request_unknown()
  if (request.buyerId === bidderId) throw requestRefusals.own_request()
  if (order.state !== 'open') throw requestRefusals.request_status({ status: statusOf(order) })
  if (order.dueAt !== null && order.dueAt <= tx.now) throw requestRefusals.request_too_late()
  if (price > request.budget)
    throw requestRefusals.bid_above_budget({ budgetMaxCents: String(request.budget / MICROS_A_CENT) })
  if ((await suspendedAmong(tx, [bidderId])).size > 0) throw requestRefusals.request_party_suspended()
  const id = newId()
  await withdrawBids(tx, { requestId, bidderId })
  await insertBid(tx, { ...offered, id })
  tx.emit({
    name: 'request.bid_placed',
    subject: requestId,
    payload: { requestId, bidId: id, buyerId: request.buyerId, bidderId, price: String(price), title: request.title },
  })
  return id
}

/** The buyer takes a bid: its bidder is the provider at its price, and all other bids are rejected (PA-42). */
export async function acceptBid(
  tx: Tx,
  { engine }: { engine: Pick<Engine, 'move'> },
  { requestId, bidId, by }: { requestId: string; bidId: string; by: string },
): Promise<void> {
  const [request, bid] = await Promise.all([requestById(tx, requestId), bidById(tx, bidId)])
  if (!request) throw requestRefusals.request_unknown()
  if (request.buyerId !== by) throw requestRefusals.not_your_request()
  if (request.status !== 'open') throw requestRefusals.request_status({ status: request.status })
  if (!bid) throw requestRefusals.bid_unknown()
  if (bid.requestId !== requestId) throw requestRefusals.bid_not_pending({ status: 'of another request' })
  if (bid.status !== 'pending') throw requestRefusals.bid_not_pending({ status: bid.status })
  await checkParties(tx, { buyerId: by, bid })
  const move = { do: 'match', by, sellerId: bid.bidderId, price: bid.price } as const
  await inWords(engine.move(tx, { orderId: requestId, move }), { status: 'open' satisfies RequestStatus })
  if (!(await chooseBid(tx, bid))) throw requestRefusals.bid_not_pending({ status: 'withdrawn' })
}

/** Nobody suspended begins anything (D-35), and nobody pays a wallet with itself (D-4). */
async function checkParties(tx: Tx, { buyerId, bid }: { buyerId: string; bid: Bid }): Promise<void> {
  const { bidderId, requestId } = bid
  if ((await suspendedAmong(tx, [buyerId, bidderId])).size > 0) throw requestRefusals.request_party_suspended()
  const [purses, profiles] = await Promise.all([pursesOf(tx, [requestId]), profilesOf(tx, [bidderId])])
  const payer = purses.get(requestId)?.wallet.toLowerCase()
  if (payer !== undefined && payer === profiles.get(bidderId)?.payoutWallet?.toLowerCase())
    throw requestRefusals.hire_yourself()
}
