import type { Tx } from '#platform/db'
import type { Order } from './order.ts'

/** Tells of an order as it is now; who hears it is not known here. */
export function announce(tx: Tx, name: string, order: Order): void {
  tx.emit({
    name,
    subject: order.id,
    payload: {
      orderId: order.id,
      form: order.form,
      state: order.state,
      buyerId: order.buyerId,
      sellerId: order.sellerId,
      listingId: order.listingId,
      price: String(order.price),
      fee: String(order.fee),
      callbackUrl: order.callbackUrl,
      at: tx.now.toISOString(),
      assignedAt: order.assignedAt?.toISOString() ?? null,
      deliveredAt: order.deliveredAt?.toISOString() ?? null,
    },
  })
}

/** News is named by the state reached. */
export function nameOf({ state }: Order): string {
  return state === 'pending' ? 'order.seated' : `order.${state}`
}
