import { Refusal } from '#kernel/refusal'
import { type AccountId, available, type Book, escrow, fees, openBook, type Posting, pending } from '#ledger'
import type { Db, Tx } from '#platform/db'
import type { Outcome } from '#platform/gather'
import type { Circumstances, IssueReceipts, Settlement } from '#receipts'
import { authorize } from '#spending'
import { orderRefusals } from './errors.ts'
import { announce, nameOf } from './events.ts'
import { type Bargain, costOf, decide, feeOf, type Move, type Order, place, purseOf, type Step } from './order.ts'
import { settlementsOf } from './settlements.ts'
import { insertOrders, lockOrders, saveOrders, saveOutputs } from './store.ts'

/** What one trade form adds to the law after its doorway: what follows from a move. */
export interface OrderForm {
  readonly name: string
  /** Hears every change of its orders, in their unit of work; answers further moves that follow from them. */
  readonly follow?: (tx: Tx, changes: readonly Change[]) => Promise<readonly MoveRequest[]>
  /** What its receipts say besides. */
  readonly circumstances?: (order: Order) => Partial<Circumstances>
}

/** Sends money of orders over its chain, from the unit of work in which it was decided; answers moves of those it cannot pay. */
export type PayOut = (tx: Tx, orders: readonly Order[]) => Promise<readonly MoveRequest[]>

/** What bounds a trade form (slots of a service), locked for this unit of work; it judges bargains in order. */
export interface Door {
  /** Whether the order begins now or waits; throws a refusal when it may do neither. */
  admit(bargain: Bargain): 'begin' | 'wait'
  /** The bargain is funded and goes through. */
  enter(bargain: Bargain, how: 'begin' | 'wait'): void
  close(): Promise<void>
}

export interface Change {
  readonly before: Order
  readonly after: Order
}

export interface Placement {
  readonly bargain: Bargain
  readonly input: unknown
  /** The key that asked, for spending rules. */
  readonly keyId?: string
}

export interface MoveRequest {
  readonly orderId: string
  readonly move: Move
  /** What a delivery brings. */
  readonly output?: unknown
}

export interface Engine {
  /** Places bargains in order, each alone: an outcome is the order, or why not. */
  placeEach(tx: Tx, placements: readonly Placement[], openDoor?: () => Promise<Door>): Promise<Outcome<Order>[]>
  /** Moves orders in order, each alone. Every change an order ever undergoes passes through here. */
  moveEach(tx: Tx, requests: readonly MoveRequest[]): Promise<Outcome<Order>[]>
  /** Locks the orders that requests are about, in the order everybody locks in; for `moveLocked`. */
  lock(db: Db, requests: readonly MoveRequest[]): Promise<Map<string, Order>>
  /** Moves orders that this unit of work has locked already. */
  moveLocked(tx: Tx, orders: ReadonlyMap<string, Order>, requests: readonly MoveRequest[]): Promise<Outcome<Order>[]>
  /** What receipts of an order say besides, by its form. */
  circumstancesOf(order: Order): Partial<Circumstances>
  /** One move, or its refusal thrown. */
  move(tx: Tx, request: MoveRequest): Promise<Order>
}

/**
 * The engine runs many bargains or moves in one unit of work with the same handful of statements that one of them takes.
 * Locks are taken in one order by everybody: orders, accounts, doors of the forms, the receipt chain's head.
 */
export function createEngine({
  forms,
  issueReceipts,
  payOut = async () => [],
}: {
  forms: readonly OrderForm[]
  issueReceipts: IssueReceipts
  payOut?: PayOut
}): Engine {
  const formOf = new Map(forms.map((form) => [form.name, form]))

  const moveLocked: Engine['moveLocked'] = async (tx, orders, requests) => {
    const settled: Settlement[] = []
    const outcomes = await moveRound(tx, { orders, requests, settled, formOf })
    let changes = changesOf(orders, outcomes)
    while (changes.length > 0) {
      const unpaid = await payOut(
        tx,
        changes.filter(isSentOut).map(({ after }) => after),
      )
      const followUps = [...unpaid, ...(await followUp(tx, formOf, changes))]
      if (followUps.length === 0) break
      const more = await lockOrders(tx, idsOf(followUps))
      changes = changesOf(more, await moveRound(tx, { orders: more, requests: followUps, settled, formOf }))
    }
    await issueReceipts(tx, settled)
    return outcomes
  }
  const lock: Engine['lock'] = (db, requests) => lockOrders(db, idsOf(requests))
  const moveEach: Engine['moveEach'] = async (tx, requests) => moveLocked(tx, await lock(tx, requests), requests)
  return {
    lock,
    moveEach,
    moveLocked,
    move: async (tx, request) => {
      const [outcome] = await moveEach(tx, [request])
      if (outcome && 'done' in outcome) return outcome.done
      throw outcome?.refused
    },
    placeEach: placeRound,
    circumstancesOf: (order) => formOf.get(order.form)?.circumstances?.(order) ?? {},
  }
}

async function placeRound(
  tx: Tx,
  placements: readonly Placement[],
  openDoor?: () => Promise<Door>,
): Promise<Outcome<Order>[]> {
  if (placements.length === 0) return []
  const [verdicts, book, door] = await Promise.all([
    authorize(tx, placements.map(paymentOf)),
    openBook(
      tx,
      placements.map(({ bargain }) => purseOf(bargain)),
    ),
    openDoor?.(),
  ])
  const placed: { order: Order; input: unknown }[] = []
  const outcomes = placements.map(
    ({ bargain, input }, index): Outcome<Order> =>
      attempt(() => {
        const refused = verdicts[index]
        if (refused) throw refused
        const how = door?.admit(bargain) ?? 'begin'
        const step = place(bargain, { now: tx.now, waiting: how === 'wait' })
        book.open(escrow(bargain.asset, bargain.id))
        bookStep(book, { step, key: `order:${bargain.id}:place`, reason: 'escrow_lock' })
        door?.enter(bargain, how)
        placed.push({ order: step.order, input })
        return step.order
      }),
  )
  tx.later(book.close())
  if (door) tx.later(door.close())
  tx.later(insertOrders(tx, placed))
  for (const { order } of placed) announce(tx, 'order.placed', order)
  return outcomes
}

interface Round {
  readonly orders: ReadonlyMap<string, Order>
  readonly requests: readonly MoveRequest[]
  /** Gathers what completed, for the receipts at the end of the unit. */
  readonly settled: Settlement[]
  readonly formOf: ReadonlyMap<string, OrderForm>
}

async function moveRound(tx: Tx, { orders, requests, settled, formOf }: Round): Promise<Outcome<Order>[]> {
  const book = await openBook(tx, accountsTouched(tx, orders, requests))
  const current = new Map(orders)
  const outputs: { orderId: string; output: unknown }[] = []
  const outcomes = requests.map(
    ({ orderId, move, output }): Outcome<Order> =>
      attempt(() => {
        const before = current.get(orderId)
        if (!before) throw orderRefusals.order_unknown()
        const step = decide(before, move, tx.now)
        // Made when money first comes; orders that never hold any have no account.
        book.open(escrow(before.asset, orderId))
        if (move.do === 'land') book.open(pending(before.asset, orderId))
        bookStep(book, { step, key: `order:${orderId}:${keyOfMove(before, move)}`, reason: reasonOf(step.order) })
        current.set(orderId, step.order)
        if (move.do === 'deliver') outputs.push({ orderId, output })
        settled.push(...settlementsOf({ before, after: step.order, move, form: formOf.get(before.form) }))
        announce(tx, move.do === 'fail' ? 'order.unpaid' : nameOf(step.order), step.order)
        return step.order
      }),
  )
  tx.later(book.close())
  const changed = [...current.values()].filter((order) => order !== orders.get(order.id))
  tx.later(saveOrders(tx, changed))
  tx.later(saveOutputs(tx, outputs))
  return outcomes
}

/**
 * Which accounts the moves can touch: found by deciding them once without money, which costs nothing as the law is pure.
 * Where an order is moved more than once, a move refused for want of money may let another through than this dry run did.
 */
function accountsTouched(tx: Tx, orders: ReadonlyMap<string, Order>, requests: readonly MoveRequest[]): Set<AccountId> {
  const current = new Map(orders)
  const moved = new Set<string>()
  const accounts = new Set<AccountId>()
  const add = (ids: readonly AccountId[]) => {
    for (const id of ids) accounts.add(id)
  }
  for (const { orderId, move } of requests) {
    const order = current.get(orderId)
    if (!order) continue
    if (moved.has(orderId)) add(accountsOf(order, requests))
    moved.add(orderId)
    const outcome = attempt(() => decide(order, move, tx.now))
    if (!('done' in outcome)) continue
    current.set(orderId, outcome.done.order)
    add(outcome.done.postings.flatMap(({ from, to }) => [from, to]))
  }
  return accounts
}

/** All an order can touch, whichever of these requests go through. */
function accountsOf({ id, asset, purse, sellerId }: Order, requests: readonly MoveRequest[]): AccountId[] {
  const sellers = requests.flatMap(({ orderId, move }) =>
    orderId === id && move.do === 'match' ? [move.sellerId] : [],
  )
  const payees = [...sellers, ...(sellerId === null ? [] : [sellerId])].map((partyId) => available(asset, partyId))
  return [purse, escrow(asset, id), fees(asset, 'jobs'), ...payees]
}

function bookStep(book: Book, { step, key, reason }: { step: Step; key: string; reason: string }): void {
  const postings: readonly Posting[] = step.postings
  if (postings.length > 0) book.post({ key, reason, subject: step.order.id, postings })
}

async function followUp(
  tx: Tx,
  forms: ReadonlyMap<string, OrderForm>,
  changes: readonly Change[],
): Promise<MoveRequest[]> {
  const names = new Set(changes.map(({ after }) => after.form))
  const requests: MoveRequest[] = []
  for (const name of names) {
    const own = changes.filter(({ after }) => after.form === name)
    requests.push(...((await forms.get(name)?.follow?.(tx, own)) ?? []))
  }
  return requests
}

/** One change an order, from what was locked to what it became in the end. */
function changesOf(orders: ReadonlyMap<string, Order>, outcomes: readonly Outcome<Order>[]): Change[] {
  const last = new Map<string, Order>()
  for (const outcome of outcomes) if ('done' in outcome) last.set(outcome.done.id, outcome.done)
  return [...last.values()].flatMap((after) => {
    const before = orders.get(after.id)
    return before ? [{ before, after }] : []
  })
}

/** Only refusals are outcomes; anything else is our bug and ends the unit of work. */
function attempt<T>(work: () => T): Outcome<T> {
  try {
    return { done: work() }
  } catch (error) {
    if (error instanceof Refusal) return { refused: error }
    throw error
  }
}

/** A transfer key says object, verb and attempt; an order is matched anew after each reopening, everything else happens once. */
function keyOfMove(before: Order, move: Move): string {
  return move.do === 'match' ? `match:${before.sellerId ?? 'first'}` : 'close'
}

/** The words of the transaction history (JP-151). */
function reasonOf({ state }: Order): string {
  if (state === 'completed') return 'earned'
  return state === 'assigned' || state === 'pending' ? 'escrow_lock' : 'refund'
}

function isSentOut({ before, after }: Change): boolean {
  return after.state === 'completing' && before.state !== 'completing' && after.held > 0n
}

function paymentOf({ bargain, keyId }: Placement) {
  const { price, terms } = bargain
  return {
    partyId: bargain.buyerId,
    ...(keyId === undefined ? {} : { keyId }),
    amount: costOf({ price, terms, fee: feeOf(price, terms) }),
    payeeId: bargain.sellerId,
    purpose: 'order',
  }
}

function idsOf(requests: readonly MoveRequest[]): string[] {
  return [...new Set(requests.map(({ orderId }) => orderId))]
}
