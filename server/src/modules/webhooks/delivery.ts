import { addSeconds } from '#kernel/time'

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'disabled'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Waits before the second, third, … attempt (JP-168). */
export const RETRY_SECONDS = [1, 4, 16, 64, 256] as const

/** A receiver may ask for more patience than the schedule has, within reason. */
export const MAX_RETRY_AFTER_SECONDS = 3600

/** What came of one attempt. */
export interface Outcome {
  /** Null when there was no HTTP answer. */
  readonly status: number | null
  /** Null when it was delivered. */
  readonly error: string | null
  /** The beginning of the answer's body. */
  readonly response: string | null
  readonly durationMs: number | null
  readonly retryAfterSeconds: number
  /** Further attempts would be pointless. */
  readonly isFinal: boolean
  /** It never came to the address: the fault lies with us or with the recipient's account. */
  readonly isOurs: boolean
}

export interface Verdict {
  readonly state: DeliveryState
  readonly dueAt: Date | null
}

const GONE = 410

/** What an attempt's outcome makes of a delivery that had `attempts` attempts before it. */
export function decide(attempts: number, outcome: Outcome, now: Date): Verdict {
  if (outcome.error === null) return { state: 'delivered', dueAt: null }
  if (outcome.status === GONE) return { state: 'disabled', dueAt: null }
  const wait = RETRY_SECONDS[attempts]
  if (wait === undefined || outcome.isFinal) return { state: 'failed', dueAt: null }
  return { state: 'pending', dueAt: addSeconds(now, Math.max(wait, outcome.retryAfterSeconds)) }
}
