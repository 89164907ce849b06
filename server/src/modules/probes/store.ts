import sql from 'sql-template-tag'
import { isId } from '#kernel/id'
import type { HealthState } from '#offers'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'
import type { Condition } from './condition.ts'

export interface Probe extends Condition {
  readonly offerId: string
  readonly sellerId: string
  readonly status: HealthState
  readonly checkedAt: Date | null
  /** When it was last seen to be well. */
  readonly healthyAt: Date | null
  /** Null while it is off the market. */
  readonly dueAt: Date | null
}

const COLUMNS = sql`
  offer_id as "offerId", seller_id as "sellerId", status, probe_failures as "probeFailures", probe_fault as "probeFault",
  call_failures as "callFailures", call_fault as "callFault", call_failed_at as "callFailedAt",
  checked_at as "checkedAt", healthy_at as "healthyAt", due_at as "dueAt"`

export async function selectProbe(db: Db, offerId: string): Promise<Probe | undefined> {
  return isId(offerId) ? db.one(sql`select ${COLUMNS} from probe where offer_id = ${offerId}`) : undefined
}

export interface Appointment {
  readonly offerId: string
  readonly sellerId: string
  readonly host: string
  readonly dueAt: Date | null
}

/** Appoints probes anew. One that is under way looks at what is no longer offered: its finding is dropped. */
export async function appoint(tx: Tx, appointments: readonly Appointment[]): Promise<void> {
  await tx.run(sql`
    insert into probe (offer_id, seller_id, host, due_at, due_since)
    select *, due_at from unnest(
      ${appointments.map(({ offerId }) => offerId)}::uuid[],
      ${appointments.map(({ sellerId }) => sellerId)}::uuid[],
      ${appointments.map(({ host }) => host)}::text[],
      ${appointments.map(({ dueAt }) => dueAt)}::timestamptz[]) as a (offer_id, seller_id, host, due_at)
    order by 1
    on conflict (offer_id) do update set host = excluded.host, lease = null, lease_until = '-infinity',
      due_at = case when excluded.due_at is null then null else least(probe.due_at, excluded.due_at) end,
      due_since = case when excluded.due_at is null then null else least(probe.due_since, excluded.due_at) end`)
}

export async function hasDue(db: Db, now: Date): Promise<boolean> {
  return (
    (await db.one(sql`
      select 1 from probe where due_at <= ${now} and lease_until < clock_timestamp() limit 1`)) !== undefined
  )
}

export interface Due {
  readonly offerId: string
  readonly host: string
}

/** Locks what is due and in nobody's hands; who has waited longest comes first, also over hours of its host. */
export async function lockDue(tx: Tx, limit: number): Promise<Due[]> {
  return tx.rows(sql`
    select offer_id as "offerId", host from probe
    where due_at <= ${tx.now} and lease_until < clock_timestamp()
    order by due_since limit ${limit} for no key update skip locked`)
}

export interface HostUse {
  readonly host: string
  readonly used: number
  /** When it may be asked as often again. */
  readonly renewedAt: Date
}

/** How often hosts were asked within their hour, with a new hour begun where the last one is over. Locks them. */
export async function lockHosts(tx: Tx, hosts: readonly string[]): Promise<HostUse[]> {
  return tx.rows(sql`
    insert into probe_host as known (host, since, used)
    select host, ${tx.now}::timestamptz, 0 from unnest(${hosts}::text[]) as asked (host) order by 1
    on conflict (host) do update set since =
        case when known.since <= excluded.since - interval '1 hour' then excluded.since else known.since end,
      used = case when known.since <= excluded.since - interval '1 hour' then 0 else known.used end
    returning host, used, since + interval '1 hour' as "renewedAt"`)
}

export async function countUse(tx: Tx, uses: readonly Pick<HostUse, 'host' | 'used'>[]): Promise<void> {
  await tx.run(sql`
    update probe_host set used = more.used from unnest(
      ${uses.map(({ host }) => host)}::text[], ${uses.map(({ used }) => used)}::integer[]) as more (host, used)
    where probe_host.host = more.host`)
}

/** A lease is of the real clock: whoever took it and died holds nobody up for long. */
export async function lease(
  tx: Tx,
  { offerIds, lease, leaseMs }: { offerIds: readonly string[]; lease: string; leaseMs: number },
): Promise<void> {
  await tx.run(sql`
    update probe set lease = ${lease}, lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where offer_id = any(${offerIds}::uuid[])`)
}

export async function postpone(tx: Tx, later: readonly { offerId: string; dueAt: Date }[]): Promise<void> {
  await tx.run(sql`
    update probe set due_at = later.due_at, lease = null, lease_until = '-infinity'
    from unnest(${later.map(({ offerId }) => offerId)}::uuid[], ${later.map(({ dueAt }) => dueAt)}::timestamptz[])
      as later (offer_id, due_at)
    where probe.offer_id = later.offer_id and probe.due_at is not null`)
}

/** The row, locked; with `lease` only while it is still ours. */
export async function lockProbe(tx: Tx, offerId: string, lease: string | null): Promise<Probe | undefined> {
  return tx.one(sql`
    select ${COLUMNS} from probe
    where offer_id = ${offerId} and (${lease}::uuid is null or lease = ${lease}) for no key update`)
}

/** Of which of them an answered call would change anything. */
export async function blemishedAmong(db: Db, offerIds: readonly string[]): Promise<ReadonlyMap<string, true>> {
  const rows = await db.rows<{ offerId: string }>(sql`
    select offer_id as "offerId" from probe
    where offer_id = any(${listed(offerIds, 'uuid')}) and (probe_failures > 0 or call_failures > 0)`)
  return new Map(rows.map(({ offerId }) => [offerId, true] as const))
}

export async function saveProbe(tx: Tx, probe: Probe): Promise<void> {
  await tx.run(sql`
    update probe set status = ${probe.status}, probe_failures = ${probe.probeFailures}, probe_fault = ${probe.probeFault},
      call_failures = ${probe.callFailures}, call_fault = ${probe.callFault}, call_failed_at = ${probe.callFailedAt},
      checked_at = ${probe.checkedAt}, healthy_at = ${probe.healthyAt}, due_at = ${probe.dueAt},
      due_since = ${probe.dueAt},
      lease = null, lease_until = '-infinity'
    where offer_id = ${probe.offerId}`)
}
