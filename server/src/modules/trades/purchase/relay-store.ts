import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { Output } from './purchase.ts'
import type { Claim } from './store.ts'

/** Whether somebody who lives is sending the payment on right now. */
export async function isForwarding(db: Db, id: string): Promise<boolean> {
  const row = await db.one<{ held: boolean }>(sql`
    select lease_until > clock_timestamp() as held from purchase where id = ${id} and ended_at is null`)
  return row?.held ?? false
}

/** What came of sending it on; the lease ends here, so that everybody may look at the chain. */
export async function keepForwarded(
  tx: Tx,
  { id, lease, output, reason }: Claim & { readonly output: Output | null; readonly reason: string | null },
): Promise<void> {
  await tx.run(sql`
    update purchase set output_status = ${output?.status ?? null}, output_type = ${output?.contentType ?? null},
      output = ${output?.body ?? null}, latency_ms = ${output?.latencyMs ?? null}, reason = ${reason},
      lease_until = clock_timestamp()
    where id = ${id} and lease = ${lease} and state = 'settling'`)
}

/** Nothing was sent, so nothing was spent: the same payment may try again. */
export async function failUnsent(tx: Tx, { id, lease, reason }: Claim & { readonly reason: string }): Promise<void> {
  await tx.run(sql`
    update purchase set state = 'failed', fault = 'seller', reason = ${reason}, ended_at = ${tx.now}
    where id = ${id} and lease = ${lease} and state = 'settling'`)
}
