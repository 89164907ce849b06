import { Refusal } from '#kernel/refusal'
import type { Tx } from '#platform/db'
import type { PurchaseDeps } from './buy.ts'
import { type CallLine, lineOf, type OrderLine, type Sale } from './line.ts'
import type { Purchase } from './purchase.ts'
import { endPurchase, type Failing, failPurchase, returnPurchase, saveAnswer } from './store.ts'

/** In the unit of work in which a call's money is known to have moved. */
export async function end(tx: Tx, deps: PurchaseDeps, sale: Omit<Sale, 'buyerId'>): Promise<void> {
  const { purchase, txHash } = sale
  const buyerId = await buyerIn(tx, deps, purchase)
  const line = lineOf(deps.lines, purchase) as CallLine
  // Whoever comes second waits here for the first, and finds nothing left to conclude.
  if (await endPurchase(tx, { id: purchase.id, txHash, buyerId })) await line.conclude(tx, { ...sale, buyerId })
}

/** What the money buys is done in the commit that ends the purchase; where it cannot be any more, the money goes back. */
export async function placeOrder(deps: PurchaseDeps, line: OrderLine, sale: Omit<Sale, 'buyerId'>): Promise<void> {
  const { purchase, txHash } = sale
  const { id } = purchase
  try {
    await deps.store.transact(async (tx) => {
      const buyerId = await buyerIn(tx, deps, purchase)
      if (!(await endPurchase(tx, { id, txHash, buyerId }))) return
      const output = await line.place(tx, { ...sale, buyerId })
      await saveAnswer(tx, { id, output })
    })
  } catch (error) {
    if (!(error instanceof Refusal) || !isFinal(error)) throw error
    await deps.store.transact(async (tx) => {
      const buyerId = await buyerIn(tx, deps, purchase)
      if (!(await returnPurchase(tx, { id, txHash, buyerId, reason: error.message }))) return
      await line.giveBack(tx, { ...sale, buyerId, delivered: false })
    })
  }
}

/** A "not now" is asked again; every other "no" stays one. */
function isFinal({ kind }: Refusal): boolean {
  return kind !== 'unknown' && kind !== 'limited'
}

async function buyerIn(tx: Tx, { buyerOf }: PurchaseDeps, { buyerId, payment }: Purchase): Promise<string> {
  return buyerId ?? (await buyerOf(tx, payment))
}

/** Ends it unpaid; true for the one who does. */
export async function fail(
  tx: Tx,
  { lines }: PurchaseDeps,
  { purchase, ...how }: { readonly purchase: Purchase } & Failing,
): Promise<boolean> {
  const isOurs = await failPurchase(tx, { id: purchase.id, ...how })
  if (isOurs) await lineOf(lines, purchase).release?.(tx, purchase)
  return isOurs
}
