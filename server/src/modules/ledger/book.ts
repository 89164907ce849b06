import type { Micros } from '#kernel/money'
import type { Tx } from '#platform/db'
import { type AccountId, isSummed } from './accounts.ts'
import { explain, ledgerRefusals } from './errors.ts'
import { applyBook, lockAccounts } from './store.ts'
import { checkedPostings, netOf, type Posting, type Transfer } from './transfer.ts'

/**
 * Many transfers in one unit of work, each judged alone, in order, and written together: two statements however many
 * there are. The verdicts are those of posting them one after the other.
 */
export interface Book {
  /** Adds a transfer, or throws `insufficient_funds` and leaves the book as it was. */
  post(transfer: Transfer): void
  /** Accounts made in this very unit (an escrow): they start empty and are written, if anything moved, with their last balance. */
  open(account: AccountId): void
  balanceOf(account: AccountId): Micros
  /** Writes everything. Nothing may be posted afterwards. Throws `already_posted` when another unit used a key meanwhile. */
  close(): Promise<void>
}

/** Locks every account the book may touch, in one order for all, and reads what they hold. */
export async function openBook(tx: Tx, accounts: Iterable<AccountId>): Promise<Book> {
  const wanted = [...new Set(accounts)]
  const found = await lockAccounts(tx, {
    locked: wanted.filter((id) => !isSummed(id)),
    summed: wanted.filter(isSummed),
  })
  const numbers = new Map(found.map(({ id, no }) => [id, no]))
  const balances = new Map(found.map(({ id, balance }) => [id, balance]))
  const fresh = new Set<AccountId>()
  const changes = new Map<AccountId, Micros>()
  const written: { transfer: Transfer; postings: readonly Posting[] }[] = []

  const balanceOf = (id: AccountId): Micros => {
    const balance = balances.get(id)
    if (balance === undefined) throw new Error(`ledger: account ${id} was never opened`)
    return balance
  }
  return {
    balanceOf,
    open: (id) => {
      if (balances.has(id)) return
      fresh.add(id)
      balances.set(id, 0n)
    },
    post: (transfer) => {
      const postings = checkedPostings(transfer)
      const net = [...netOf(postings)].map(([id, change]) => ({ id, change, after: balanceOf(id) + change }))
      const short = net.find(({ id, after }) => after < 0n && !isSummed(id))
      if (short) throw shortOf(short.after - short.change, -short.change)
      for (const { id, change, after } of net) {
        if (isSummed(id)) continue
        balances.set(id, after)
        changes.set(id, (changes.get(id) ?? 0n) + change)
      }
      if (postings.length > 0) written.push({ transfer, postings })
    },
    close: async () => {
      const opened = [...fresh].filter((id) => changes.has(id)).map((id) => ({ id, balance: changes.get(id) ?? 0n }))
      for (const { id } of opened) changes.delete(id)
      await applyBook(tx, { numbers, opened, changes, written }).catch(explain)
    },
  }
}

export function shortOf(balance: Micros, needed: Micros) {
  return ledgerRefusals.insufficient_funds({
    balance: String(balance),
    balance_needed: String(needed),
    shortfall: String(needed - balance),
  })
}
