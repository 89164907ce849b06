import { DAY_SECONDS, secondsBetween } from '#kernel/time'
import type { HealthState } from '#offers'

/** What was seen of a listing; without a reason it answered. */
export interface Finding {
  /** In plain words, and never with the address: what is called may be a secret. Null: it is well. */
  readonly fault: string | null
  /** Whether anybody was there; false also says that our own way out may be at fault. */
  readonly reached: boolean
}

/** What is remembered of a listing's conduct. */
export interface Condition {
  /** Probes in a row that failed. */
  readonly probeFailures: number
  readonly probeFault: string | null
  /** Paid calls in a row that failed by the seller's fault. */
  readonly callFailures: number
  readonly callFault: string | null
  readonly callFailedAt: Date | null
}

export const UNBLEMISHED: Condition = {
  probeFailures: 0,
  probeFault: null,
  callFailures: 0,
  callFault: null,
  callFailedAt: null,
}

/** So many probes in a row that failed are no accident. */
const FAILING_PROBES = 3
/** Fewer failed calls may be the buyers' doing. */
const DEGRADING_CALLS = 3

/**
 * ```
 *            a probe fails, or three paid calls            three probes
 *  healthy ────────────────────────────────▶ degraded ───────────────▶ failing
 *     ▲                                         │                        │
 *     └───────── a probe or a paid call is answered ─────────────────────┘
 * ```
 * Buyers may send what breaks a seller, so calls alone never make it failing; after a day without another they are
 * forgotten.
 */
export function healthOf(condition: Condition): { readonly status: HealthState; readonly reason: string | null } {
  const { probeFailures, probeFault, callFailures, callFault } = condition
  if (probeFailures >= FAILING_PROBES)
    return { status: 'failing', reason: `${probeFailures} probes in a row failed: ${probeFault}` }
  if (probeFailures > 0) return { status: 'degraded', reason: `a probe failed: ${probeFault}` }
  if (callFailures >= DEGRADING_CALLS)
    return { status: 'degraded', reason: `${callFailures} paid calls in a row failed: ${callFault}` }
  return { status: 'healthy', reason: null }
}

export function afterProbe(before: Condition, { fault }: Finding, now: Date): Condition {
  const { probeFailures, callFailedAt } = before
  if (fault !== null) return { ...before, probeFailures: probeFailures + 1, probeFault: fault }
  const isForgotten = callFailedAt === null || secondsBetween(callFailedAt, now) >= DAY_SECONDS
  return isForgotten ? UNBLEMISHED : { ...before, probeFailures: 0, probeFault: null }
}

export function afterCall(before: Condition, { fault }: Finding, now: Date): Condition {
  if (fault === null) return UNBLEMISHED
  return { ...before, callFailures: before.callFailures + 1, callFault: fault, callFailedAt: now }
}

const SOONEST_SECONDS = 300

/** Who is not well is looked at soon, and more and more seldom while that lasts. */
export function secondsToNextProbe({ probeFailures }: Condition, everySeconds: number): number {
  if (probeFailures === 0) return everySeconds
  return Math.min(everySeconds, SOONEST_SECONDS * 2 ** Math.min(probeFailures - 1, 20))
}
