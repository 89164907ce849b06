import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import type { Network } from '#wallet'

/** Who paid for an order over a chain, and where what returns goes. */
export interface ChainPurse {
  readonly orderId: string
  /** CAIP-2 */
  readonly network: string
  /** The rail over which it leaves. */
  readonly rail: Network
  /** The payer's. */
  readonly wallet: string
  readonly amount: Micros
  readonly txHash: string
}

export async function insertPurse(
  tx: Tx,
  { orderId, network, rail, wallet, amount, txHash }: ChainPurse,
): Promise<void> {
  await tx.run(sql`
    insert into chain_purse (order_id, network, rail, wallet, amount, tx_hash, opened_at)
    values (${orderId}, ${network}, ${rail}, ${wallet}, ${amount}, ${txHash}, ${tx.now})`)
}

export async function pursesOf(db: Db, orderIds: readonly string[]): Promise<Map<string, ChainPurse>> {
  if (orderIds.length === 0) return new Map()
  const rows = await db.rows<ChainPurse>(sql`
    select order_id as "orderId", network, rail, wallet, amount, tx_hash as "txHash"
    from chain_purse where order_id = any(${orderIds}::uuid[])`)
  return new Map(rows.map((purse) => [purse.orderId, purse]))
}
