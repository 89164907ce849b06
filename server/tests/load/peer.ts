import type { Side } from './rounds.ts'

/** What everything is measured against: the TPC-B-like transaction of pgbench on the same PostgreSQL. */
export interface Peer extends Side {
  readonly name: string
  /** Whether this is the real pgbench. */
  readonly isPgbench: boolean
  close(): Promise<void>
}

export const SCALE = 20
export const CLIENTS = 16
export const THREADS = 2
