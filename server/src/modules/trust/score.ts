/** What is known of a party's conduct; counts are distinct events, weighted by distinct funded counterparties. */
export interface Conduct {
  readonly succeeded: number
  /** Expired after acceptance, no response, or dispute lost. */
  readonly failed: number
  /** One rating (1 to 5) per distinct funded counterparty. */
  readonly ratings: readonly number[]
  readonly disputesAsRespondent: number
  readonly disputesLost: number
  /** Disputes filed over completed jobs and those disputes (JP-22). */
  readonly clientDisputeRate: number
  readonly verified: boolean
  readonly pendingReports: number
  /** Distinct counterparties that paid or were paid real money. */
  readonly evidence: number
}

export interface Trust {
  /** 0 to 1 (JP-103). */
  readonly score: number
  readonly evidence: number
}

/** Nothing is known yet: neither praise nor blame. */
export const NEUTRAL_CONDUCT: Conduct = {
  succeeded: 0,
  failed: 0,
  ratings: [],
  disputesAsRespondent: 0,
  disputesLost: 0,
  clientDisputeRate: 0,
  verified: false,
  pendingReports: 0,
  evidence: 0,
}

const DISPUTE_RATE_ZERO_AT = 0.5
const REPORTS_ZERO_AT = 5
const ENOUGH_EVIDENCE = 3
const UNPROVEN_CAP = 0.5

/** JP-103's weights over D-6's components. */
export function trustOf(conduct: Conduct): Trust {
  const success = (conduct.succeeded + 1) / (conduct.succeeded + conduct.failed + 2)
  const stars = conduct.ratings.reduce((sum, rating) => sum + (rating - 1) / 4, 0)
  const rating = (stars + 1) / (conduct.ratings.length + 2)
  const defence = 1 - conduct.disputesLost / (conduct.disputesAsRespondent + 1)
  const behaviour = Math.max(0, 1 - conduct.clientDisputeRate / DISPUTE_RATE_ZERO_AT)
  const reports = Math.max(0, 1 - conduct.pendingReports / REPORTS_ZERO_AT)
  const score =
    0.25 * success + 0.25 * rating + 0.15 * defence + 0.15 * behaviour + 0.1 * Number(conduct.verified) + 0.1 * reports
  return { score: Math.round(score * 10_000) / 10_000, evidence: conduct.evidence }
}

/** The score that counts where a minimum is asked: capped while too few funded counterparties vouch for it (D-6). */
export function provenScore({ score, evidence }: Trust): number {
  return evidence < ENOUGH_EVIDENCE ? Math.min(score, UNPROVEN_CAP) : score
}

/** Everybody's trust until ratings exist. */
export const NEUTRAL_TRUST: Trust = trustOf(NEUTRAL_CONDUCT)
