import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import type { Network } from '../rail.ts'
import type { Arrival } from './arrivals.ts'

export async function insertArrival(tx: Tx, { network, txHash, subject, amount }: Arrival): Promise<void> {
  await tx.run(sql`
    insert into arrival (network, tx_hash, subject, amount, noted_at)
    values (${network}, ${txHash}, ${subject}, ${amount}, ${tx.now})`)
}

/** Answers what is known to have come by each of these transactions, which are final. */
export async function markFinal(
  tx: Tx,
  { network, txHashes }: { network: Network; txHashes: readonly string[] },
): Promise<Map<string, Micros>> {
  if (txHashes.length === 0) return new Map()
  const rows = await tx.rows<{ txHash: string; amount: Micros }>(sql`
    with known as (
      update arrival set final_at = coalesce(final_at, clock_timestamp())
      where network = ${network} and tx_hash = any(${txHashes}) returning tx_hash, amount
    )
    select tx_hash as "txHash", sum(amount)::bigint as amount from known group by tx_hash`)
  return new Map(rows.map(({ txHash, amount }) => [txHash, amount]))
}

export async function unfinalArrivals(db: Db, network: Network): Promise<Arrival[]> {
  return db.rows<Arrival>(sql`
    select network, tx_hash as "txHash", subject, amount from arrival where network = ${network} and final_at is null`)
}
