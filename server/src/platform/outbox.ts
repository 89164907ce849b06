import sql from 'sql-template-tag'
import type { Db, Store, Tx } from './db.ts'
import type { Sweep } from './sweeps.ts'

/** An event as its readers see it. */
export interface OutboxEvent {
  readonly id: bigint
  readonly name: string
  readonly subject: string
  readonly payload: unknown
  readonly at: Date
}

/** Hears every event once, in the unit of work that also moves its cursor: what it writes happens exactly once. */
export interface EventReader {
  readonly name: string
  readonly hears: (eventName: string) => boolean
  readonly handle: (tx: Tx, events: readonly OutboxEvent[]) => Promise<void>
}

const BATCH = 500

/** A sweep that feeds one reader. Processes take turns on the cursor's row; who finds it locked goes on. */
export function readerSweep(store: Store, reader: EventReader): Sweep {
  return {
    name: `events:${reader.name}`,
    isBehind: () => hasNews(store.read, reader.name),
    run: async () => {
      if (!(await hasNews(store.read, reader.name))) return 0
      return store.transactWith(
        (db) => claimNews(db, reader.name),
        async (tx, events) => {
          const last = events.at(-1)
          if (!last) return 0
          const heard = events.filter(({ name }) => reader.hears(name))
          if (heard.length > 0) await reader.handle(tx, heard)
          tx.later(moveOn(tx, reader.name, last))
          return events.length
        },
      )
    },
  }
}

/** Readers begin with the first event there ever was. */
export async function registerReaders(store: Store, readers: readonly EventReader[]): Promise<void> {
  const names = readers.map(({ name }) => name)
  await store.transact((tx) =>
    tx.run(sql`insert into event_reader (name) select unnest(${names}::text[]) on conflict (name) do nothing`),
  )
}

/**
 * Whether anything was said that the reader has not heard, be it above the horizon still. Ordered, so that the index leads
 * past all that was heard; without it every look reads the whole history.
 */
async function hasNews(db: Db, name: string): Promise<boolean> {
  const row = await db.one(sql`
    select 1 from event_reader as reader, lateral (
      select 1 from event where (event.era, event.xid, event.id) > (reader.era, reader.xid, reader.event_id)
      order by era, xid, id limit 1
    ) as news
    where reader.name = ${name}`)
  return row !== undefined
}

type FeedRow = OutboxEvent & { readonly era: number; readonly xid: string }

/**
 * Claims a reader's cursor and reads what comes after it; nothing when another process is at it. Follows the transaction
 * horizon: rows of transactions still running, or older than one, wait (D-29).
 */
async function claimNews(db: Db, name: string): Promise<FeedRow[]> {
  return db.rows(sql`
    with cursor as materialized (
      select era, xid, event_id from event_reader where name = ${name} for update skip locked
    )
    select news.id, news.era, news.xid::text, news.name, news.subject, news.payload, news.at
    from cursor, cluster_era, lateral (
      select * from event where (event.era, event.xid, event.id) > (cursor.era, cursor.xid, cursor.event_id)
        and (event.era < cluster_era.era or event.xid < pg_snapshot_xmin(pg_current_snapshot()))
      order by era, xid, id limit ${BATCH}
    ) as news
    order by news.era, news.xid, news.id`)
}

async function moveOn(tx: Tx, name: string, { era, xid, id }: FeedRow): Promise<void> {
  await tx.run(sql`update event_reader set era = ${era}, xid = ${xid}::xid8, event_id = ${id} where name = ${name}`)
}
