import sql, { empty, raw, type Sql } from 'sql-template-tag'
import { isId } from '#kernel/id'
import type { Page } from '#kernel/page'
import type { Rank } from '#kernel/ranking'
import { keyOf, type SearchQuery } from '#kernel/search'
import type { Db, Tx } from '#platform/db'
import { fitOf, tsqueryOf, tsvectorOf, weighed } from '#platform/db/full-text'
import { listed, planForItsValues } from '#platform/db/prepared'
import type { Service, ServiceCard, ServiceStanding } from './service.ts'
import { facetsOf, searchTextOf } from './words.ts'

const CARD = raw(`s.id, s.owner_id as "ownerId", s.name, s.description, s.category, s.tags, s.model,
  s.model_provider as "modelProvider", s.price_micros as "priceMicros", s.max_execution_seconds as "maxExecutionSeconds",
  s.review_seconds as "reviewSeconds", s.auto_accept as "autoAccept", s.max_concurrent_jobs as "maxConcurrentJobs",
  s.queue_enabled as "queueEnabled", s.max_queue_size as "maxQueueSize", s.min_client_trust as "minClientTrust",
  s.active, s.version, s.created_at as "createdAt", s.updated_at as "updatedAt"`)
const WHOLE = sql`${CARD}, s.input_schema as "inputSchema", s.output_schema as "outputSchema",
  s.example_input as "exampleInput", s.example_output as "exampleOutput"`
const STANDING = raw(`r.completed::integer as "completedJobs", r.rating_count::integer as "ratingCount",
  case when r.rating_count > 0 then round(r.rating_sum::numeric / r.rating_count, 2)::double precision end as "ratingAverage"`)

export async function selectServices(db: Db, ids: readonly string[]): Promise<Service[]> {
  return db.rows(sql`select ${WHOLE} from service s where s.id = any(${listed(ids.filter(isId), 'uuid')})`)
}

export async function lockService(tx: Tx, id: string): Promise<Service | undefined> {
  if (!isId(id)) return undefined
  return tx.one(sql`select ${WHOLE} from service s where s.id = ${id} for no key update`)
}

/** `neutralTrust` stands for an owner nobody has said anything about. */
export async function insertService(tx: Tx, service: Service, neutralTrust: number): Promise<void> {
  await tx.run(sql`
    with listed as (
      insert into service (
        id, owner_id, name, description, category, tags, input_schema, output_schema, example_input, example_output,
        model, model_provider, price_micros, max_execution_seconds, review_seconds, auto_accept, max_concurrent_jobs,
        queue_enabled, max_queue_size, min_client_trust, active, version, category_key, facets, search, created_at, updated_at)
      values (
        ${service.id}, ${service.ownerId}, ${service.name}, ${service.description}, ${service.category},
        ${service.tags}, ${JSON.stringify(service.inputSchema)}, ${JSON.stringify(service.outputSchema)},
        ${jsonOrNull(service.exampleInput)}, ${jsonOrNull(service.exampleOutput)}, ${service.model},
        ${service.modelProvider}, ${service.priceMicros}, ${service.maxExecutionSeconds}, ${service.reviewSeconds},
        ${service.autoAccept}, ${service.maxConcurrentJobs}, ${service.queueEnabled}, ${service.maxQueueSize},
        ${service.minClientTrust}, ${service.active}, ${service.version}, ${keyOf(service.category)}, ${facetsOf(service)},
        ${tsvectorOf(searchTextOf(service))},
        ${service.createdAt}, ${service.updatedAt})
      returning id, owner_id, active
    )
    insert into service_stats (service_id, owner_id, listed, owner_trust)
    select id, owner_id, active,
      coalesce((select score from owner_trust where owner_trust.owner_id = listed.owner_id), ${neutralTrust})
    from listed`)
}

export async function saveService(tx: Tx, service: Service): Promise<void> {
  await tx.run(sql`
    with changed as (
      update service set
        name = ${service.name}, description = ${service.description}, category = ${service.category},
        tags = ${service.tags}, input_schema = ${JSON.stringify(service.inputSchema)},
        output_schema = ${JSON.stringify(service.outputSchema)}, example_input = ${jsonOrNull(service.exampleInput)},
        example_output = ${jsonOrNull(service.exampleOutput)}, model = ${service.model},
        model_provider = ${service.modelProvider}, price_micros = ${service.priceMicros},
        max_execution_seconds = ${service.maxExecutionSeconds}, review_seconds = ${service.reviewSeconds},
        auto_accept = ${service.autoAccept}, max_concurrent_jobs = ${service.maxConcurrentJobs},
        queue_enabled = ${service.queueEnabled}, max_queue_size = ${service.maxQueueSize},
        min_client_trust = ${service.minClientTrust}, active = ${service.active}, version = ${service.version},
        category_key = ${keyOf(service.category)}, facets = ${facetsOf(service)},
        search = ${tsvectorOf(searchTextOf(service))},
        updated_at = ${service.updatedAt}
      where id = ${service.id}
    )
    update service_stats set listed = ${service.active}
    where service_id = ${service.id} and listed <> ${service.active}`)
}

/** Newest first, deactivated ones too. */
export async function selectOwned(
  db: Db,
  { ownerId, limit, offset }: { ownerId: string; limit: number; offset: number },
): Promise<(ServiceCard & ServiceStanding)[]> {
  return db.rows(sql`
    select ${CARD}, ${STANDING} from service s join service_stats r on r.service_id = s.id
    where s.owner_id = ${ownerId} order by s.id desc limit ${limit} offset ${offset}`)
}

export async function countOwned(db: Db, ownerId: string): Promise<number> {
  const row = await db.one<{ total: number }>(sql`
    select count(*)::integer as total from service where owner_id = ${ownerId}`)
  return row?.total ?? 0
}

export async function selectStandings(db: Db, ids: readonly string[]): Promise<(ServiceStanding & { id: string })[]> {
  return db.rows(sql`
    select r.service_id as id, ${STANDING} from service_stats r where r.service_id = any(${ids}::uuid[])`)
}

/** Names that differ in case only are one category; the spelling shown is the first in the alphabet. */
export async function selectCategories(db: Db): Promise<{ name: string; count: number }[]> {
  return db.rows(sql`
    select min(category) as name, count(*)::integer as count from service where active
    group by category_key order by count desc, name`)
}

export interface StatsGain {
  readonly serviceId: string
  readonly completed: number
  readonly ratingSum: number
  readonly ratingCount: number
}

/** Rows are locked in one order for all. */
export async function addToStats(tx: Tx, gains: readonly StatsGain[]): Promise<void> {
  await tx.run(sql`
    with gain as (
      select r.service_id, g.completed, g.rating_sum, g.rating_count
      from unnest(
        ${gains.map(({ serviceId }) => serviceId)}::uuid[],
        ${gains.map(({ completed }) => completed)}::bigint[],
        ${gains.map(({ ratingSum }) => ratingSum)}::bigint[],
        ${gains.map(({ ratingCount }) => ratingCount)}::bigint[]
      ) as g (service_id, completed, rating_sum, rating_count)
      join service_stats r on r.service_id = g.service_id
      order by r.service_id for no key update of r
    )
    update service_stats set completed = service_stats.completed + gain.completed,
      rating_sum = service_stats.rating_sum + gain.rating_sum,
      rating_count = service_stats.rating_count + gain.rating_count
    from gain where service_stats.service_id = gain.service_id`)
}

export async function saveTrust(
  tx: Tx,
  scores: readonly { readonly ownerId: string; readonly score: number }[],
): Promise<void> {
  const ownerIds = scores.map(({ ownerId }) => ownerId)
  const values = scores.map(({ score }) => score)
  await tx.run(sql`
    insert into owner_trust (owner_id, score)
    select * from unnest(${ownerIds}::uuid[], ${values}::double precision[]) order by 1
    on conflict (owner_id) do update set score = excluded.score`)
  await tx.run(sql`
    with changed as (
      select r.service_id, t.score
      from unnest(${ownerIds}::uuid[], ${values}::double precision[]) as t (owner_id, score)
      join service_stats r on r.owner_id = t.owner_id and r.owner_trust <> t.score
      order by r.service_id for no key update of r
    )
    update service_stats set owner_trust = changed.score
    from changed where service_stats.service_id = changed.service_id`)
}

function jsonOrNull(value: unknown): string | null {
  return value == null ? null : JSON.stringify(value)
}

/** How a list is ordered, and which table's index leads it. */
const ORDERS = {
  best: { leads: 'stats', by: raw('quality desc, id desc') },
  rating: { leads: 'stats', by: raw('rating_milli desc, rating_count desc, id desc') },
  completedJobs: { leads: 'stats', by: raw('completed desc, id desc') },
  newest: { leads: 'service', by: raw('id desc') },
  price: { leads: 'service', by: raw('price_micros, id') },
} as const

export type Sort = keyof typeof ORDERS

/** In this category, with every one of `facets` and any of `tags`, at a price between both ends. */
export interface Filters {
  /** `keyOf` it; '' for any. */
  readonly category: string
  readonly facets: readonly string[]
  readonly tags: readonly string[]
  readonly price: { readonly min: bigint; readonly max: bigint } | undefined
  readonly query: SearchQuery | undefined
}

export interface Window {
  readonly sort: Sort
  readonly limit: number
  readonly offset: number
}

/**
 * What is common and what is rare differs by a thousand times here, so lists are planned for their own values; then every
 * filter that is not asked for falls away, too. Without filters one index holds the whole answer, however deep
 * the page.
 */
export async function selectListed(
  db: Db,
  { filters, window }: { filters: Filters | undefined; window: Window },
): Promise<(ServiceCard & ServiceStanding)[]> {
  const { by, leads } = ORDERS[window.sort]
  const source = filters
    ? sql`select s.id from ${matching(filters)}`
    : leads === 'stats'
      ? raw('select r.service_id as id from service_stats r where r.listed')
      : raw('select s.id from service s where s.active')
  const list = sql`
    with page as materialized (${source} order by ${by} limit ${window.limit} offset ${window.offset})
    select ${CARD}, ${STANDING}
    from page join service s on s.id = page.id join service_stats r on r.service_id = page.id
    order by ${by}`
  return db.rows(planForItsValues(list))
}

/**
 * Answers to a search: the `depth` matches of the highest quality, ordered as asked; `best` weighs how well the words fit
 * with quality. Fitting and ordering read every match, so they may not run over all of them. `total` counts them.
 */
export async function selectMatches(
  db: Db,
  { filters, window, depth }: { filters: Filters & { query: SearchQuery }; window: Window; depth: number },
): Promise<Page<ServiceCard & ServiceStanding & { rank: Rank | null }>> {
  const by = window.sort === 'best' ? raw('weight desc, id desc') : ORDERS[window.sort].by
  const fit = fitOf({ search: sql`search`, title: sql`name` }, filters.query)
  const matches = sql`
    with match as materialized (
      select s.id, s.name, s.search, s.price_micros, r.quality, r.rating_milli, r.rating_count, r.completed
      from ${matching(filters)} order by quality desc, id desc limit ${depth}),
    fitting as (select *, ${fit} as text, quality / 10000::double precision as proof from match),
    weighed as (select *, ${weighed({ text: sql`text`, proof: sql`proof` })} as weight from fitting),
    page as materialized (
      select id, text, proof, weight, row_number() over (order by ${by}) as place from weighed
      order by place limit ${window.limit} offset ${window.offset})
    select ${CARD}, ${STANDING}, (select count(*)::integer from match) as total,
      jsonb_build_object('text', page.text, 'proof', page.proof, 'weight', page.weight) as rank
    from page join service s on s.id = page.id join service_stats r on r.service_id = page.id
    order by page.place`
  type Row = ServiceCard & ServiceStanding & { readonly total: number; readonly rank: Rank }
  const rows = await db.rows<Row>(planForItsValues(matches))
  const isWeighed = window.sort === 'best'
  return { items: rows.map((row) => (isWeighed ? row : { ...row, rank: null })), total: rows[0]?.total ?? 0 }
}

/** How many there are, counted up to `limit`. */
export async function countListed(
  db: Db,
  { filters, limit }: { filters: Filters | undefined; limit: number },
): Promise<number> {
  const counted = filters
    ? sql`select 1 from service s where ${conditions(filters)} limit ${limit}`
    : sql`select 1 from service s where s.active limit ${limit}`
  const count = sql`select count(*)::integer as total from (${counted}) as found`
  const row = await db.one<{ total: number }>(planForItsValues(count))
  return row?.total ?? 0
}

function matching(filters: Filters): Sql {
  return sql`service s join service_stats r on r.service_id = s.id where r.listed and ${conditions(filters)}`
}

function conditions({ category, facets, tags, price, query }: Filters): Sql {
  const words = query ? sql`and s.search @@ (${tsqueryOf(query)})` : empty
  return sql`s.active ${words}
    and (${category} = '' or s.category_key = ${category})
    and (${facets}::text[] = '{}' or s.facets @> ${facets})
    and (${tags}::text[] = '{}' or s.facets && ${tags})
    and (${price === undefined}::boolean or s.price_micros between ${price?.min ?? 0n} and ${price?.max ?? 0n})`
}
