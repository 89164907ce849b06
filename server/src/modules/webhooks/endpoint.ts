import { addSeconds, DAY_SECONDS } from '#kernel/time'
import type { Outcome, Verdict } from './delivery.ts'

export type DisabledBecause = 'gone' | 'failing'

/** How an address has been doing. */
export interface Health {
  /** Nothing has been taken since then; null while all is well. */
  readonly failingSince: Date | null
  /** Asked for patience until then. */
  readonly restingUntil: Date | null
  /** Null: it is sent to. */
  readonly disabledBecause: DisabledBecause | null
}

/** An address at which nothing was taken for so long is not tried any more, once another message had to be given up. */
export const DISABLED_AFTER_SECONDS = 5 * DAY_SECONDS
const GONE = 410

export interface Failure {
  readonly outcome: Outcome
  readonly verdict: Verdict
  readonly now: Date
}

/** What a failed attempt makes of the address it went to. What failed on our side says nothing of it. */
export function worsen(health: Health, { outcome, verdict, now }: Failure): Health {
  if (outcome.isOurs) return health
  const failingSince = health.failingSince ?? now
  const asked = outcome.retryAfterSeconds > 0 ? addSeconds(now, outcome.retryAfterSeconds) : null
  const restingUntil = asked && (!health.restingUntil || asked > health.restingUntil) ? asked : health.restingUntil
  const isGivenUp = verdict.state === 'failed' && now >= addSeconds(failingSince, DISABLED_AFTER_SECONDS)
  const reason = outcome.status === GONE ? 'gone' : isGivenUp ? 'failing' : null
  return { failingSince, restingUntil, disabledBecause: health.disabledBecause ?? reason }
}
