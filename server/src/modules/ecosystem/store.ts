import sql, { raw } from 'sql-template-tag'
import { isId } from '#kernel/id'
import type { Db, Tx } from '#platform/db'
import type { Accepted, Item } from './item.ts'
import type { Counts, Source } from './source.ts'

const SOURCE = raw(`id, url, configured, active, added_at as "addedAt", pass, next_offset as "nextOffset",
  page_size as "pageSize", due_at as "dueAt", failures, fault, counts, last_counts as "lastCounts",
  completed_at as "completedAt"`)

export interface NewSource {
  readonly id: string
  readonly url: string
  readonly configured: boolean
  readonly pageSize: number
  /** Leaves one that is read already to its own time. */
  readonly onlyIfNew?: boolean
}

export async function insertSource(
  tx: Tx,
  { id, url, configured, pageSize, onlyIfNew = false }: NewSource,
): Promise<Source> {
  const row = await tx.one<Source>(sql`
    insert into ecosystem_source as known (id, url, configured, added_at, page_size, due_at)
    values (${id}, ${url}, ${configured}, ${tx.now}, ${pageSize}, ${tx.now})
    on conflict (url) do update set configured = excluded.configured or known.configured, active = true,
      due_at = case when ${onlyIfNew} and known.active then known.due_at else excluded.due_at end,
      failures = case when ${onlyIfNew} and known.active then known.failures else 0 end
    returning ${SOURCE}`)
  if (!row) throw new Error('a source was neither inserted nor found')
  return row
}

export function selectSources(db: Db): Promise<Source[]> {
  return db.rows<Source>(sql`select ${SOURCE} from ecosystem_source order by added_at, id`)
}

export async function lockSource(tx: Tx, id: string): Promise<Source | undefined> {
  if (!isId(id)) return undefined
  return tx.one<Source>(sql`select ${SOURCE} from ecosystem_source where id = ${id} for no key update`)
}

export async function stopSource(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update ecosystem_source set active = false, configured = false, lease = null where id = ${id}`)
}

/** Stops configured sources that are not among these; answers which. */
export async function stopUnnamed(tx: Tx, urls: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    update ecosystem_source set active = false, configured = false, lease = null
    where configured and url <> all(${urls}::text[]) returning id`)
  return rows.map(({ id }) => id)
}

/** The source that is due first, for whoever claimed it; nobody else reads it meanwhile. */
export async function claimSource(
  tx: Tx,
  { lease, leaseMs }: { lease: string; leaseMs: number },
): Promise<Source | undefined> {
  return tx.one<Source>(sql`
    update ecosystem_source set lease = ${lease}, lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where id = (
      select id from ecosystem_source
      where active and due_at <= ${tx.now} and (lease_until is null or lease_until < clock_timestamp())
      order by due_at limit 1 for update skip locked)
    returning ${SOURCE}`)
}

/** The claimed source again, held until the commit; undefined when the claim went to another. */
export async function heldSource(tx: Tx, { id, lease }: { id: string; lease: string }): Promise<Source | undefined> {
  return tx.one<Source>(sql`
    select ${SOURCE} from ecosystem_source where id = ${id} and lease = ${lease} and active for no key update`)
}

export interface Progress {
  readonly id: string
  readonly nextOffset: bigint
  readonly counts: Counts
}

/** On with the next page at once. */
export async function advance(tx: Tx, { id, nextOffset, counts }: Progress): Promise<void> {
  await tx.run(sql`
    update ecosystem_source set next_offset = ${nextOffset}, counts = ${JSON.stringify(counts)}::json, failures = 0,
      fault = null, lease = null, lease_until = null
    where id = ${id}`)
}

/** The pass has ended; the next one begins when it is due. */
export async function endPass(
  tx: Tx,
  { id, counts, everySeconds, pageSize }: Omit<Progress, 'nextOffset'> & { everySeconds: number; pageSize: number },
): Promise<void> {
  await tx.run(sql`
    update ecosystem_source set pass = pass + 1, next_offset = 0, page_size = ${pageSize}, counts = '{}',
      last_counts = ${JSON.stringify(counts)}::json, completed_at = ${tx.now}, failures = 0, fault = null,
      due_at = ${tx.now}::timestamptz + ${everySeconds} * interval '1 s', lease = null, lease_until = null
    where id = ${id}`)
}

export async function noteFailure(
  tx: Tx,
  {
    id,
    lease,
    fault,
    pageSize,
    afterSeconds,
  }: { id: string; lease: string; fault: string; pageSize: number; afterSeconds: number },
): Promise<void> {
  await tx.run(sql`
    update ecosystem_source set failures = failures + 1, fault = ${fault}, page_size = ${pageSize},
      due_at = ${tx.now}::timestamptz + ${afterSeconds} * interval '1 s', lease = null, lease_until = null
    where id = ${id} and lease = ${lease}`)
}

export interface KnownResource {
  readonly offerId: string
  readonly sourceId: string
  readonly resource: string
  readonly digest: Buffer
  readonly stale: boolean
  readonly pass: bigint
}

export function selectKnown(db: Db, resources: readonly string[]): Promise<KnownResource[]> {
  return db.rows<KnownResource>(sql`
    select r.offer_id as "offerId", r.source_id as "sourceId", r.resource, r.digest,
      r.stale_since is not null as stale, s.pass
    from ecosystem_resource r join ecosystem_sighting s using (offer_id) where r.resource = any(${resources}::text[])`)
}

export interface KeptItem {
  readonly offerId: string
  readonly sourceId: string
  readonly item: Item
}

/** Keeps resources that are new, and what has changed of those that are known. */
export async function keepResources(tx: Tx, kept: readonly KeptItem[]): Promise<void> {
  await tx.run(sql`
    insert into ecosystem_resource (offer_id, source_id, resource, network, pay_to, accepts, digest, last_updated, first_seen_at)
    select *, ${tx.now}::timestamptz from unnest(
      ${kept.map(({ offerId }) => offerId)}::uuid[], ${kept.map(({ sourceId }) => sourceId)}::uuid[],
      ${kept.map(({ item }) => item.resource)}::text[], ${kept.map(({ item }) => item.paid.network)}::text[],
      ${kept.map(({ item }) => item.paid.payTo)}::text[], ${kept.map(({ item }) => acceptsText(item.accepts))}::json[],
      ${kept.map(({ item }) => item.digest)}::bytea[], ${kept.map(({ item }) => item.lastUpdated)}::timestamptz[])
    on conflict (offer_id) do update set source_id = excluded.source_id, network = excluded.network,
      pay_to = excluded.pay_to, accepts = excluded.accepts, digest = excluded.digest,
      last_updated = excluded.last_updated, stale_since = null`)
}

function acceptsText(accepts: readonly Accepted[]): string {
  return JSON.stringify(accepts)
}

export async function markSeen(
  tx: Tx,
  { offerIds, pass }: { offerIds: readonly string[]; pass: bigint },
): Promise<void> {
  await tx.run(sql`
    insert into ecosystem_sighting (offer_id, pass, last_seen_at)
    select id, ${pass}::bigint, ${tx.now}::timestamptz from unnest(${offerIds}::uuid[]) as id order by id
    on conflict (offer_id) do update set pass = excluded.pass, last_seen_at = excluded.last_seen_at`)
}

/** Marks what a source has not told of since a pass; answers which offers these are. */
export async function markStale(tx: Tx, { sourceId, before }: { sourceId: string; before: bigint }): Promise<string[]> {
  const rows = await tx.rows<{ offerId: string }>(sql`
    update ecosystem_resource r set stale_since = ${tx.now} from ecosystem_sighting s
    where r.source_id = ${sourceId} and r.stale_since is null and s.offer_id = r.offer_id and s.pass < ${before}
    returning r.offer_id as "offerId"`)
  return rows.map(({ offerId }) => offerId)
}

export async function markAllStale(tx: Tx, sourceId: string): Promise<string[]> {
  const rows = await tx.rows<{ offerId: string }>(sql`
    update ecosystem_resource set stale_since = ${tx.now} where source_id = ${sourceId} and stale_since is null
    returning offer_id as "offerId"`)
  return rows.map(({ offerId }) => offerId)
}
