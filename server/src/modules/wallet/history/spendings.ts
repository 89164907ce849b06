import type { Db } from '#platform/db'
import { completedAsBuyer, type Receipt, receiptsOfBuyer } from '#receipts'
import type { Transaction } from './history.ts'

/**
 * What a buyer's orders consumed. The money left the available balance when it was locked, so the ledger has no line
 * for it; the receipt of the settlement says what it came to.
 */
export async function spendingsOf(
  db: Db,
  { partyId, type, limit }: { partyId: string; type: string | null; limit: number },
): Promise<Transaction[]> {
  const receipts = await receiptsOfBuyer(db, { buyerId: partyId, limit })
  return receipts.flatMap(spendingIn).filter((spending) => type === null || spending.type === type)
}

export async function countSpendings(db: Db, partyId: string): Promise<number> {
  return (await completedAsBuyer(db, [partyId])).get(partyId) ?? 0
}

interface ReceiptPayload {
  readonly form: string
  readonly asset: string
  readonly payout: string
  readonly fee: string
}

function spendingIn({ id, orderId, jws, issuedAt }: Receipt): Transaction[] {
  const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ReceiptPayload
  if (payload.asset !== 'USDC') return []
  const spending: Transaction = {
    id,
    type: payload.form === 'campaign' ? 'campaign_task_spent' : 'spent',
    amount: BigInt(payload.payout) + BigInt(payload.fee),
    balanceChange: 0n,
    status: 'completed',
    subject: orderId,
    txHash: null,
    at: issuedAt,
  }
  return [spending]
}
