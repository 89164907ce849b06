import { type Micros, shareDown, shareUp } from '#kernel/money'
import type { Order } from './order.ts'
import type { Terms } from './terms.ts'

/** All that an order can cost its buyer. */
export function costOf({ price, fee, terms }: Pick<Order, 'price' | 'fee' | 'terms'>): Micros {
  return terms.fee.paidBy === 'buyer' ? price + fee : price
}

/** What reaches the seller when the order completes. */
export function payoutOf({ price, fee, terms }: Pick<Order, 'price' | 'fee' | 'terms'>): Micros {
  return terms.fee.paidBy === 'seller' ? price - fee : price
}

/** A fee on top rounds up; out of the price, the payee's share rounds down: never a fee-free trade of dust (D-5). */
export function feeOf(price: Micros, { fee: { bps, paidBy } }: Terms): Micros {
  return paidBy === 'buyer' ? shareUp(price, bps) : price - shareDown(price, 10_000 - bps)
}
