import { isId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import { available, countHistory, historyOf, type StatementLine } from '#ledger'
import type { Db } from '#platform/db'
import type { Payout } from '../payouts/payout.ts'
import { payoutsById } from '../payouts/store.ts'
import { countSpendings, spendingsOf } from './spendings.ts'

/** JP-151's types of transactions: the reasons of the ledger's transfers, and what orders consumed. */
export const TRANSACTION_TYPES = [
  'deposit',
  'fee',
  'escrow_lock',
  'earned',
  'spent',
  'refund',
  'withdrawal',
  'dispute_fee',
  'campaign_escrow_lock',
  'campaign_task_spent',
  'campaign_task_earned',
  'campaign_refund',
  'campaign_topup',
] as const
export type TransactionType = (typeof TRANSACTION_TYPES)[number]

export interface Transaction {
  readonly id: string
  readonly type: string
  readonly amount: Micros
  /** What it did to the available balance; `spent` does nothing to it: the money was locked before. */
  readonly balanceChange: Micros
  readonly status: 'completed' | 'pending' | 'failed' | 'cancelled'
  /** The order, withdrawal or chain transaction it is about. */
  readonly subject: string
  readonly txHash: string | null
  readonly at: Date
}

/** The newest so many can be listed; whoever needs all of them follows the events. */
const MAX_LISTED = 10_000
const SPENDING_TYPES: readonly string[] = ['spent', 'campaign_task_spent']

/** What happened to a party's money, newest first, of one type or of all (JP-151, JP-152). */
export async function transactionsOf(
  db: Db,
  { partyId, type, page }: { partyId: string; type: TransactionType | null; page: PageRequest },
): Promise<Page<Transaction>> {
  const upto = Math.min(offsetOf(page) + page.limit, MAX_LISTED)
  const query = { account: available('USDC', partyId), reasons: type === null ? null : [type] }
  const wantsSpending = type === null || SPENDING_TYPES.includes(type)
  const wantsLines = type === null || !SPENDING_TYPES.includes(type)
  const [lines, spendings, lineCount, spendingCount] = await Promise.all([
    wantsLines ? historyOf(db, { ...query, limit: upto }) : [],
    wantsSpending ? spendingsOf(db, { partyId, type, limit: upto }) : [],
    wantsLines ? countHistory(db, { ...query, limit: MAX_LISTED }) : 0,
    wantsSpending ? countSpendings(db, partyId) : 0,
  ])
  const newest = [...lines.map(lineView), ...spendings].sort((a, b) => b.at.getTime() - a.at.getTime())
  const shown = newest.slice(offsetOf(page), upto)
  return { items: await withPayouts(db, shown), total: Math.min(MAX_LISTED, lineCount + spendingCount) }
}

function lineView({ transferId, reason, subject, amount, at }: StatementLine): Transaction {
  return {
    id: String(transferId),
    type: reason,
    amount: amount < 0n ? -amount : amount,
    balanceChange: amount,
    status: 'completed',
    subject,
    txHash: reason === 'deposit' ? subject : null,
    at,
  }
}

/** A withdrawal is as far as its payout is, and goes by the id its request was answered with. */
async function withPayouts(db: Db, transactions: readonly Transaction[]): Promise<Transaction[]> {
  const ids = transactions.filter(({ type }) => type === 'withdrawal').map(({ subject }) => subject)
  const payouts = await payoutsById(db, ids.filter(isId))
  return transactions.map((transaction) => {
    const payout = transaction.type === 'withdrawal' ? payouts.get(transaction.subject) : undefined
    return payout ? { ...transaction, id: payout.id, status: statusOf(payout), txHash: payout.txHash } : transaction
  })
}

function statusOf({ state }: Payout): Transaction['status'] {
  if (state === 'confirmed') return 'completed'
  return state === 'failed' || state === 'cancelled' ? state : 'pending'
}
