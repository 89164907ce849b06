import { Refusal } from '#kernel/refusal'
import { type Engine, type Order, type OrderForm, ordersById } from '#orders'
import type { Db, Tx } from '#platform/db'
import { requestRefusals } from './errors.ts'
import { REQUEST, type RequestStatus, statusOf, type WorkRequest } from './request.ts'
import { requestById, saveConsent, saveReason, saveStatuses } from './store.ts'

/** Requests follow their orders, in the same commits, and receipts of theirs name them. */
export const requestForm: OrderForm = {
  name: REQUEST,
  follow: async (tx, changes) => {
    await saveStatuses(
      tx,
      changes.map(({ after }) => ({ id: after.id, status: statusOf(after) })),
    )
    return []
  },
  circumstances: ({ id }) => ({ requestId: id }),
}

interface Deps {
  readonly engine: Pick<Engine, 'move'>
}

interface Asked {
  readonly requestId: string
  readonly by: string
}

/** The request and its order; throws `request_unknown`. */
export async function requestWithOrder(db: Db, id: string): Promise<{ request: WorkRequest; order: Order }> {
  const [request, orders] = await Promise.all([requestById(db, id), ordersById(db, [id])])
  const order = orders.get(id)
  if (!request || !order) throw requestRefusals.request_unknown()
  return { request, order }
}

/** PA-43: only the assigned provider, from accepted. */
export async function fulfill(tx: Tx, { engine }: Deps, { requestId, by, output }: Asked & { output: unknown }) {
  const { request, order } = await requestWithOrder(tx, requestId)
  if (order.sellerId !== by) throw requestRefusals.not_the_provider()
  if (request.status !== 'accepted') throw requestRefusals.request_status({ status: request.status })
  if (isEmpty(output)) throw requestRefusals.output_empty()
  await inWords(engine.move(tx, { orderId: requestId, move: { do: 'deliver', by }, output }), request)
}

function isEmpty(output: unknown): boolean {
  if (output === undefined || output === null) return true
  if (typeof output === 'string') return output.trim() === ''
  return typeof output === 'object' && Object.keys(output).length === 0
}

/** The buyer's word against a delivery: it waits for the operator (D-12). */
export async function dispute(tx: Tx, { engine }: Deps, { requestId, by, reason }: Asked & { reason: string }) {
  const { request } = await requestWithOrder(tx, requestId)
  if (request.buyerId !== by) throw requestRefusals.not_your_request()
  if (!request.escrow) throw requestRefusals.dispute_without_escrow()
  await inWords(engine.move(tx, { orderId: requestId, move: { do: 'dispute', by } }), request)
  await saveReason(tx, { id: requestId, reason })
}

/** The provider agrees that the buyer may cancel (D-12). */
export async function consent(tx: Tx, { requestId, by }: Asked): Promise<void> {
  const { request, order } = await requestWithOrder(tx, requestId)
  if (order.sellerId !== by) throw requestRefusals.not_the_provider()
  if (!['accepted', 'fulfilled', 'disputed'].includes(request.status))
    throw requestRefusals.request_status({ status: request.status })
  await saveConsent(tx, requestId)
  tx.emit({
    name: 'request.consented',
    subject: requestId,
    payload: { requestId, buyerId: request.buyerId, providerId: by, title: request.title },
  })
}

/** The operator's word on a dispute. */
export async function resolve(
  tx: Tx,
  { engine }: Deps,
  { requestId, winner }: { requestId: string; winner: 'buyer' | 'seller' },
): Promise<void> {
  const { request } = await requestWithOrder(tx, requestId)
  await inWords(engine.move(tx, { orderId: requestId, move: { do: 'rule', for: winner } }), request)
}

export interface Decision extends Asked {
  readonly verb: 'approve' | 'cancel'
  readonly reason?: string
}

/** Approves or cancels: where money is in escrow, that is under way from here on (PA-44, PA-53, D-12). */
export async function decide(tx: Tx, { engine }: Deps, { requestId, by, verb, reason }: Decision): Promise<Order> {
  const { request } = await requestWithOrder(tx, requestId)
  if (request.buyerId !== by) throw requestRefusals.not_your_request()
  if (request.status === 'completing') throw requestRefusals.already_being_settled()
  const consented = request.consentedAt !== null
  if (verb === 'cancel' && request.escrow && !consented && ['fulfilled', 'disputed'].includes(request.status))
    throw requestRefusals.cancel_needs_consent()
  const move = verb === 'approve' ? ({ do: 'approve', by } as const) : ({ do: 'cancel', by, consented } as const)
  const order = await inWords(engine.move(tx, { orderId: requestId, move }), request)
  if (reason !== undefined) await saveReason(tx, { id: requestId, reason })
  return order
}

/** What the engine says of orders, in the words of requests: a status that does not allow it is a 400 (PA-51). */
export async function inWords<T>(moved: Promise<T>, { status }: { readonly status: RequestStatus }): Promise<T> {
  try {
    return await moved
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { state } = error.details
    if (error.code === 'wrong_state' && state === 'completing') throw requestRefusals.already_being_settled()
    if (error.code === 'wrong_state') throw requestRefusals.request_status({ status: wordOf(state) ?? status })
    if (error.code === 'too_late') throw requestRefusals.request_too_late()
    if (error.code === 'self_trade') throw requestRefusals.hire_yourself()
    throw error
  }
}

function wordOf(state: unknown): RequestStatus | undefined {
  return typeof state === 'string' ? statusOf({ id: '', state: state as Order['state'] }) : undefined
}
