import sql from 'sql-template-tag'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Db, Tx } from '#platform/db'
import type { DeliveryState, Outcome, Verdict } from './delivery.ts'

export interface NewDelivery {
  readonly id: string
  /** The receiver's webhook-id. */
  readonly noticeId: string
  readonly format: string
  readonly eventName: string
  readonly recipientId: string
  readonly url: string
  readonly body: string
}

export async function insertDeliveries(tx: Tx, fresh: readonly NewDelivery[]): Promise<void> {
  await tx.run(sql`
    insert into delivery (id, notice_id, format, event_name, recipient_id, url, body, state, due_at, created_at)
    select *, 'pending', ${tx.now}::timestamptz, ${tx.now}::timestamptz from unnest(
      ${fresh.map(({ id }) => id)}::uuid[],
      ${fresh.map(({ noticeId }) => noticeId)}::uuid[],
      ${fresh.map(({ format }) => format)}::text[],
      ${fresh.map(({ eventName }) => eventName)}::text[],
      ${fresh.map(({ recipientId }) => recipientId)}::uuid[],
      ${fresh.map(({ url }) => url)}::text[],
      ${fresh.map(({ body }) => body)}::text[])
    on conflict do nothing`)
}

/** A delivery in the hands of one sender. */
export interface Claim {
  readonly id: string
  /** The receiver's webhook-id. */
  readonly noticeId: string
  readonly format: string
  readonly eventName: string
  readonly recipientId: string
  readonly url: string
  readonly body: string
  readonly attempts: number
  /** Fencing token: the exact instant the lease ends, as text, since a `Date` has no microseconds. */
  readonly lease: string
  /** On the real clock. */
  readonly claimedAt: Date
}

/** A cheap look, so that an idle market opens no transactions. */
export async function hasDue(db: Db, now: Date): Promise<boolean> {
  const row = await db.one(sql`
    select 1 from delivery
    where state = 'pending' and due_at <= ${now} and (lease_until is null or lease_until <= clock_timestamp())
    limit 1`)
  return row !== undefined
}

export interface ClaimLimits {
  readonly sends: number
  /** Sends to one recipient at a time, counting those under way. */
  readonly perRecipient: number
  readonly leaseSeconds: number
}

/** Bounds what one claim looks at, however long the queue of a slow recipient has grown. */
const OLDEST = 256

/**
 * Takes the oldest due deliveries, of each recipient no more than it has room for. Leases are on the real clock: they
 * tell whether a process is alive, and moving the market's clock must not take its work away.
 */
export async function claimDue(tx: Tx, { sends, perRecipient, leaseSeconds }: ClaimLimits): Promise<Claim[]> {
  return tx.rows<Claim>(sql`
    with under_way as materialized (
      select recipient_id, count(*) as sends from delivery
      where lease_until is not null and lease_until > clock_timestamp() group by recipient_id
    ),
    oldest as materialized (
      select id, recipient_id, due_at from delivery
      where state = 'pending' and due_at <= ${tx.now} and (lease_until is null or lease_until <= clock_timestamp())
        and recipient_id <> all (array(select recipient_id from under_way where sends >= ${perRecipient}))
      order by due_at, id limit ${OLDEST} for update of delivery skip locked
    ),
    ranked as (
      select oldest.id, due_at, coalesce(sends, 0) + row_number() over (partition by recipient_id order by due_at, id) as place
      from oldest left join under_way using (recipient_id)
    ),
    chosen as (
      select id from ranked where place <= ${perRecipient} order by due_at, id limit ${sends}
    )
    update delivery set lease_until = clock_timestamp() + ${leaseSeconds} * interval '1 second'
    from chosen where delivery.id = chosen.id
    returning delivery.id, notice_id as "noticeId", format, event_name as "eventName", recipient_id as "recipientId", url, body, attempts,
      lease_until::text as lease, clock_timestamp() as "claimedAt"`)
}

/** Logs the attempt and, unless the lease went to another sender meanwhile, moves the delivery on. */
export async function saveOutcome(
  tx: Tx,
  { claim, outcome, verdict }: { claim: Claim; outcome: Outcome; verdict: Verdict },
): Promise<void> {
  const { status, error, response, durationMs } = outcome
  const deliveredAt = verdict.state === 'delivered' ? tx.now : null
  await tx.run(sql`
    with moved as (
      update delivery set state = ${verdict.state}, attempts = attempts + 1, due_at = ${verdict.dueAt}, lease_until = null,
        last_status = ${status}, last_error = ${error}, delivered_at = ${deliveredAt}
      where id = ${claim.id} and lease_until = ${claim.lease}::timestamptz
    )
    insert into delivery_attempt (delivery_id, at, duration_ms, status, error, response)
    select id, ${tx.now}::timestamptz,
      coalesce(${durationMs}::integer, extract(epoch from clock_timestamp() - ${claim.claimedAt}::timestamptz) * 1000),
      ${status}::smallint, ${error}::text, ${response}::text
    from delivery where id = ${claim.id}`)
}

/** Due at once and with all its attempts ahead; a sender still at work on it loses its say. */
export async function makeDueAgain(tx: Tx, id: string): Promise<boolean> {
  const touched = await tx.run(sql`
    update delivery set state = 'pending', attempts = 0, due_at = ${tx.now}, lease_until = null, delivered_at = null
    where id = ${id}`)
  return touched > 0
}

/** Forgets a bounded number of closed deliveries made before `before`, with their attempts. */
export async function deleteClosed(tx: Tx, { before, limit }: { before: Date; limit: number }): Promise<number> {
  return tx.run(sql`
    delete from delivery where id in (
      select id from delivery where created_at < ${before} and state <> 'pending'
      order by created_at limit ${limit} for update skip locked
    )`)
}

export interface Attempt {
  /** When its outcome was known, on the market's clock. */
  readonly at: Date
  readonly durationMs: number
  readonly status: number | null
  readonly error: string | null
  readonly response: string | null
}

export interface Delivery extends NewDelivery {
  readonly state: DeliveryState
  /** Since it was made or last asked for again. */
  readonly attempts: number
  readonly dueAt: Date | null
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly createdAt: Date
  readonly deliveredAt: Date | null
  /** Oldest first; the latest twenty. */
  readonly log: readonly Attempt[]
}

export interface DeliveryFilter {
  readonly state?: DeliveryState | undefined
  readonly recipientId?: string | undefined
  readonly eventName?: string | undefined
}

/** Newest first. */
export async function deliveries(db: Db, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>> {
  const { state = null, recipientId = null, eventName = null } = filter
  const rows = await db.rows<Omit<Delivery, 'log'>>(sql`
    select id, notice_id as "noticeId", format, event_name as "eventName", recipient_id as "recipientId", url, body, state,
      attempts, due_at as "dueAt", last_status as "lastStatus", last_error as "lastError", created_at as "createdAt",
      delivered_at as "deliveredAt"
    from delivery
    where (${state}::text is null or state = ${state}) and (${recipientId}::uuid is null or recipient_id = ${recipientId})
      and (${eventName}::text is null or event_name = ${eventName})
    order by id desc limit ${page.limit} offset ${offsetOf(page)}`)
  const counted = await db.one<{ total: bigint }>(sql`
    select count(*) as total from delivery
    where (${state}::text is null or state = ${state}) and (${recipientId}::uuid is null or recipient_id = ${recipientId})
      and (${eventName}::text is null or event_name = ${eventName})`)
  const logs = await attemptsOf(
    db,
    rows.map(({ id }) => id),
  )
  return { items: rows.map((row) => ({ ...row, log: logs.get(row.id) ?? [] })), total: Number(counted?.total ?? 0n) }
}

const LOGGED = 20

async function attemptsOf(db: Db, ids: readonly string[]): Promise<Map<string, Attempt[]>> {
  const rows = await db.rows<Attempt & { deliveryId: string }>(sql`
    select asked.id as "deliveryId", latest.at, latest.duration_ms as "durationMs", latest.status, latest.error, latest.response
    from unnest(${ids}::uuid[]) as asked (id) cross join lateral (
      select * from delivery_attempt where delivery_id = asked.id order by id desc limit ${LOGGED}
    ) as latest
    order by latest.id`)
  const logs = new Map<string, Attempt[]>()
  for (const { deliveryId, ...attempt } of rows) logs.set(deliveryId, [...(logs.get(deliveryId) ?? []), attempt])
  return logs
}
