import sql, { type Sql } from 'sql-template-tag'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Db } from '#platform/db'
import type { DeliveryState } from './delivery.ts'
import type { NewDelivery } from './store.ts'

export interface Attempt {
  /** When its outcome was known, on the market's clock. */
  readonly at: Date
  readonly durationMs: number
  /** The headers that were sent, as JSON. */
  readonly request: string
  readonly status: number | null
  readonly error: string | null
  readonly response: string | null
}

export interface Delivery extends NewDelivery {
  /** Since it was made or last asked for again. */
  readonly attempts: number
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
  readonly endpointId?: string | undefined
  readonly webhookId?: string | undefined
  readonly id?: string | undefined
}

/** Newest first. */
export async function deliveries(db: Db, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>> {
  const where = matching(filter)
  const rows = await db.rows<Omit<Delivery, 'log'>>(sql`
    select id, notice_id as "noticeId", endpoint_id as "endpointId", format, event_name as "eventName",
      recipient_id as "recipientId", url, body, state, attempts, due_at as "dueAt", last_status as "lastStatus",
      last_error as "lastError", created_at as "createdAt", delivered_at as "deliveredAt"
    from delivery where ${where} order by id desc limit ${page.limit} offset ${offsetOf(page)}`)
  const counted = await db.one<{ total: bigint }>(sql`select count(*) as total from delivery where ${where}`)
  const logs = await attemptsOf(
    db,
    rows.map(({ id }) => id),
  )
  return { items: rows.map((row) => ({ ...row, log: logs.get(row.id) ?? [] })), total: Number(counted?.total ?? 0n) }
}

const LOGGED = 20

async function attemptsOf(db: Db, ids: readonly string[]): Promise<Map<string, Attempt[]>> {
  const rows = await db.rows<Attempt & { deliveryId: string }>(sql`
    select asked.id as "deliveryId", latest.at, latest.duration_ms as "durationMs", latest.request, latest.status, latest.error, latest.response
    from unnest(${ids}::uuid[]) as asked (id) cross join lateral (
      select * from delivery_attempt where delivery_id = asked.id order by id desc limit ${LOGGED}
    ) as latest
    order by latest.id`)
  const logs = new Map<string, Attempt[]>()
  for (const { deliveryId, ...attempt } of rows) logs.set(deliveryId, [...(logs.get(deliveryId) ?? []), attempt])
  return logs
}

function matching(filter: DeliveryFilter): Sql {
  const { state = null, recipientId = null, eventName = null, endpointId = null, webhookId = null, id = null } = filter
  return sql`
    (${state}::text is null or state = ${state}) and (${recipientId}::uuid is null or recipient_id = ${recipientId})
    and (${eventName}::text is null or event_name = ${eventName})
    and (${endpointId}::uuid is null or endpoint_id = ${endpointId})
    and (${webhookId}::uuid is null or notice_id = ${webhookId}) and (${id}::uuid is null or id = ${id})`
}
