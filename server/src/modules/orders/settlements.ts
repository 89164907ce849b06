import type { Circumstances, Settlement } from '#receipts'
import { payoutOf } from './cost.ts'
import type { Move, Order } from './order.ts'

interface Ended {
  readonly before: Order
  readonly after: Order
  readonly move: Move
  readonly form: { readonly circumstances?: (order: Order) => Partial<Circumstances> } | undefined
}

/** What a move that ends an order leaves to be receipted. What returns inside the ledger is no settlement. */
export function settlementsOf({ before, after, move, form }: Ended): Settlement[] {
  const paid = move.do === 'land' ? move.paid : undefined
  const said = {
    ...form?.circumstances?.(after),
    ...(paid && { network: paid.network, txHash: paid.txHash, buyerWallet: paid.wallet }),
  }
  if (after.state === 'completed') return [{ ...settlementOf(after), ...said }]
  if (!paid) return []
  const { id, form: name, buyerId, sellerId, listingId, asset } = after
  const parties = { orderId: id, form: name, buyerId, sellerId, listingId, asset }
  return [{ ...parties, type: 'escrow_refund', price: before.held, payout: 0n, fee: 0n, ...said }]
}

function settlementOf(order: Order): Settlement {
  const { id, form, buyerId, sellerId, listingId, asset, price, fee, terms, assignedAt, deliveredAt } = order
  if (sellerId === null) throw new Error(`order ${id} completed without a seller`)
  return {
    ...{ orderId: id, form, buyerId, sellerId, listingId, asset, price, fee, payout: payoutOf(order) },
    type: terms.hold === 'elsewhere' ? 'direct' : 'escrow_release',
    delivered: deliveredAt !== null,
    latencyMs: deliveredAt && assignedAt ? deliveredAt.getTime() - assignedAt.getTime() : null,
  }
}
