import type { Db } from '#platform/db'
import { paymentsBy, type Receipt, tradesOf } from '#receipts'
import type { Transaction } from './history.ts'

/**
 * What a buyer's orders consumed. The money left the available balance when it was locked, so the ledger has no line
 * for it; the receipt of the settlement says what it came to.
 */
export async function spendingsOf(
  db: Db,
  { partyId, type, limit }: { partyId: string; type: string | null; limit: number },
): Promise<Transaction[]> {
  const receipts = await paymentsBy(db, { buyerId: partyId, asset: 'USDC', limit })
  return receipts.map(spendingOf).filter((spending) => type === null || spending.type === type)
}

export async function countSpendings(db: Db, partyId: string): Promise<number> {
  return Number((await tradesOf(db, [partyId])).get(partyId)?.bought ?? 0n)
}

function spendingOf({ id, orderId, form, payout, fee, issuedAt }: Receipt): Transaction {
  return {
    id,
    type: form === 'campaign' ? 'campaign_task_spent' : 'spent',
    amount: payout + fee,
    balanceChange: 0n,
    status: 'completed',
    subject: orderId,
    txHash: null,
    at: issuedAt,
  }
}
