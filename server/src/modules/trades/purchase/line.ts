import type { Tx } from '#platform/db'
import type { Payment, SettlementResult } from '#settlement'
import type { Output, Purchase } from './purchase.ts'
import type { NewPurchase } from './store.ts'

/** The seller's answer, or how it failed; it never throws for anything the seller does. */
export type Run = (purchase: Purchase) => Promise<{ readonly output: Output } | { readonly failure: string }>

/** A purchase whose money has moved. */
export interface Sale {
  readonly purchase: Purchase
  readonly buyerId: string
  readonly txHash: string
  readonly delivered: boolean
}

/**
 * How things of one kind are bought. Everything else is the same for all kinds: the row before money moves, the two lookups, the
 * fingerprint, leases, the sweep, the status, the answer served again.
 */
export type Line = CallLine | OrderLine | RelayLine

/** A seller is asked: calls and files. */
export interface CallLine extends Reserving {
  readonly run: Run
  /** In the unit of work that ends purchases paid: their receipts and their counters. */
  readonly conclude: (tx: Tx, sales: readonly Sale[]) => Promise<void>
}

/** The money comes first, and what it buys is done by ourselves, in the very commit that ends the purchase. */
export interface OrderLine extends Reserving {
  /** Answers what the buyer is told. A refusal undoes all of it: then `giveBack` is asked. */
  readonly place: (tx: Tx, sale: Sale) => Promise<Output>
  /** Sees to it that the whole amount goes back to who paid. */
  readonly giveBack: (tx: Tx, sale: Sale) => Promise<void>
}

/** What came of sending a payment on. `failure`: nothing was sent; `unknown`: it was, and only its chain knows what came of it. */
export type Forwarded = { readonly output: Output } | { readonly unknown: string } | { readonly failure: string }

/** Somebody else sells it and settles: he is sent the payment once, and the chain tells what he did with it. */
export interface RelayLine extends Reserving {
  readonly forward: (purchase: Purchase) => Promise<Forwarded>
  readonly outcomeOf: (payment: Payment) => Promise<SettlementResult>
  /** In the unit of work that ends purchases paid: their receipts and their counters. */
  readonly conclude: (tx: Tx, sales: readonly Sale[]) => Promise<void>
}

interface Reserving {
  /** In the unit of work that keeps the purchase, before anything else is done: takes what it needs, or refuses it. */
  readonly reserve?: (tx: Tx, purchase: NewPurchase) => Promise<void>
  /** In the unit of work that ends a purchase unpaid: what was reserved is free again. */
  readonly release?: (tx: Tx, purchase: Purchase) => Promise<void>
}

/** By kind of ware. */
export type Lines = Readonly<Record<string, Line>>

export function lineOf(lines: Lines, { ware: { kind } }: Pick<NewPurchase, 'ware'>): Line {
  const line = lines[kind]
  if (!line) throw new Error(`nobody sells ${kind} here`)
  return line
}
