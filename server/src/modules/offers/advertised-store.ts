import sql, { raw, type Sql } from 'sql-template-tag'
import type { SearchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import { tsqueryOf } from '#platform/db/full-text'
import { planForItsValues } from '#platform/db/prepared'
import type { AdvertisedOffer } from './advertised.ts'
import type { Position } from './store.ts'

const ADVERT =
  raw(`o.id, o.seller_id as "sellerId", o.title, o.description, o.category, o.tags, o.price_micros as "priceMicros",
  o.offer_type as "offerType", o.http_method as "httpMethod", o.input_schema as "inputSchema",
  o.output_schema as "outputSchema", o.settles_first as "settlesFirst", o.updated_at as "updatedAt"`)

/** Where the money may go. */
export interface Paid {
  /** In lower case; '' for anywhere. */
  readonly payTo: string
  /** First parts of CAIP-2 ids. */
  readonly families: readonly string[]
}

/** What may be bought by a stranger's client right now: listed here, shown, and its seller can be paid. */
const buyable = ({ payTo, families }: Paid): Sql => sql`
  offer o join offer_stats r on r.offer_id = o.id join agent a on a.party_id = o.seller_id
  where o.active and o.source = 'native' and r.shown
    and (a.payout_wallet is not null and 'eip155' = any(${families}::text[])
      or a.solana_wallet is not null and 'solana' = any(${families}::text[]))
    and (${payTo} = '' or ${payTo} in (lower(a.payout_wallet), lower(a.solana_wallet)))`

type Counted = { readonly total: number } & (AdvertisedOffer | { readonly id: null })

/** Oldest first, so that what is listed while somebody reads moves nothing before it. One statement counts and reads. */
export async function selectAdvertised(
  db: Db,
  { paid, offset, limit }: { paid: Paid; offset: number; limit: number },
): Promise<{ offers: AdvertisedOffer[]; total: number }> {
  const rows = await db.rows<Counted>(
    planForItsValues(sql`
      with found as materialized (select o.id from ${buyable(paid)}),
      page as materialized (select id from found order by id offset ${offset} limit ${limit})
      select ${ADVERT}, counted.total
      from (select count(*)::integer as total from found) as counted
        left join page on true left join offer o on o.id = page.id
      order by o.id`),
  )
  return { offers: rows.filter((row) => row.id !== null) as AdvertisedOffer[], total: rows[0]?.total ?? 0 }
}

/** A whole number, so that a page can begin behind the last of the one before: fit × rank, what PA-66 demotes last. */
const WEIGHT = (query: Sql) =>
  sql`case when r.rank < 0 then r.rank else round(ts_rank(o.search, ${query}, 32) * r.rank * 1000000)::bigint end`

export async function searchAdvertised(
  db: Db,
  {
    query: words,
    paid,
    after,
    limit,
    depth,
  }: { query: SearchQuery; paid: Paid; after: Position | null; limit: number; depth: number },
): Promise<(AdvertisedOffer & { weight: bigint })[]> {
  const query = tsqueryOf(words)
  const behind = after ? sql`(weight, id) < (${after.key}::bigint, ${after.id}::uuid)` : raw('true')
  return db.rows(
    planForItsValues(sql`
      with match as materialized (
        select o.id, ${WEIGHT(query)}::bigint as weight from ${buyable(paid)} and o.search @@ (${query})
        order by r.rank desc, o.id desc limit ${depth}),
      page as materialized (select * from match where ${behind} order by weight desc, id desc limit ${limit})
      select ${ADVERT}, page.weight
      from page join offer o on o.id = page.id
      order by page.weight desc, page.id desc`),
  )
}
