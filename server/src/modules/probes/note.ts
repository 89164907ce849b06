import type { Refusal } from '#kernel/refusal'
import { addSeconds } from '#kernel/time'
import { noteHealth } from '#offers'
import type { Store, Tx } from '#platform/db'
import { gatherLookups } from '#platform/lookups'
import { afterCall, afterProbe, type Condition, type Finding, healthOf, secondsToNextProbe } from './condition.ts'
import { findingOfCall } from './look.ts'
import { blemishedAmong, lockProbe, type Probe, saveProbe } from './store.ts'

/** Tells a seller that its listing got worse, or is well again. */
interface HealthNews {
  readonly partyId: string
  readonly offerId: string
  readonly status: Probe['status']
  readonly reason: string | null
  readonly checkedAt: string
}

/** What a probe saw; nothing when its lease was lost meanwhile. */
export async function noteProbe(
  tx: Tx,
  { offerId, lease, finding, everySeconds }: { offerId: string; lease: string; finding: Finding; everySeconds: number },
): Promise<void> {
  const before = await lockProbe(tx, offerId, lease)
  if (!before) return
  const condition = afterProbe(before, finding, tx.now)
  const dueAt = before.dueAt && addSeconds(tx.now, secondsToNextProbe(condition, everySeconds))
  await change(tx, { before, condition, dueAt, isWell: finding.fault === null })
}

/** What a paid call came to. `refusal`: there was no answer. */
export type CallOutcome = { readonly status: number } | { readonly refusal: Refusal }

/** Hears how sellers answered paid calls. Advice only: no purchase hangs on it. */
export function createCallNotes(store: Store): (offerId: string, outcome: CallOutcome) => Promise<void> {
  const isBlemished = gatherLookups(store.read, blemishedAmong)
  return async (offerId, outcome) => {
    const finding = findingOfCall(outcome)
    if (finding === null) return
    if (finding.fault === null && !(await isBlemished(offerId))) return
    await store.transact(async (tx) => {
      const before = await lockProbe(tx, offerId, null)
      if (!before) return
      const condition = afterCall(before, finding, tx.now)
      // Nobody there is no buyer's doing: a probe shall look soon.
      const dueAt = finding.reached || before.dueAt === null ? before.dueAt : earlier(before.dueAt, tx.now)
      await change(tx, { before, condition, dueAt, isWell: finding.fault === null })
    })
  }
}

interface Change {
  readonly before: Probe
  readonly condition: Condition
  readonly dueAt: Date | null
  readonly isWell: boolean
}

async function change(tx: Tx, { before, condition, dueAt, isWell }: Change): Promise<void> {
  const { offerId, sellerId } = before
  const { status, reason } = healthOf(condition)
  const healthyAt = isWell ? tx.now : before.healthyAt
  await saveProbe(tx, { ...before, ...condition, status, healthyAt, checkedAt: tx.now, dueAt })
  await noteHealth(tx, { offerId, state: status, reason })
  if (status === before.status) return
  const payload: HealthNews = { partyId: sellerId, offerId, status, reason, checkedAt: tx.now.toISOString() }
  const isBetter = status === 'healthy' || before.status === 'failing'
  // From failing back to degraded there is nothing to tell: it gets no worse, and is not well.
  if (isBetter && status !== 'healthy') return
  tx.emit({ name: isBetter ? 'offer.recovered' : 'offer.degraded', subject: offerId, payload })
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
