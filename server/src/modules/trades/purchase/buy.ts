import { newId } from '#kernel/id'
import type { Store, Tx } from '#platform/db'
import type { Facilitators, Payment, SignedPayment } from '#settlement'
import { fail, placeOrder } from './ending.ts'
import { purchaseRefusals } from './errors.ts'
import { createLeases, type Leases } from './leases.ts'
import { type Lines, lineOf } from './line.ts'
import type { Purchase, Ware, WareName } from './purchase.ts'
import { follow, forward } from './relaying.ts'
import { insertPurchase, lockWallet, reopen, type Standing } from './reserve-store.ts'
import { giveUp, runSeller, takeOver } from './running.ts'
import { markPaid, type NewPurchase, purchaseByPaymentId } from './store.ts'
import { createTogether, type Together } from './together.ts'

/** What a buyer sends: what he wants, what he says to it, and how he pays. */
export interface Order {
  readonly ware: Ware
  readonly payment: Payment
  readonly paymentId: string | null
  /** What the seller is sent. */
  readonly input: unknown
  /** SHA-256 over what is bought, method and input. */
  readonly fingerprint: Buffer
  readonly admit?: Admit
}

/**
 * Throws when the wallet has bought too much of late. Asked only once its signature is known to be its own, so that nobody
 * uses up what is somebody else's.
 */
export type Admit = () => Promise<void>

export interface PurchaseDeps {
  readonly store: Store
  /** With connections of its own, on which leases are renewed; where there is none, on everybody's. */
  readonly leaseStore?: Pick<Store, 'transact'>
  readonly facilitators: Pick<Facilitators, 'verify' | 'settle'>
  readonly lines: Lines
  /** The parties whose wallets paid, in order, made where there are none (PA-13). */
  readonly buyersOf: (tx: Tx, payments: readonly Payment[]) => Promise<readonly string[]>
  readonly settings: PurchaseSettings
}

export interface PurchaseSettings {
  /** How long who runs the seller has the seller to himself, and again whenever a third of it has passed. */
  readonly leaseMs: number
  /** How long a buyer is kept waiting while somebody else is at his purchase. */
  readonly patienceMs: number
  readonly pollMs: number
  /** So many payments failed after the work, within a day: this wallet pays first (D-12). */
  readonly strikes: number
}

export const DEFAULT_PURCHASE_SETTINGS: PurchaseSettings = {
  leaseMs: 6_000,
  patienceMs: 40_000,
  pollMs: 100,
  strikes: 3,
}

export type Bought =
  /** Nothing was kept and nothing was asked of anybody. */
  | { readonly state: 'refused'; readonly reason: string }
  /** It stands where it stands: settled, failed, or still under way. */
  | { readonly state: 'kept'; readonly purchase: Purchase }

const DAY_MS = 86_400_000

/** A payment that may have been sent before. */
export interface Repetition {
  readonly payment: Pick<SignedPayment, 'network' | 'payer' | 'nonce' | 'seal'>
  readonly paymentId: string | null
  readonly ware: WareName
  readonly fingerprint: Buffer
  readonly admit?: Admit
}

export interface Till {
  /** Repetitions come to the same purchase here too; `again` finds them sooner. */
  buy(order: Order): Promise<Bought>
  /** The purchase this payment has begun, driven on; undefined when it has begun none. Refuses it for anything else. */
  again(repetition: Repetition): Promise<Purchase | undefined>
  /** Drives on what everybody has left; answers whether it came to an end. */
  resume(purchase: Purchase): Promise<boolean>
}

/**
 * Buys things with signed payments, each once: the purchase is a row before the seller is asked and before money moves, and
 * whoever finds it, this request, its repetition, another process, drives it on from where it stands (D-12, D-16).
 */
export function createTill(options: PurchaseDeps): Till {
  const { store, leaseStore = store, settings } = options
  const leases = createLeases({ store: leaseStore, leaseMs: settings.leaseMs })
  const deps: Desk = { ...options, leases, together: createTogether(options) }
  return {
    again: async (repetition) => {
      const known = await find(deps, repetition)
      if (!known) return undefined
      await repetition.admit?.()
      return drive(deps, known, null)
    },
    buy: async (order) => {
      const { reason, standing } = await look(deps, order.payment)
      if (reason !== null) {
        // What speaks against it may be what it has bought already.
        const raced = await find(deps, repetitionOf(order))
        if (!raced) return { state: 'refused', reason }
        await order.admit?.()
        return { state: 'kept', purchase: await drive(deps, raced, null) }
      }
      await order.admit?.()
      const { id, lease } = await reserve(deps, order, standing)
      const reserved = id === null ? await find(deps, repetitionOf(order)) : await deps.together.find(id)
      if (!reserved) throw notReserved(order)
      return { state: 'kept', purchase: await drive(deps, reserved, id === null ? null : lease) }
    },
    resume: async (purchase) => {
      const { id, state } = purchase
      if (state === 'working') return giveUp(deps, purchase)
      if (state === 'settling') {
        // Whoever looks after the runs finds it at once, when it is paid and still to be run.
        await settle(deps, purchase, { waits: false, leaseMs: 0 })
      } else if (state === 'paid') {
        const lease = await takeOver(deps, purchase)
        if (lease !== null) await runSeller(deps, purchase, lease)
      }
      const { endedAt } = (await deps.together.find(id)) ?? purchase
      return endedAt !== null && purchase.endedAt === null
    },
  }
}

/** What the till works with: what it was given, and what it keeps itself. */
export interface Desk extends PurchaseDeps {
  readonly leases: Leases
  readonly together: Together
}

/** What speaks against a payment, and how its wallet stands. The time first: what was paid later may still be in what it holds. */
async function look({ facilitators, settings: { strikes } }: Desk, payment: Payment) {
  const askedAt = performance.now()
  const { reason, funds = null } = await facilitators.verify(payment)
  const standing = (now: Date): Standing => ({
    funds,
    askedAt: new Date(now.getTime() - Math.ceil(performance.now() - askedAt)),
    strikes: { most: strikes, since: new Date(now.getTime() - DAY_MS) },
  })
  return { reason, standing }
}

function repetitionOf({ ware, payment, paymentId, fingerprint }: Order): Repetition {
  return { payment, paymentId, ware, fingerprint }
}

/** The purchase of this payment, if there is one; refuses a payment or a name that belongs to another. */
async function find(
  { store, together }: Desk,
  { payment, paymentId, ware, fingerprint }: Repetition,
): Promise<Purchase | undefined> {
  const [byPayment, byName] = await Promise.all([
    together.findByPayment(payment),
    paymentId === null ? undefined : purchaseByPaymentId(store.read, { ware, paymentId }),
  ])
  if (byName && byName.id !== byPayment?.id) throw purchaseRefusals.payment_id_reused()
  if (byPayment && !byPayment.fingerprint.equals(fingerprint)) throw purchaseRefusals.payment_spent_elsewhere()
  if (byPayment && byPayment.payment.seal !== payment.seal) throw purchaseRefusals.payment_spent_elsewhere()
  return byPayment
}

/** Another payment is under way for the same order, or the payment's name was taken a moment ago. */
function notReserved({ ware }: Order) {
  return ware.orderId === undefined ? purchaseRefusals.payment_id_reused() : purchaseRefusals.order_being_paid()
}

async function reserve(
  deps: Desk,
  { ware, payment, paymentId, input, fingerprint }: Order,
  standing: (now: Date) => Standing,
): Promise<{ id: string | null; lease: string }> {
  const { store, settings, lines, together } = deps
  const [id, lease] = [newId(), newId()]
  const line = lineOf(lines, { ware })
  const settlesFirst = !('run' in line) || ware.settlesFirst
  const state = settlesFirst ? 'settling' : 'working'
  const { kind, id: wareId, orderId = null, sellerId, buyerId = null, price: amount } = ware
  const about = { ware: { kind, id: wareId }, orderId, sellerId, buyerId, amount }
  const row: NewPurchase = { id, ...about, payment, paymentId, input, fingerprint, settlesFirst, state }
  const how = (now: Date) => ({ lease, leaseMs: settings.leaseMs, standing: standing(now) })
  if (!line.reserve) return { id: (await together.reserve({ purchase: row, how })) ? id : null, lease }
  const isOurs = await store.transactWith(
    (db) => lockWallet(db, payment),
    async (tx) => {
      if (!(await insertPurchase(tx, row, how(tx.now)))) return false
      await line.reserve?.(tx, row)
      return true
    },
  )
  return { id: isOurs ? id : null, lease }
}

/** Takes the next step as long as there is one that we may take; waits for others as long as the buyer has patience. */
async function drive(deps: Desk, purchase: Purchase, ours: string | null): Promise<Purchase> {
  const { together, settings } = deps
  const until = performance.now() + settings.patienceMs
  let lease = ours ?? (await tryAgain(deps, purchase))
  let current = purchase
  if (ours === null && lease !== null) current = (await together.find(purchase.id)) ?? purchase
  const line = lineOf(deps.lines, current)
  if (lease !== null && 'forward' in line) {
    await forward(deps, line, { purchase: current, lease })
    current = (await together.find(current.id)) ?? current
  }
  while (current.endedAt === null) {
    if (current.state === 'settling') {
      const step = await settle(deps, current, { waits: true, leaseMs: settings.leaseMs })
      if (step === 'undecided') break
      lease = step.lease
    } else {
      lease = lease ?? (await takeOver(deps, current))
      if (lease !== null) await runSeller(deps, current, lease)
      else if (performance.now() >= until) break
      else await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
      lease = null
    }
    current = (await together.find(current.id)) ?? current
  }
  return current
}

/** A seller's failure cost nothing, so the same payment, sent again after it, may try again. */
async function tryAgain(deps: Desk, purchase: Purchase): Promise<string | null> {
  const { store, settings } = deps
  const { state, fault, payment } = purchase
  if (state !== 'failed' || fault !== 'seller') return null
  // Only while it still pays: nobody works for a payment that has ended meanwhile.
  const { reason, standing } = await look(deps, payment)
  if (reason !== null) return null
  const lease = newId()
  const isOurs = await store.transactWith(
    (db) => lockWallet(db, payment),
    (tx) => reopen(tx, purchase, { lease, leaseMs: settings.leaseMs, standing: standing(tx.now) }),
  )
  return isOurs ? lease : null
}

/** Where money comes first, whoever learns that it has moved has the seller to himself from then on. */
async function settle(
  deps: Desk,
  purchase: Purchase,
  { waits, leaseMs }: { waits: boolean; leaseMs: number },
): Promise<'undecided' | { readonly lease: string | null }> {
  const { store, facilitators, lines } = deps
  const { id, payment, settlesFirst, output } = purchase
  const line = lineOf(lines, purchase)
  if ('forward' in line) return (await follow(deps, line, { id, waits })) === 'ended' ? { lease: null } : 'undecided'
  const result = await facilitators.settle(payment, { waits, reserved: true })
  if (result.state === 'pending') return 'undecided'
  if (result.state === 'settled' && !('run' in line)) {
    await placeOrder(deps, line, { purchase, txHash: result.txHash, delivered: true })
    return { lease: null }
  }
  if (result.state === 'failed') {
    await store.transact((tx) => fail(tx, deps, { purchase, fault: 'payment', reason: result.reason }))
    return { lease: null }
  }
  const { txHash } = result
  if (settlesFirst && output === null) {
    const lease = newId()
    const isOurs = await store.transact((tx) => markPaid(tx, { id, txHash, lease, leaseMs }))
    return { lease: isOurs ? lease : null }
  }
  await deps.together.end({ purchase, txHash, delivered: true })
  return { lease: null }
}
