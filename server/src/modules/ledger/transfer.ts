import type { Micros } from '#kernel/money'
import { type AccountId, assetOf } from './accounts.ts'

/** Money leaving one account and entering another: the only way any balance ever changes. */
export interface Posting {
  readonly from: AccountId
  readonly to: AccountId
  readonly amount: Micros
}

/** A set of postings that happens whole or not at all. */
export interface Transfer {
  /** Unique for ever, made from object, verb and attempt, so that a repetition collides instead of paying twice (D-14). */
  readonly key: string
  /** Why, in one word of the transaction history: `deposit`, `escrow_lock`, `earned`… */
  readonly reason: string
  /** Id of the object it is about. */
  readonly subject: string
  readonly postings: readonly Posting[]
}

/** Drops empty postings and refuses impossible ones: those are our bugs, so they throw plain errors. */
export function checkedPostings({ key, postings }: Transfer): readonly Posting[] {
  for (const { from, to, amount } of postings) {
    if (amount < 0n) throw new Error(`ledger: ${key} moves a negative amount`)
    if (from === to) throw new Error(`ledger: ${key} moves money from ${from} to itself`)
    if (assetOf(from) !== assetOf(to)) throw new Error(`ledger: ${key} mixes assets: ${from} → ${to}`)
  }
  return postings.filter(({ amount }) => amount > 0n)
}

/** What each account gains (or loses) when all postings are applied at once. */
export function netOf(postings: readonly Posting[]): Map<AccountId, Micros> {
  const net = new Map<AccountId, Micros>()
  for (const { from, to, amount } of postings) {
    net.set(from, (net.get(from) ?? 0n) - amount)
    net.set(to, (net.get(to) ?? 0n) + amount)
  }
  return net
}
