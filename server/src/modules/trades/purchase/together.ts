import { gatherLookups } from '#platform/lookups'
import { shareWork } from '#platform/shared-work'
import type { Payment } from '#settlement'
import type { PurchaseDeps } from './buy.ts'
import { endEach } from './ending.ts'
import type { Sale } from './line.ts'
import type { Purchase } from './purchase.ts'
import { insertPurchase, lockWallets, type Reserved, type Reserving } from './reserve-store.ts'
import { type Kept, keepOutputs, paymentName, purchasesById, purchasesByPayment } from './store.ts'

/**
 * The small steps of many purchases as one: what takes one purchase a commit takes fifty the same commit. Each still goes its own
 * way, and what spoils a shared step is found by halving it.
 */
export interface Together {
  find(id: string): Promise<Purchase | undefined>
  findByPayment(payment: Pick<Payment, 'network' | 'payer' | 'nonce'>): Promise<Purchase | undefined>
  /** Keeps a purchase of which nothing more is to be reserved; undefined when its payment, or its name, is taken. */
  reserve(reserving: Reserving): Promise<Reserved | undefined>
  /** Keeps what a seller answered; false when the lease was lost. */
  keep(kept: Kept): Promise<boolean>
  /** Ends a call whose money is known to have moved. */
  end(sale: Omit<Sale, 'buyerId'>): Promise<void>
}

/** Longer answers are written alone, so that no statement grows beyond bounds. */
const SHORT_BYTES = 64 * 1024

export function createTogether(deps: PurchaseDeps): Together {
  const { store } = deps
  const keep = shareWork(store, async (tx, items: readonly Kept[]) => {
    const kept = await keepOutputs(tx, items)
    return items.map(({ id }) => kept.has(id))
  })
  const end = shareWork(store, async (tx, sales: readonly Omit<Sale, 'buyerId'>[]) => {
    await endEach(tx, deps, sales)
    return sales.map(() => null)
  })
  const reserve = shareWork(store, async (tx, items: readonly Reserving[]) => {
    await lockWallets(
      tx,
      items.map(({ purchase }) => purchase.payment),
    )
    // One after the other on one connection: what the first has open counts for the second.
    return Promise.all(items.map(({ purchase, how }) => insertPurchase(tx, purchase, how(tx.now))))
  })
  const byPayment = gatherLookups(store.read, purchasesByPayment)
  return {
    find: gatherLookups(store.read, purchasesById),
    findByPayment: (payment) => byPayment(paymentName(payment)),
    reserve,
    keep: async (kept) => {
      if (kept.output.body.length <= SHORT_BYTES) return keep(kept)
      return store.transact(async (tx) => (await keepOutputs(tx, [kept])).has(kept.id))
    },
    end: async (sale) => {
      await end(sale)
    },
  }
}
