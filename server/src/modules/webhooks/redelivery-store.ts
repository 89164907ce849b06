import sql from 'sql-template-tag'
import type { Tx } from '#platform/db'
import type { DisabledBecause } from './endpoint.ts'

/** A delivery, as far as sending it again goes. */
export interface Again {
  readonly id: string
  readonly recipientId: string
  readonly endpointId: string
  readonly url: string
  readonly disabledBecause: DisabledBecause | null
}

export async function lockAgain(tx: Tx, id: string): Promise<Again | undefined> {
  return tx.one(sql`
    select delivery.id, recipient_id as "recipientId", endpoint_id as "endpointId", delivery.url,
      disabled_because as "disabledBecause"
    from delivery join endpoint on endpoint.id = endpoint_id
    where delivery.id = ${id} for update of delivery`)
}

/** Due at once and with all its attempts ahead. Those a sender is at work on are left to it. */
export async function makeDueAgain(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update delivery set state = 'pending', attempts = 0, due_at = ${tx.now}, lease_until = null, delivered_at = null
    where id = any(${ids}) and (lease_until is null or lease_until <= clock_timestamp())`)
}

export interface Stretch {
  readonly partyId: string
  readonly since: Date
  /** Goes on after this delivery; null begins with the oldest. */
  readonly after: string | null
  /** Null: all endpoints. */
  readonly endpointId: string | null
  /** Also what was delivered before: the receiver has lost it. */
  readonly delivered: boolean
  readonly limit: number
}

/** Oldest first; those for addresses that are not sent to any more are left out. */
export async function lockStretch(tx: Tx, stretch: Stretch): Promise<string[]> {
  const { partyId, since, after, endpointId, delivered, limit } = stretch
  const rows = await tx.rows<{ id: string }>(sql`
    select delivery.id from delivery join endpoint on endpoint.id = endpoint_id and disabled_because is null
    where recipient_id = ${partyId} and delivery.created_at >= ${since}
      and (${after}::uuid is null or delivery.id > ${after}) and (${endpointId}::uuid is null or endpoint_id = ${endpointId})
      and (state in ('failed', 'disabled') or (state = 'pending' and due_at > ${tx.now}) or (${delivered} and state = 'delivered'))
      and (lease_until is null or lease_until <= clock_timestamp())
    order by delivery.id limit ${limit} for update of delivery`)
  return rows.map(({ id }) => id)
}
