import sql, { type Sql } from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { Told } from './telling.ts'

/** What one party was told. */
export interface Notice {
  readonly id: string
  /** Its place among all notices; grows in the order they become visible. */
  readonly seq: bigint
  readonly type: string
  /** The message as JSON text. */
  readonly body: string
  readonly at: Date
}

/** Only ever called by the one reader that holds its cursor: that is what keeps places in the order of commits. */
export async function insertNotices(tx: Tx, told: readonly Told[]): Promise<void> {
  await tx.run(sql`
    insert into notice (id, party_id, event_id, type, body, at)
    select id, party_id, event_id, type, body, at from unnest(
      ${told.map(({ id }) => id)}::uuid[],
      ${told.map(({ recipientId }) => recipientId)}::uuid[],
      ${told.map(({ eventId }) => eventId)}::bigint[],
      ${told.map(({ eventName }) => eventName)}::text[],
      ${told.map(({ body }) => body)}::text[],
      ${told.map(({ at }) => at)}::timestamptz[]
    ) with ordinality as told (id, party_id, event_id, type, body, at, position)
    order by position`)
}

/** Where a party stands that was never told anything. */
export const BEGINNING = '00000000-0000-0000-0000-000000000000'

/** Where a reading begins. */
export interface Place {
  readonly seq: bigint
  readonly id: string
}

/** The place a party names. It stands at the beginning for as long as nothing of its own was forgotten. */
function placeOf({ partyId, id }: { partyId: string; id: string | null }): Sql {
  return sql`
    select seq, id from notice where id = ${id} and party_id = ${partyId}
    union all select seq, id from notice_forgotten where id = ${id} and party_id = ${partyId}
    union all select 0, ${BEGINNING}::uuid
    where ${id}::uuid = ${BEGINNING} and not exists (select 1 from notice_forgotten where party_id = ${partyId})`
}

export interface PageOfNotices {
  /** Oldest first. */
  readonly notices: readonly Notice[]
  readonly hasMore: boolean
  /** Up to which notice was looked. */
  readonly upTo: string
}

export interface NoticeQuery {
  readonly partyId: string
  /** Id of the notice to go on from; null begins with the oldest that is kept. */
  readonly after: string | null
  /** Null: all of them. */
  readonly types: readonly string[] | null
  readonly limit: number
}

type PageRow = Notice & { readonly place: bigint | null; readonly newest: string | null }

/** In one statement, so that place, page and newest are of one instant. Undefined when the party has no such place. */
export async function selectPage(db: Db, query: NoticeQuery): Promise<PageOfNotices | undefined> {
  const { partyId, after, types, limit } = query
  const rows = await db.rows<PageRow | (Pick<PageRow, 'place' | 'newest'> & { readonly id: null })>(sql`
    with place as materialized (select seq from (${placeOf({ partyId, id: after })}) as known),
    newest as materialized (select id from notice where party_id = ${partyId} order by seq desc limit 1),
    page as materialized (
      select id, seq, type, body, at from notice
      where party_id = ${partyId} and seq > coalesce((select seq from place), 0)
        and (${types}::text[] is null or type = any(${types}))
      order by seq limit ${limit + 1}
    )
    select (select seq from place) as place,
      coalesce((select id from newest), (select id from notice_forgotten where party_id = ${partyId})) as newest, page.*
    from (values (1)) as one left join page on true
    order by page.seq`)
  const [first] = rows
  if (!first || (after !== null && first.place === null)) return undefined
  const found = rows.flatMap((row) => (row.id === null ? [] : [row]))
  const notices = found.slice(0, limit).map(({ id, seq, type, body, at }) => ({ id, seq, type, body, at }))
  const hasMore = found.length > limit
  return { notices, hasMore, upTo: (hasMore ? notices.at(-1)?.id : first.newest) ?? BEGINNING }
}

export async function selectPlace(
  db: Db,
  { partyId, id }: { partyId: string; id: string },
): Promise<Place | undefined> {
  return db.one(placeOf({ partyId, id }))
}

export async function selectNewestPlace(db: Db, partyId: string): Promise<Place> {
  const newest = await db.one<Place>(sql`
    (select seq, id from notice where party_id = ${partyId} order by seq desc limit 1)
    union all select seq, id from notice_forgotten where party_id = ${partyId}
    order by seq desc limit 1`)
  return newest ?? { seq: 0n, id: BEGINNING }
}

export async function newestSeq(db: Db): Promise<bigint> {
  const row = await db.one<{ seq: bigint }>(sql`select seq from notice order by seq desc limit 1`)
  return row?.seq ?? 0n
}

/** Whom the next notices after a place are for, in order. */
export async function selectNews(
  db: Db,
  { after, limit }: { after: bigint; limit: number },
): Promise<{ seq: bigint; partyId: string }[]> {
  return db.rows(sql`
    select seq, party_id as "partyId" from notice where seq > ${after} order by seq limit ${limit}`)
}

/** For each of these readings the next few notices, all in one query. */
export async function selectAfterEach(
  db: Db,
  readings: readonly { partyId: string; seq: bigint }[],
  limit: number,
): Promise<Notice[][]> {
  const rows = await db.rows<Notice & { reading: bigint }>(sql`
    select asked.reading, next.id, next.seq, next.type, next.body, next.at
    from unnest(
      ${readings.map(({ partyId }) => partyId)}::uuid[], ${readings.map(({ seq }) => seq)}::bigint[]
    ) with ordinality as asked (party_id, seq, reading)
    cross join lateral (
      select * from notice where notice.party_id = asked.party_id and notice.seq > asked.seq
      order by notice.seq limit ${limit}
    ) as next
    order by asked.reading, next.seq`)
  const each = readings.map((): Notice[] => [])
  for (const { reading, ...notice } of rows) each[Number(reading) - 1]?.push(notice)
  return each
}

/**
 * Forgets the oldest notices, as long as they were made before `before`, and remembers of each party how far. One at a
 * time and in order: whoever finds its place finds everything after it.
 */
export async function forgetOldest(tx: Tx, { before, limit }: { before: Date; limit: number }): Promise<number> {
  return tx.run(sql`
    with oldest as materialized (
      select seq, at from notice order by seq limit ${limit} for update
    ),
    gone as (
      delete from notice where seq in (select seq from oldest where at < ${before})
      returning party_id, id, seq
    )
    insert into notice_forgotten (party_id, id, seq)
    select distinct on (party_id) party_id, id, seq from gone order by party_id, seq desc
    on conflict (party_id) do update set id = excluded.id, seq = excluded.seq
    where notice_forgotten.seq < excluded.seq`)
}
