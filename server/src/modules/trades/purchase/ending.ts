import { Refusal } from '#kernel/refusal'
import type { Tx } from '#platform/db'
import type { PurchaseDeps } from './buy.ts'
import { type CallLine, lineOf, type OrderLine, type RelayLine, type Sale } from './line.ts'
import type { Purchase } from './purchase.ts'
import { endPurchases, type Failing, failPurchase, returnPurchase, saveAnswer } from './store.ts'

/** In the unit of work in which the money of calls is known to have moved. */
export async function endEach(tx: Tx, deps: PurchaseDeps, sales: readonly Omit<Sale, 'buyerId'>[]): Promise<void> {
  // In one order for everybody, and each once however many ask for it.
  const own = [...new Map(sales.map((sale) => [sale.purchase.id, sale])).values()].sort(byPurchase)
  const buyers = await buyersIn(tx, deps, own)
  const paid = own.map((sale, index) => ({ ...sale, buyerId: buyers[index] as string }))
  // Whoever comes second waits here for the first, and finds nothing left to conclude.
  const ended = await endPurchases(
    tx,
    paid.map(({ purchase: { id }, txHash, buyerId }) => ({ id, txHash, buyerId })),
  )
  const byLine = Map.groupBy(
    paid.filter(({ purchase }) => ended.has(purchase.id)),
    ({ purchase }) => lineOf(deps.lines, purchase) as CallLine | RelayLine,
  )
  for (const [line, concluded] of byLine) await line.conclude(tx, concluded)
}

function byPurchase(one: Omit<Sale, 'buyerId'>, other: Omit<Sale, 'buyerId'>): number {
  return one.purchase.id < other.purchase.id ? -1 : 1
}

/** What the money buys is done in the commit that ends the purchase; where it cannot be any more, the money goes back. */
export async function placeOrder(deps: PurchaseDeps, line: OrderLine, sale: Omit<Sale, 'buyerId'>): Promise<void> {
  const { purchase, txHash } = sale
  const { id } = purchase
  try {
    await deps.store.transact(async (tx) => {
      const buyerId = await buyerIn(tx, deps, sale)
      if ((await endPurchases(tx, [{ id, txHash, buyerId }])).size === 0) return
      const output = await line.place(tx, { ...sale, buyerId })
      await saveAnswer(tx, { id, output })
    })
  } catch (error) {
    if (!(error instanceof Refusal) || !isFinal(error)) throw error
    await deps.store.transact(async (tx) => {
      const buyerId = await buyerIn(tx, deps, sale)
      if (!(await returnPurchase(tx, { id, txHash, buyerId, reason: error.message }))) return
      await line.giveBack(tx, { ...sale, buyerId, delivered: false })
    })
  }
}

/** A "not now" is asked again; every other "no" stays one. */
function isFinal({ kind }: Refusal): boolean {
  return kind !== 'unknown' && kind !== 'limited'
}

async function buyerIn(tx: Tx, deps: PurchaseDeps, sale: Pick<Sale, 'purchase'>): Promise<string> {
  const [buyerId] = await buyersIn(tx, deps, [sale])
  return buyerId as string
}

/** In the order of the sales: whom the purchase names, else whose wallet paid. */
async function buyersIn(
  tx: Tx,
  { buyersOf }: PurchaseDeps,
  sales: readonly Pick<Sale, 'purchase'>[],
): Promise<string[]> {
  const unnamed = sales.filter(({ purchase }) => purchase.buyerId === null)
  const found = await buyersOf(
    tx,
    unnamed.map(({ purchase }) => purchase.payment),
  )
  const byPurchase = new Map(unnamed.map(({ purchase }, index) => [purchase.id, found[index] as string]))
  return sales.map(({ purchase }) => purchase.buyerId ?? (byPurchase.get(purchase.id) as string))
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
