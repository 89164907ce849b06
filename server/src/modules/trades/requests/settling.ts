import type { Micros } from '#kernel/money'
import type { Engine } from '#orders'
import { orderById } from '#orders'
import type { Store } from '#platform/db'
import { receiptsOfOrder } from '#receipts'
import { payoutsOfOrder } from '#wallet'
import { requestRefusals } from './errors.ts'
import { type Decision, decide, requestWithOrder } from './moves.ts'
import { statusOf } from './request.ts'
import { claimWait, endWait, renewWait } from './store.ts'

export interface SettlingDeps {
  readonly store: Store
  readonly engine: Pick<Engine, 'move'>
  readonly settings: SettlingSettings
}

export interface SettlingSettings {
  /** How long a buyer is kept waiting for money that is under way. */
  readonly patienceMs: number
  readonly pollMs: number
}

export const DEFAULT_SETTLING: SettlingSettings = { patienceMs: 25_000, pollMs: 100 }

const LEASE_MS = 6_000

/** What came of the money: one receipt each for the release and for what went back. */
export interface Settled {
  readonly receiptId: string
  readonly txHash: string | null
  readonly surplus: {
    readonly refunded: Micros
    readonly pending: Micros
    readonly receiptId: string | null
    readonly txHash: string | null
  }
}

/**
 * Decides about an escrow and waits with the buyer for what becomes of its money. Of many who ask at once one waits and the
 * others hear that it is being settled (PA-48); whoever asks the same again, later, hears what came of it and moves nothing
 * (PA-50). Throws `settlement_under_way` while the chain has not answered (D-28), and `payout_failed` when the money could not
 * be sent and the request is as it was (PA-52).
 */
export async function settleRequest(deps: SettlingDeps, decision: Decision): Promise<Settled> {
  const { store } = deps
  const { requestId: id, verb } = decision
  await store.transact(async (tx) => {
    const { request, order } = await requestWithOrder(tx, id)
    const isSame = order.outcome === null || (order.outcome === 'completed') === (verb === 'approve')
    const isOver = request.status === (verb === 'approve' ? 'approved' : 'cancelled')
    const isMine = request.buyerId === decision.by
    // Decided already, and nobody has been told: whoever asks again goes on waiting for it.
    const isResumed = isMine && isSame && (request.status === 'completing' || (isOver && request.toldAt === null))
    if (!isResumed) await decide(tx, deps, decision)
    if (!(await claimWait(tx, { id, forMs: LEASE_MS }))) throw requestRefusals.already_being_settled()
  })
  // Renewed while we live, so that after a death nobody waits long to be told.
  const renew = () => store.transact((tx) => renewWait(tx, { id, forMs: LEASE_MS })).catch(() => {})
  const renewing = setInterval(() => void renew(), LEASE_MS / 3)
  try {
    return await outcomeOf(deps, decision)
  } finally {
    clearInterval(renewing)
    await store.transact((tx) => endWait(tx, id)).catch(() => {})
  }
}

async function outcomeOf({ store: { read }, settings }: SettlingDeps, { requestId: id, verb }: Decision) {
  const until = performance.now() + settings.patienceMs
  for (;;) {
    const order = await orderById(read, id)
    if (!order) throw requestRefusals.request_unknown()
    const isOver = order.closedAt !== null
    const settled = isOver ? await settledOf(read, { id, verb }) : undefined
    const isLast = performance.now() >= until
    if (settled && (isLast || settled.surplus.pending === 0n)) return settled
    if (!isOver && order.state !== 'completing') {
      const failed = (await payoutsOfOrder(read, id)).findLast(({ state }) => state === 'failed')
      throw requestRefusals.payout_failed({ reason: failed?.failure ?? 'no wallet is known', status: statusOf(order) })
    }
    if (isLast) throw requestRefusals.settlement_under_way()
    await new Promise((resolve) => setTimeout(resolve, settings.pollMs))
  }
}

/** What the receipts of an order say came of it; undefined where there was nothing to pay. */
export async function settledOf(
  read: Store['read'],
  { id, verb }: { id: string; verb: Decision['verb'] },
): Promise<Settled | undefined> {
  const [receipts, payouts] = await Promise.all([receiptsOfOrder(read, id), payoutsOfOrder(read, id)])
  const refund = receipts.find(({ type }) => type === 'escrow_refund')
  const main = verb === 'approve' ? receipts.find(({ type }) => type === 'escrow_release') : refund
  if (!main) return undefined
  const back = verb === 'approve' ? refund : undefined
  const owed = payouts.find(({ kind, state }) => kind === 'surplus' && state !== 'failed')
  return {
    ...{ receiptId: main.id, txHash: main.txHash },
    surplus: {
      refunded: back?.price ?? 0n,
      pending: back ? 0n : (owed?.net ?? 0n),
      ...{ receiptId: back?.id ?? null, txHash: back?.txHash ?? null },
    },
  }
}
