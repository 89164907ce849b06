import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { type AccountId, escrow, pending } from '#ledger'
import type { Tx } from '#platform/db'
import type { Network } from '../rail.ts'
import type { Payout } from './payout.ts'
import { insertPayout, markLanded } from './store.ts'

/**
 * `release`: to the seller. `refund`: all of it to who paid. `surplus`: what was paid beyond the price. Of one order there is
 * at most one of each that has not failed; the database holds that by an index.
 */
export type OrderPayoutKind = 'release' | 'refund' | 'surplus'

export interface OrderPayoutRequest {
  readonly orderId: string
  readonly kind: OrderPayoutKind
  readonly network: Network
  readonly destination: string
  readonly amount: Micros
  /** Where the money is now, and stays until it has landed. */
  readonly heldIn: AccountId
  /** The party's balance: where it goes when it landed and was lost after all. */
  readonly returnTo: AccountId
}

/** Has an order's money sent over its chain, without a fee or a least amount, by the machinery of withdrawals. */
export async function requestOrderPayout(tx: Tx, { amount, ...request }: OrderPayoutRequest): Promise<string> {
  const id = newId()
  const money = { gross: amount, fee: 0n, net: amount }
  if (!(await insertPayout(tx, { ...request, ...money, id, partyId: null, sourceIndex: null })))
    throw new Error(`order ${request.orderId} has a ${request.kind} under way already`)
  return id
}

/** What becomes of orders with their payouts, in the same unit of work; orders stand above the wallet, so `main` says it. */
export interface OrderPayouts {
  /** Its transaction is in a block and did what it should: the order may be concluded (PA-45). */
  readonly landed: (tx: Tx, landed: { readonly payout: Payout; readonly txHash: string }) => Promise<void>
  /** It can never be made, and nothing has left: the order is as it was (PA-52). */
  readonly failed: (tx: Tx, failed: { readonly payout: Payout; readonly reason: string }) => Promise<void>
}

/** Whether nothing has been booked for it yet: its money lies in the order's escrow. */
export function isHeldByOrder({ orderId, heldIn }: Pick<Payout, 'orderId' | 'heldIn'>): boolean {
  return orderId !== null && heldIn === escrow('USDC', orderId)
}

/** Where no orders send money over chains. */
export const NO_ORDERS: OrderPayouts = {
  landed: async (_tx, { payout: { id } }) => {
    throw new Error(`payout ${id} is of an order, and there are none`)
  },
  failed: async (_tx, { payout: { id } }) => {
    throw new Error(`payout ${id} is of an order, and there are none`)
  },
}

/**
 * Concludes the order as soon as its payout is in a block. From then on the money waits beside the order until that block is
 * final; should it be lost, the same authorization is sent again, and the money arrives once all the same.
 */
export async function landPayout<P extends Payout>(
  tx: Tx,
  { payout, txHash, orders }: { payout: P; txHash: string; orders: OrderPayouts },
): Promise<P> {
  const { id, orderId } = payout
  if (orderId === null || payout.landedAt !== null) return payout
  const heldIn = pending('USDC', orderId)
  if (await markLanded(tx, { id, heldIn })) await orders.landed(tx, { payout, txHash })
  return { ...payout, heldIn, landedAt: tx.now }
}
