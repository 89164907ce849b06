import { newId } from '#kernel/id'
import type { Store, Tx } from '#platform/db'
import type { Facilitators, Payment, SignedPayment } from '#settlement'
import { end, fail, placeOrder } from './ending.ts'
import { purchaseRefusals } from './errors.ts'
import { type CallLine, type Lines, lineOf } from './line.ts'
import type { Purchase, Ware, WareName } from './purchase.ts'
import {
  claimRun,
  countRun,
  insertPurchase,
  keepOutput,
  markPaid,
  type NewPurchase,
  purchaseById,
  purchaseByPayment,
  purchaseByPaymentId,
  renewLease,
  reopen,
  strikesOf,
} from './store.ts'

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
  readonly facilitators: Pick<Facilitators, 'verify' | 'settle'>
  readonly lines: Lines
  /** The party whose wallet paid, made where there is none (PA-13). */
  readonly buyerOf: (tx: Tx, payment: Payment) => Promise<string>
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
const MAX_RUNS = 3

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
export function createTill(deps: PurchaseDeps): Till {
  const { store, facilitators, settings } = deps
  return {
    again: async (repetition) => {
      const known = await find(deps, repetition)
      if (!known) return undefined
      await repetition.admit?.()
      return drive(deps, known, null)
    },
    buy: async (order) => {
      const verdict = await facilitators.verify(order.payment)
      if (verdict.reason !== null) {
        // What speaks against it may be what it has bought already.
        const raced = await find(deps, repetitionOf(order))
        if (!raced) return { state: 'refused', reason: verdict.reason }
        await order.admit?.()
        return { state: 'kept', purchase: await drive(deps, raced, null) }
      }
      await order.admit?.()
      const { id, lease } = await reserve(deps, order)
      const reserved = id === null ? await find(deps, repetitionOf(order)) : await purchaseById(store.read, id)
      if (!reserved) throw notReserved(order)
      return { state: 'kept', purchase: await drive(deps, reserved, id === null ? null : lease) }
    },
    resume: async (purchase) => {
      if (purchase.endedAt !== null) return false
      if (purchase.state === 'working') return giveUp(deps, purchase)
      return (await drive({ ...deps, settings: { ...settings, patienceMs: 0 } }, purchase, null)).endedAt !== null
    },
  }
}

function repetitionOf({ ware, payment, paymentId, fingerprint }: Order): Repetition {
  return { payment, paymentId, ware, fingerprint }
}

/** The purchase of this payment, if there is one; refuses a payment or a name that belongs to another. */
async function find(
  { store }: PurchaseDeps,
  { payment, paymentId, ware, fingerprint }: Repetition,
): Promise<Purchase | undefined> {
  const [byPayment, byName] = await Promise.all([
    purchaseByPayment(store.read, payment),
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
  deps: PurchaseDeps,
  { ware, payment, paymentId, input, fingerprint }: Order,
): Promise<{ id: string | null; lease: string }> {
  const { store, settings, lines } = deps
  const [id, lease] = [newId(), newId()]
  const line = lineOf(lines, { ware })
  const since = new Date(Date.now() - DAY_MS)
  const strikes = await strikesOf(store.read, { payer: payment.payer, since })
  const settlesFirst = !('run' in line) || ware.settlesFirst || strikes >= settings.strikes
  const state = settlesFirst ? 'settling' : 'working'
  const { kind, id: wareId, orderId = null, sellerId, buyerId = null, price: amount } = ware
  const about = { ware: { kind, id: wareId }, orderId, sellerId, buyerId, amount }
  const row: NewPurchase = { id, ...about, payment, paymentId, input, fingerprint, settlesFirst, state }
  const isOurs = await store.transact(async (tx) => {
    if (!(await insertPurchase(tx, row, { lease, leaseMs: settings.leaseMs }))) return false
    await line.reserve?.(tx, row)
    return true
  })
  return { id: isOurs ? id : null, lease }
}

/** Takes the next step as long as there is one that we may take; waits for others as long as the buyer has patience. */
async function drive(deps: PurchaseDeps, purchase: Purchase, ours: string | null): Promise<Purchase> {
  const { store, settings } = deps
  const until = performance.now() + settings.patienceMs
  let lease = ours ?? (await tryAgain(deps, purchase))
  let current = purchase
  if (ours === null && lease !== null) current = (await purchaseById(store.read, purchase.id)) ?? purchase
  while (current.endedAt === null) {
    if (current.state === 'settling') {
      const step = await settle(deps, current)
      if (step === 'undecided') break
      lease = step.lease
    } else {
      lease = lease ?? (await takeOver(deps, current))
      if (lease !== null) await runSeller(deps, current, lease)
      else if (performance.now() >= until) break
      else await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
      lease = null
    }
    current = (await purchaseById(store.read, current.id)) ?? current
  }
  return current
}

/** A seller's failure cost nothing, so the same payment, sent again after it, may try again. */
async function tryAgain(deps: PurchaseDeps, { id, state, fault, payment }: Purchase): Promise<string | null> {
  const { store, facilitators, settings } = deps
  if (state !== 'failed' || fault !== 'seller') return null
  // Only while it still pays: nobody works for a payment that has ended meanwhile.
  if ((await facilitators.verify(payment)).reason !== null) return null
  const lease = newId()
  const isOurs = await store.transact((tx) => reopen(tx, { id, lease, leaseMs: settings.leaseMs }))
  return isOurs ? lease : null
}

async function takeOver({ store, settings }: PurchaseDeps, { id }: Purchase): Promise<string | null> {
  const lease = newId()
  const isOurs = await store.transact((tx) => claimRun(tx, { id, lease, leaseMs: settings.leaseMs }))
  return isOurs ? lease : null
}

/** Whoever asked has gone and nothing was paid: the buyer may try again with the same payment. */
async function giveUp(deps: PurchaseDeps, purchase: Purchase): Promise<boolean> {
  const { store, settings } = deps
  const claim = { id: purchase.id, lease: newId(), leaseMs: settings.leaseMs }
  return store.transact(async (tx) => {
    const isOurs = await claimRun(tx, claim)
    return isOurs && fail(tx, deps, { purchase, from: 'working', fault: 'seller', reason: 'the call was interrupted' })
  })
}

/** Outside every unit of work: the seller may take his time. */
async function runSeller(deps: PurchaseDeps, purchase: Purchase, lease: string): Promise<void> {
  const { store, lines, settings } = deps
  const { run } = lineOf(lines, purchase) as CallLine
  const { id, state, runs, txHash } = purchase
  // Renewed while we live, so that nobody waits long for somebody dead.
  const renew = () => store.transact((tx) => renewLease(tx, { id, lease, leaseMs: settings.leaseMs })).catch(() => {})
  const renewing = setInterval(() => void renew(), settings.leaseMs / 3)
  const answer = await run(purchase)
    // Whatever it is, it is no reason to ask the seller for ever.
    .catch((error: Error) => ({ failure: `it could not be asked (${error.name})` }))
    .finally(() => clearInterval(renewing))
  await store.transact(async (tx) => {
    if ('output' in answer) {
      const to = state === 'paid' ? 'paid' : 'settling'
      if (!(await keepOutput(tx, { id, lease, output: answer.output, to }))) return
      if (state === 'paid' && txHash !== null)
        await end(tx, deps, { purchase: { ...purchase, output: answer.output }, txHash, delivered: true })
    } else if (state === 'paid') {
      // Paid before the work, and the work failed: the money is with the seller, and the receipt says what came of it.
      const isOurs = await countRun(tx, { id, lease })
      if (isOurs && txHash !== null && runs + 1 >= MAX_RUNS) await end(tx, deps, { purchase, txHash, delivered: false })
    } else {
      await fail(tx, deps, { purchase, from: 'working', fault: 'seller', reason: answer.failure })
    }
  })
}

/** Where money comes first, whoever learns that it has moved has the seller to himself from then on. */
async function settle(
  deps: PurchaseDeps,
  purchase: Purchase,
): Promise<'undecided' | { readonly lease: string | null }> {
  const { store, facilitators, lines, settings } = deps
  const { id, payment, settlesFirst, output } = purchase
  const line = lineOf(lines, purchase)
  const result = await facilitators.settle(payment)
  if (result.state === 'pending') return 'undecided'
  if (result.state === 'settled' && !('run' in line)) {
    await placeOrder(deps, line, { purchase, txHash: result.txHash, delivered: true })
    return { lease: null }
  }
  return store.transact(async (tx) => {
    if (result.state === 'failed') {
      await fail(tx, deps, { purchase, from: 'settling', fault: 'payment', reason: result.reason })
      return { lease: null }
    }
    const { txHash } = result
    if (settlesFirst && output === null) {
      const lease = newId()
      return { lease: (await markPaid(tx, { id, txHash, lease, leaseMs: settings.leaseMs })) ? lease : null }
    }
    await end(tx, deps, { purchase, txHash, delivered: true })
    return { lease: null }
  })
}
