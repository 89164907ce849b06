import sql from 'sql-template-tag'
import type { Store } from './db.ts'

/**
 * Begins a new era when the database came out of a backup of another cluster: its events then carry transaction ids that
 * this cluster has yet to reach, and would wait for them for ever. Answers the era. To be called before anything is read.
 */
export async function enterEra(store: Store): Promise<number> {
  return store.transact(async (tx) => {
    await tx.rows(sql`select pg_advisory_xact_lock(hashtext('platform.era'))`)
    const row = await tx.one<{ era: number }>(sql`
      update cluster_era set era = cluster_era.era + 1
      where exists (select 1 from event where event.era = cluster_era.era and event.xid > pg_current_xact_id())
        or exists (select 1 from event_reader where event_reader.era = cluster_era.era and event_reader.xid > pg_current_xact_id())
      returning era`)
    return row?.era ?? (await tx.one<{ era: number }>(sql`select era from cluster_era`))?.era ?? 0
  })
}
