import type { Micros } from '#kernel/money'
import type { Db, Store, Tx } from '#platform/db'
import { UnknownOutcome } from '#platform/db/outcome'
import { createGatherer, type Outcome } from '#platform/gather'
import type { AccountId } from './accounts.ts'
import { openBook } from './book.ts'
import { explain, ledgerRefusals } from './errors.ts'
import { applyTransfer, balances, insertAccounts, postedKeys } from './store.ts'
import { checkedPostings, netOf, type Transfer } from './transfer.ts'

const MAX_BATCH = 512

/** Makes accounts exist, empty. An account that exists already is left as it is. */
export async function openAccounts(tx: Tx, ...ids: AccountId[]): Promise<void> {
  await insertAccounts(
    tx,
    ids.map((id) => ({ id, balance: 0n })),
  )
}

/**
 * Posts one transfer in one statement. Throws `insufficient_funds` when an account would fall below its floor and
 * `already_posted` when the business key has been used before.
 */
export async function post(tx: Tx, transfer: Transfer): Promise<void> {
  const postings = checkedPostings(transfer)
  if (postings.length === 0) return
  const net = netOf(postings)
  const { missing } = await applyTransfer(tx, { transfer, postings, net }).catch(explain)
  if (missing > 0) throw new Error(`ledger: ${transfer.key} posts to an account that was never opened`)
}

export async function balanceOf(db: Db, account: AccountId): Promise<Micros> {
  return (await balances(db, [account])).get(account) ?? 0n
}

/**
 * Transfers for high-rate callers: concurrent ones share a statement and a commit, each succeeding or failing alone.
 * Resolves once the transfer is durable.
 */
export function createTransferBatcher(store: Store): (transfer: Transfer) => Promise<void> {
  return createGatherer<Transfer, void>({
    maxItems: MAX_BATCH,
    run: (transfers) => store.transact((tx) => postEach(tx, transfers)),
    // A lost commit may have happened; everything else did nothing and is tried alone, so that one cannot spoil many.
    retryAlone: (error) => !(error instanceof UnknownOutcome),
  })
}

/** Posts many transfers in order, each judged alone, in three statements however many there are. */
export async function postEach(tx: Tx, transfers: readonly Transfer[]): Promise<Outcome<void>[]> {
  const keys = transfers.map(({ key }) => key)
  const accounts = transfers.flatMap(({ postings }) => postings.flatMap(({ from, to }) => [from, to]))
  const [taken, book] = await Promise.all([postedKeys(tx, keys), openBook(tx, accounts)])
  const outcomes = transfers.map((transfer): Outcome<void> => {
    try {
      const isEmpty = checkedPostings(transfer).length === 0
      if (!isEmpty && taken.has(transfer.key)) throw ledgerRefusals.already_posted()
      book.post(transfer)
      // What moves nothing is not written, so its key stays free.
      if (!isEmpty) taken.add(transfer.key)
      return { done: undefined }
    } catch (refused) {
      return { refused }
    }
  })
  await book.close()
  return outcomes
}
