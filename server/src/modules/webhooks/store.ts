import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { DeliveryState, Outcome, Verdict } from './delivery.ts'

export interface NewDelivery {
  readonly id: string
  /** The receiver's webhook-id. */
  readonly noticeId: string
  readonly endpointId: string
  readonly format: string
  readonly eventName: string
  readonly recipientId: string
  readonly url: string
  readonly body: string
  readonly state: DeliveryState
  readonly dueAt: Date | null
}

export async function insertDeliveries(tx: Tx, fresh: readonly NewDelivery[]): Promise<void> {
  await tx.run(sql`
    insert into delivery (
      id, notice_id, endpoint_id, format, event_name, recipient_id, url, body, state, due_at, created_at)
    select *, ${tx.now}::timestamptz from unnest(
      ${fresh.map(({ id }) => id)}::uuid[],
      ${fresh.map(({ noticeId }) => noticeId)}::uuid[],
      ${fresh.map(({ endpointId }) => endpointId)}::uuid[],
      ${fresh.map(({ format }) => format)}::text[],
      ${fresh.map(({ eventName }) => eventName)}::text[],
      ${fresh.map(({ recipientId }) => recipientId)}::uuid[],
      ${fresh.map(({ url }) => url)}::text[],
      ${fresh.map(({ body }) => body)}::text[],
      ${fresh.map(({ state }) => state)}::text[],
      ${fresh.map(({ dueAt }) => dueAt)}::timestamptz[])
    on conflict do nothing`)
}

/** A delivery in the hands of one sender. */
export interface Claim {
  readonly id: string
  /** The receiver's webhook-id. */
  readonly noticeId: string
  readonly endpointId: string
  readonly format: string
  readonly eventName: string
  readonly recipientId: string
  readonly url: string
  readonly body: string
  readonly attempts: number
  /** An address of its recipient takes nothing at present. */
  readonly isSuspect: boolean
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
  /** Of them to recipients with an address that takes nothing at present; of these one at a time each. */
  readonly suspects: number
  /** Sends to one recipient at a time, counting those under way. */
  readonly perRecipient: number
  readonly leaseSeconds: number
}

/** Bounds what one claim looks at, however long the queue of a slow recipient has grown. */
const OLDEST = 256

/**
 * Takes the oldest due deliveries, of each recipient no more than it has room for. Suspects are looked for apart, so that
 * however much waits for them, nobody waits behind it. Leases are on the real clock: they tell whether a process is
 * alive, and moving the market's clock must not take its work away.
 */
export async function claimDue(tx: Tx, { sends, suspects, perRecipient, leaseSeconds }: ClaimLimits): Promise<Claim[]> {
  const isDue = sql`
    state = 'pending' and due_at <= ${tx.now} and (lease_until is null or lease_until <= clock_timestamp())`
  return tx.rows<Claim>(sql`
    with under_way as materialized (
      select recipient_id, count(*) as sends from delivery
      where lease_until is not null and lease_until > clock_timestamp() group by recipient_id
    ),
    failing as materialized (select distinct party_id from endpoint where failing_since is not null),
    trusted as materialized (
      select id, recipient_id, due_at, false as is_suspect, ${perRecipient}::int as room from delivery
      where ${isDue} and recipient_id not in (select party_id from failing)
        and recipient_id not in (select recipient_id from under_way where sends >= ${perRecipient})
      order by due_at, id limit ${OLDEST} for update of delivery skip locked
    ),
    suspect as materialized (
      select id, recipient_id, due_at, true as is_suspect, 1 as room from delivery
      where ${isDue} and recipient_id in (select party_id from failing)
        and recipient_id not in (select recipient_id from under_way)
      order by due_at, id limit ${suspects > 0 ? OLDEST : 0} for update of delivery skip locked
    ),
    ranked as (
      select oldest.*, coalesce(sends, 0) + row_number() over (partition by recipient_id order by due_at, id) as place
      from (select * from trusted union all select * from suspect) as oldest left join under_way using (recipient_id)
    ),
    seated as (
      select id, due_at, is_suspect, row_number() over (partition by is_suspect order by due_at, id) as nth
      from ranked where place <= room
    ),
    chosen as (
      select id, is_suspect from seated where not is_suspect or nth <= ${suspects} order by due_at, id limit ${sends}
    )
    update delivery set lease_until = clock_timestamp() + ${leaseSeconds} * interval '1 second'
    from chosen where delivery.id = chosen.id
    returning delivery.id, notice_id as "noticeId", endpoint_id as "endpointId", is_suspect as "isSuspect", format,
      event_name as "eventName", recipient_id as "recipientId", url, body, attempts,
      lease_until::text as lease, clock_timestamp() as "claimedAt"`)
}

export interface Concluded {
  readonly claim: Claim
  readonly outcome: Outcome
  readonly verdict: Verdict
  /** The headers that were sent. */
  readonly request: Readonly<Record<string, string>>
}

/** Logs the attempt and, unless the lease went to another sender meanwhile, moves the delivery on. */
export async function saveOutcome(tx: Tx, { claim, outcome, verdict, request }: Concluded): Promise<void> {
  const { status, error, response, durationMs } = outcome
  const deliveredAt = verdict.state === 'delivered' ? tx.now : null
  await tx.run(sql`
    with moved as (
      update delivery set state = ${verdict.state}, attempts = attempts + 1, due_at = ${verdict.dueAt}, lease_until = null,
        last_status = ${status}, last_error = ${error}, delivered_at = ${deliveredAt}
      where id = ${claim.id} and lease_until = ${claim.lease}::timestamptz
    )
    insert into delivery_attempt (delivery_id, at, duration_ms, request, status, error, response)
    select id, ${tx.now}::timestamptz,
      coalesce(${durationMs}::integer, extract(epoch from clock_timestamp() - ${claim.claimedAt}::timestamptz) * 1000),
      ${JSON.stringify(request)}::text, ${status}::smallint, ${error}::text, ${response}::text
    from delivery where id = ${claim.id}`)
}

/** An address that asked for patience gets it from all that waits for it. */
export async function putOff(tx: Tx, endpointId: string, until: Date): Promise<void> {
  await tx.run(sql`
    update delivery set due_at = ${until}
    where endpoint_id = ${endpointId} and state = 'pending' and due_at < ${until}
      and (lease_until is null or lease_until <= clock_timestamp())`)
}

/** What waits for an address that is not sent to any more. Senders at work have their say. */
export async function disableWaiting(tx: Tx, endpointId: string): Promise<void> {
  await tx.run(sql`
    update delivery set state = 'disabled', due_at = null, lease_until = null
    where endpoint_id = ${endpointId} and state = 'pending'
      and (lease_until is null or lease_until <= clock_timestamp())`)
}

/** Forgets a bounded number of closed deliveries made before `before`, with their attempts. */
export async function deleteClosed(tx: Tx, { before, limit }: { before: Date; limit: number }): Promise<number> {
  return tx.run(sql`
    delete from delivery where id in (
      select id from delivery where created_at < ${before} and state <> 'pending'
      order by created_at limit ${limit} for update skip locked
    )`)
}
