import sql from 'sql-template-tag'
import type { Db, Store, Tx } from '#platform/db'

/**
 * Moves the entries of summed accounts into their rolled-up balance, as far as it is certain that no transfer below that
 * point can still appear. A unit of work takes its transaction id before it draws a transfer id; so once every
 * transaction older than the checkpoint has ended, all transfer ids up to the checkpoint are final. Answers how many
 * accounts moved on.
 */
export async function rollUp(store: Store): Promise<number> {
  // Read before our own unit of work begins: whoever drew an id up to this one has an older transaction id than we.
  const last = await lastTransferId(store.read)
  return store.transact(async (tx) => {
    const upto = await safePoint(tx)
    const moved = upto === undefined ? 0 : await advance(tx, upto)
    await setCheckpoint(tx, last)
    return moved
  })
}

async function lastTransferId(db: Db): Promise<bigint> {
  const row = await db.one<{ last: bigint }>(sql`
    select case when is_called then last_value else 0 end as last from transfer_id`)
  return row?.last ?? 0n
}

async function safePoint(tx: Tx): Promise<bigint | undefined> {
  await tx.rows(sql`select pg_advisory_xact_lock(hashtext('ledger.rollup'))`)
  // Our own transaction id is younger than the checkpoint's, so it never holds the horizon back.
  const row = await tx.one<{ transferId: bigint }>(sql`
    select transfer_id as "transferId" from rollup_checkpoint where xid_bound <= pg_snapshot_xmin(pg_current_snapshot())`)
  return row?.transferId
}

async function advance(tx: Tx, upto: bigint): Promise<number> {
  return tx.run(sql`
    with last as (
      select account.no, coalesce(rollup.upto_transfer_id, 0) as upto, coalesce(rollup.balance, 0) as balance
      from account left join account_rollup as rollup on rollup.account_no = account.no
      where account.summed
    )
    insert into account_rollup (account_no, upto_transfer_id, balance)
    select last.no, ${upto}, last.balance
      + coalesce((select sum(amount) from entry where to_no = last.no and transfer_id > last.upto and transfer_id <= ${upto}), 0)
      - coalesce((select sum(amount) from entry where from_no = last.no and transfer_id > last.upto and transfer_id <= ${upto}), 0)
    from last where last.upto < ${upto}
    on conflict (account_no) do update set upto_transfer_id = excluded.upto_transfer_id, balance = excluded.balance`)
}

/**
 * The bound is our own transaction id: a snapshot's `xmax` may lie below transactions that are at work already. A bound
 * above ours was set in another cluster, before the database was restored here, and means nothing any more.
 */
async function setCheckpoint(tx: Tx, last: bigint): Promise<void> {
  await tx.run(sql`
    insert into rollup_checkpoint (transfer_id, xid_bound) values (${last}, pg_current_xact_id())
    on conflict (one) do update set transfer_id = excluded.transfer_id, xid_bound = excluded.xid_bound
    where rollup_checkpoint.xid_bound <= pg_snapshot_xmin(pg_current_snapshot())
      or rollup_checkpoint.xid_bound > pg_current_xact_id()`)
}
