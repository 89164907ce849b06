import sql, { raw, type Sql } from 'sql-template-tag'
import { isId } from '#kernel/id'
import type { Match } from '#kernel/ranking'
import { keyOf, type SearchQuery, searchText } from '#kernel/search'
import type { Db, Tx } from '#platform/db'
import { fitOf, tsqueryOf, tsvectorOf } from '#platform/db/full-text'
import { listed, planForItsValues } from '#platform/db/prepared'
import type { OfferCall } from './calls.ts'
import type { HealthState, Offer, OfferCard, OfferStanding, OfferType } from './offer.ts'

const CARD = raw(`o.id, o.seller_id as "sellerId", o.title, o.description, o.category, o.tags,
  o.price_micros as "priceMicros", o.offer_type as "offerType", o.http_method as "httpMethod",
  o.estimated_duration_seconds as "estimatedDurationSeconds", o.preview_description as "previewDescription",
  o.external_url as "externalUrl", o.settles_first as "settlesFirst", o.source,
  o.external_resource_id as "externalResourceId", o.active, o.created_at as "createdAt", o.updated_at as "updatedAt"`)
const WHOLE = sql`${CARD}, o.endpoint, o.input_schema as "inputSchema", o.output_schema as "outputSchema",
  o.file_url as "fileUrl", o.verification_body as "verificationBody"`
const STANDING = raw(`r.paid_calls::integer as "paidCalls", r.delivered_calls::integer as "deliveredCalls",
  r.buyers::integer as buyers, r.health, r.health_reason as "healthReason", r.probed_at as "probedAt",
  coalesce(r.probed_at < (select clock_timestamp() + offset_ms * interval '1 ms' from sandbox_clock) - interval '1 day',
    false) as stale`)

export async function selectOffers(db: Db, ids: readonly string[]): Promise<Offer[]> {
  return db.rows(sql`select ${WHOLE} from offer o where o.id = any(${listed(ids.filter(isId), 'uuid')})`)
}

export async function lockOffer(tx: Tx, id: string): Promise<Offer | undefined> {
  if (!isId(id)) return undefined
  return tx.one(sql`select ${WHOLE} from offer o where o.id = ${id} for no key update`)
}

export async function insertOffer(tx: Tx, offer: Offer): Promise<void> {
  await tx.run(sql`
    with made as (
      insert into offer (
        id, seller_id, title, description, category, tags, price_micros, offer_type, endpoint, http_method, input_schema,
        output_schema, estimated_duration_seconds, file_url, preview_description, external_url, verification_body,
        settles_first, source, external_resource_id, active, category_key, search, created_at, updated_at)
      values (
        ${offer.id}, ${offer.sellerId}, ${offer.title}, ${offer.description}, ${offer.category}, ${offer.tags},
        ${offer.priceMicros}, ${offer.offerType}, ${offer.endpoint}, ${offer.httpMethod}, ${jsonOrNull(offer.inputSchema)},
        ${jsonOrNull(offer.outputSchema)}, ${offer.estimatedDurationSeconds}, ${offer.fileUrl},
        ${offer.previewDescription}, ${offer.externalUrl}, ${offer.verificationBody}, ${offer.settlesFirst},
        ${offer.source}, ${offer.externalResourceId}, ${offer.active}, ${keyOf(offer.category)}, ${searchOf(offer)},
        ${offer.createdAt}, ${offer.updatedAt})
      returning id, active, offer_type, price_micros
    )
    insert into offer_stats (offer_id, listed, offer_type, price_micros)
    select id, active, offer_type, price_micros from made`)
}

export async function saveOffer(tx: Tx, offer: Offer): Promise<void> {
  await tx.run(sql`
    with changed as (
      update offer set
        title = ${offer.title}, description = ${offer.description}, category = ${offer.category}, tags = ${offer.tags},
        price_micros = ${offer.priceMicros}, offer_type = ${offer.offerType}, endpoint = ${offer.endpoint},
        http_method = ${offer.httpMethod}, input_schema = ${jsonOrNull(offer.inputSchema)},
        output_schema = ${jsonOrNull(offer.outputSchema)},
        estimated_duration_seconds = ${offer.estimatedDurationSeconds}, file_url = ${offer.fileUrl},
        preview_description = ${offer.previewDescription}, external_url = ${offer.externalUrl},
        verification_body = ${offer.verificationBody}, settles_first = ${offer.settlesFirst}, active = ${offer.active},
        category_key = ${keyOf(offer.category)}, search = ${searchOf(offer)}, updated_at = ${offer.updatedAt},
        seller_id = ${offer.sellerId}
      where id = ${offer.id}
    )
    update offer_stats set listed = ${offer.active}, offer_type = ${offer.offerType}, price_micros = ${offer.priceMicros}
    where offer_id = ${offer.id}`)
}

/** Answers those that were on the market. */
export async function delist(tx: Tx, ids: readonly string[]): Promise<{ id: string; sellerId: string }[]> {
  return tx.rows(sql`
    with changed as (
      update offer set active = false, updated_at = ${tx.now} where id = any(${ids}::uuid[]) and active
      returning id, seller_id
    ),
    hidden as (update offer_stats set listed = false from changed where offer_id = changed.id)
    select id, seller_id as "sellerId" from changed order by id`)
}

function searchOf({ title, category, tags, description }: Offer): Sql {
  return tsvectorOf(searchText({ title, topics: [category, ...tags], body: description }))
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

export async function selectStandings(db: Db, ids: readonly string[]): Promise<(OfferStanding & { id: string })[]> {
  return db.rows(sql`
    select r.offer_id as id, ${STANDING} from offer_stats r where r.offer_id = any(${listed(ids.filter(isId), 'uuid')})`)
}

/** The buyer is written down while the offer's row is locked, so two calls of one buyer make one buyer. */
export async function addCalls(tx: Tx, calls: readonly OfferCall[]): Promise<void> {
  await tx.run(sql`
    with call as (
      select * from unnest(
        ${calls.map(({ offerId }) => offerId)}::uuid[],
        ${calls.map(({ buyerId }) => buyerId)}::uuid[],
        ${calls.map(({ delivered }) => delivered)}::boolean[]
      ) as c (offer_id, buyer_id, delivered)
    ),
    known as (
      select offer_id from offer_stats where offer_id in (select offer_id from call) order by offer_id for no key update
    ),
    newcomer as (
      insert into offer_buyer (offer_id, buyer_id)
      select distinct offer_id, buyer_id from call join known using (offer_id) order by 1, 2
      on conflict do nothing returning offer_id
    ),
    gain as (
      select offer_id, count(*) as paid, count(*) filter (where delivered) as delivered,
        (select count(*) from newcomer where newcomer.offer_id = call.offer_id) as buyers
      from call join known using (offer_id) group by offer_id
    )
    update offer_stats set paid_calls = offer_stats.paid_calls + gain.paid,
      delivered_calls = offer_stats.delivered_calls + gain.delivered, buyers = offer_stats.buyers + gain.buyers
    from gain where offer_stats.offer_id = gain.offer_id`)
}

export async function saveHealth(
  tx: Tx,
  { offerId, state, reason }: { offerId: string; state: HealthState; reason: string | null },
): Promise<void> {
  await tx.run(sql`
    update offer_stats set health = ${state}, health_reason = ${reason}, probed_at = ${tx.now}
    where offer_id = ${offerId}`)
}

export async function suspendOffers(
  tx: Tx,
  { sellerIds, suspended }: { sellerIds: readonly string[]; suspended: boolean },
): Promise<void> {
  await tx.run(sql`
    with concerned as (
      select r.offer_id from offer_stats r join offer o on o.id = r.offer_id
      where o.seller_id = any(${sellerIds}::uuid[]) and r.suspended <> ${suspended}
      order by r.offer_id for no key update of r
    )
    update offer_stats set suspended = ${suspended} from concerned where offer_stats.offer_id = concerned.offer_id`)
}

/** How a list is ordered, and what of it comes behind a place in it. */
const ORDERS = {
  top: {
    by: raw('r.rank desc, r.offer_id desc'),
    behind: ({ key, id }: Position) => sql`(r.rank, r.offer_id) < (${key}::bigint, ${id}::uuid)`,
  },
  price: {
    by: raw('r.price_micros, r.offer_id'),
    behind: ({ key, id }: Position) => sql`(r.price_micros, r.offer_id) > (${key}::bigint, ${id}::uuid)`,
  },
  new: { by: raw('r.offer_id desc'), behind: ({ id }: Position) => sql`r.offer_id < ${id}::uuid` },
} as const

export type Sort = keyof typeof ORDERS

/** A place in a list: what it is sorted by there, and whose it is. */
export interface Position {
  readonly key: bigint
  readonly id: string
}

/** `sortKey` is what `top` sorts by. */
type Row = OfferCard & OfferStanding & { readonly sortKey: number }

/** One index holds the whole answer, wherever the page begins; filters that are not asked for fall away. */
export async function selectPage(
  db: Db,
  { sort, offerType, after, limit }: { sort: Sort; offerType: OfferType | null; after: Position | null; limit: number },
): Promise<Row[]> {
  const { by, behind } = ORDERS[sort]
  return db.rows(
    planForItsValues(sql`
      with page as materialized (
        select r.offer_id from offer_stats r
        where r.shown and (${offerType}::text is null or r.offer_type = ${offerType})
          and ${after ? behind(after) : raw('true')}
        order by ${by} limit ${limit})
      select ${CARD}, ${STANDING}, r.rank as "sortKey"
      from page join offer o on o.id = page.offer_id join offer_stats r on r.offer_id = page.offer_id
      order by ${by}`),
  )
}

export interface Filters {
  /** `keyOf` it; '' for any. */
  readonly category: string
  readonly offerType: OfferType | null
  readonly maxPriceMicros: bigint | null
}

/** What is common and what is rare differs by a thousand times, so lists are planned for their own values. */
export async function selectFound(
  db: Db,
  { filters, sort, limit }: { filters: Filters; sort: Sort; limit: number },
): Promise<Row[]> {
  const { by } = ORDERS[sort]
  return db.rows(
    planForItsValues(sql`
      with page as materialized (
        select r.offer_id from ${matching(filters)} order by ${by} limit ${limit})
      select ${CARD}, ${STANDING}, r.rank as "sortKey"
      from page join offer o on o.id = page.offer_id join offer_stats r on r.offer_id = page.offer_id
      order by ${by}`),
  )
}

/** Answers to a search in another order than how well they fit: of the `depth` matches of the highest rank. */
export async function selectMatches(
  db: Db,
  {
    filters,
    sort,
    limit,
    depth,
  }: { filters: Filters & { query: SearchQuery }; sort: Sort; limit: number; depth: number },
): Promise<Row[]> {
  const { by } = ORDERS[sort]
  return db.rows(
    planForItsValues(sql`
      with match as materialized (
        select r.offer_id, r.rank, r.price_micros
        from ${matching(filters)} and o.search @@ (${tsqueryOf(filters.query)})
        order by r.rank desc, r.offer_id desc limit ${depth}),
      page as materialized (
        select r.offer_id, row_number() over (order by ${by}) as place from match r order by place limit ${limit})
      select ${CARD}, ${STANDING}, r.rank as "sortKey"
      from page join offer o on o.id = page.offer_id join offer_stats r on r.offer_id = page.offer_id
      order by page.place`),
  )
}

/**
 * How well the words of a search fit, of the `depth` matches of the highest rank; the `limit` best by that and by their own
 * outcomes. Weighing reads every match, so it may not run over all.
 */
export async function selectFitting(
  db: Db,
  { filters, limit, depth }: { filters: Filters & { query: SearchQuery }; limit: number; depth: number },
): Promise<Match[]> {
  const fit = fitOf({ search: sql`search`, title: sql`title` }, filters.query)
  return db.rows(
    planForItsValues(sql`
      with match as materialized (
        select o.id, o.seller_id, o.title, o.search, r.rank, r.health
        from ${matching(filters)} and o.search @@ (${tsqueryOf(filters.query)})
        order by r.rank desc, r.offer_id desc limit ${depth}),
      fitting as (
        select id, seller_id as "ownerId", ${fit} as text, rank < 0 or health = 'failing' as last,
          mod(rank + 20000, 20000) / 10000::double precision as standing
        from match)
      select * from fitting order by last, text * (0.5 + standing) desc, id desc limit ${limit}`),
  )
}

/** Cards in the order of `ids`. */
export async function selectCards(db: Db, ids: readonly string[]): Promise<Row[]> {
  return db.rows(sql`
    select ${CARD}, ${STANDING}, r.rank as "sortKey"
    from unnest(${ids}::uuid[]) with ordinality as asked (id, place)
      join offer o on o.id = asked.id join offer_stats r on r.offer_id = o.id
    order by asked.place`)
}

function matching({ category, offerType, maxPriceMicros }: Filters): Sql {
  return sql`offer o join offer_stats r on r.offer_id = o.id
    where r.shown and o.active
      and (${category} = '' or o.category_key = ${category})
      and (${offerType}::text is null or r.offer_type = ${offerType})
      and (${maxPriceMicros}::bigint is null or r.price_micros <= ${maxPriceMicros})`
}
