import sql from 'sql-template-tag'
import { newId } from '#kernel/id'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Db, Tx } from '#platform/db'
import type { Health } from './endpoint.ts'

/** Where a party's webhooks go. */
export interface Endpoint extends Health {
  readonly id: string
  readonly partyId: string
  readonly url: string
  readonly disabledAt: Date | null
  readonly createdAt: Date
}

export interface Address {
  readonly partyId: string
  readonly url: string
}

const ENDPOINT = sql`
  endpoint.id, endpoint.party_id as "partyId", endpoint.url, endpoint.failing_since as "failingSince",
  endpoint.resting_until as "restingUntil", endpoint.disabled_at as "disabledAt",
  endpoint.disabled_because as "disabledBecause", endpoint.created_at as "createdAt"`

/**
 * The endpoints of these addresses, made where there are none yet; none is forgotten before this unit ends. Only the
 * reader that tells makes them, one at a time.
 */
export async function endpointsAt(tx: Tx, addresses: readonly Address[]): Promise<Map<string, Endpoint>> {
  const distinct = [...new Map(addresses.map((address) => [keyOf(address), address])).values()]
  const parties = distinct.map(({ partyId }) => partyId)
  const urls = distinct.map(({ url }) => url)
  await tx.run(sql`
    insert into endpoint (id, party_id, url, created_at)
    select *, ${tx.now}::timestamptz from unnest(
      ${distinct.map(() => newId())}::uuid[], ${parties}::uuid[], ${urls}::text[])
    on conflict do nothing`)
  const rows = await tx.rows<Endpoint>(sql`
    select ${ENDPOINT} from unnest(${parties}::uuid[], ${urls}::text[]) as asked (party_id, url)
    join endpoint on endpoint.party_id = asked.party_id and md5(endpoint.url) = md5(asked.url)
    for key share of endpoint`)
  return new Map(rows.map((row) => [keyOf(row), row]))
}

export function keyOf({ partyId, url }: Address): string {
  return `${partyId} ${url}`
}

export async function lockEndpoint(tx: Tx, id: string): Promise<Endpoint | undefined> {
  return tx.one(sql`select ${ENDPOINT} from endpoint where id = ${id} for no key update`)
}

export async function endpointById(db: Db, id: string): Promise<Endpoint | undefined> {
  return db.one(sql`select ${ENDPOINT} from endpoint where id = ${id}`)
}

/** Undefined where nothing was ever sent there. */
export async function endpointAt(db: Db, { partyId, url }: Address): Promise<Endpoint | undefined> {
  return db.one(sql`
    select ${ENDPOINT} from endpoint where party_id = ${partyId} and md5(url) = md5(${url})`)
}

export async function saveHealth(tx: Tx, id: string, health: Health): Promise<void> {
  const { failingSince, restingUntil, disabledBecause } = health
  await tx.run(sql`
    update endpoint set failing_since = ${failingSince}, resting_until = ${restingUntil},
      disabled_because = ${disabledBecause},
      disabled_at = case when ${disabledBecause}::text is not null then coalesce(disabled_at, ${tx.now}) end
    where id = ${id}`)
}

/** Something was taken. Writes only where that is news, as this is said for every message. */
export async function markWell(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`
    update endpoint set failing_since = null, resting_until = null
    where id = ${id} and (failing_since is not null or resting_until is not null)`)
}

/** Endpoints nothing was sent to for as long as deliveries are kept. */
export async function deleteUnused(tx: Tx, { before, limit }: { before: Date; limit: number }): Promise<number> {
  return tx.run(sql`
    delete from endpoint where id in (
      select id from endpoint
      where created_at < ${before} and not exists (select 1 from delivery where endpoint_id = endpoint.id)
      limit ${limit} for update skip locked
    )`)
}

export interface EndpointView extends Endpoint {
  /** Deliveries that wait for an attempt, and those that were given up. */
  readonly pending: number
  readonly undelivered: number
  /** Of the latest message that was taken. */
  readonly lastDeliveredAt: Date | null
}

/** Newest first; `id` narrows to one of them. */
export async function endpointsOf(
  db: Db,
  { partyId, id = null }: { partyId: string; id?: string | null },
  page: PageRequest,
): Promise<Page<EndpointView>> {
  const items = await db.rows<EndpointView>(sql`
    select ${ENDPOINT}, sent.* from endpoint cross join lateral (
      select
        (select count(*)::int from delivery where endpoint_id = endpoint.id and state = 'pending') as pending,
        (select count(*)::int from delivery where endpoint_id = endpoint.id and state in ('failed', 'disabled')) as undelivered,
        (select delivered_at from delivery where endpoint_id = endpoint.id and state = 'delivered'
          order by id desc limit 1) as "lastDeliveredAt"
    ) as sent
    where party_id = ${partyId} and (${id}::uuid is null or endpoint.id = ${id})
    order by endpoint.id desc limit ${page.limit} offset ${offsetOf(page)}`)
  const counted = await db.one<{ total: bigint }>(sql`
    select count(*) as total from endpoint where party_id = ${partyId} and (${id}::uuid is null or id = ${id})`)
  return { items, total: Number(counted?.total ?? 0n) }
}
