import type { Micros } from '#kernel/money'

/** What one check expected to find, and what it found instead. */
export interface Difference {
  /** What it is about: an account, an order, a receipt. */
  readonly subject: string
  readonly expected: string
  readonly found: string
}

export interface AuditCheck {
  readonly name: string
  readonly ok: boolean
  /** How many things were looked at. */
  readonly checked: number
  /** Samples, at most twenty. */
  readonly differences: readonly Difference[]
}

/** What the market owes over one network, and what its own accounts there hold. */
export interface NetworkHoldings {
  readonly network: string
  /** What the market owes by its books. */
  readonly liabilities: Micros
  /** What lies on its accounts, finalized. */
  readonly holdings: Micros
  /** Payouts that have left and are not settled in the books yet, and payments in the books that are not final yet. */
  readonly inFlight: Micros
  /** Arrived and not credited yet. */
  readonly uncredited: Micros
  readonly covered: boolean
}

export type ChainReport = readonly NetworkHoldings[]

export interface AuditReport {
  readonly ok: boolean
  /** The instant of the database at which the books were read. */
  readonly at: Date
  readonly durationMs: number
  readonly checks: readonly AuditCheck[]
  readonly networks: ChainReport
}

export const MAX_SAMPLES = 20

export function checkOf(name: string, checked: number, differences: readonly Difference[]): AuditCheck {
  return { name, ok: differences.length === 0, checked, differences: differences.slice(0, MAX_SAMPLES) }
}
