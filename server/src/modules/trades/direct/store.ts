import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Terms } from '#orders'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'

/** How many jobs are at work for a service, and how many wait. */
export interface Slots {
  readonly active: number
  readonly queued: number
}

type SlotRow = Slots & { readonly serviceId: string }

/** Locks the slots of services in id order, making rows for services never hired before. */
export async function lockSlots(tx: Tx, serviceIds: readonly string[]): Promise<Map<string, Slots>> {
  const lock = () =>
    tx.rows<SlotRow>(sql`
      select service_id as "serviceId", active, queued from direct_slot
      where service_id = any(${listed(serviceIds, 'uuid')}) order by service_id for no key update`)
  const rows = await lock()
  if (rows.length === serviceIds.length) return byService(rows)
  await tx.run(sql`
    insert into direct_slot (service_id) select id from unnest(${serviceIds}::uuid[]) as id order by id on conflict do nothing`)
  return byService(await lock())
}

/** Adds to slots and answers what they are now. */
export async function changeSlots(tx: Tx, deltas: ReadonlyMap<string, Slots>): Promise<Map<string, Slots>> {
  if (deltas.size === 0) return new Map()
  const entries = [...deltas].sort(([a], [b]) => (a < b ? -1 : 1))
  const ids = entries.map(([id]) => id)
  const rows = await tx.rows<SlotRow>(sql`
    with locked as materialized (
      select service_id from direct_slot where service_id = any(${listed(ids, 'uuid')})
      order by service_id for no key update
    )
    update direct_slot set active = direct_slot.active + delta.active, queued = direct_slot.queued + delta.queued
    from unnest(
      ${ids}::uuid[],
      ${entries.map(([, { active }]) => active)}::int[],
      ${entries.map(([, { queued }]) => queued)}::int[]
    ) as delta (service_id, active, queued)
    join locked using (service_id)
    where direct_slot.service_id = locked.service_id
    returning direct_slot.service_id as "serviceId", direct_slot.active, direct_slot.queued`)
  return byService(rows)
}

/** Whether anybody is in line at all, without a unit of work. */
export async function isAnyWaiting(db: Db): Promise<boolean> {
  return (await db.one(sql`select 1 from direct_slot where queued > 0 limit 1`)) !== undefined
}

/** Services after `last` with somebody in line, with their slots locked; those at work elsewhere are skipped. */
export async function lockWaitingServices(
  tx: Tx,
  { last, limit }: { last: string; limit: number },
): Promise<Map<string, Slots>> {
  const rows = await tx.rows<SlotRow>(sql`
    select service_id as "serviceId", active, queued from direct_slot where queued > 0 and service_id > ${last}
    order by service_id limit ${limit} for no key update skip locked`)
  return byService(rows)
}

/** Keeps schemas that jobs were agreed on, named by their hashes, for as long as any job may need them. */
export async function keepSchemas(tx: Tx, schemas: ReadonlyMap<string, string>): Promise<void> {
  if (schemas.size === 0) return
  // In one order for all: whoever inserts the same hash waits for us.
  await tx.run(sql`
    insert into direct_schema (sha256, schema)
    select sha256, schema::json from unnest(${[...schemas.keys()]}::text[], ${[...schemas.values()]}::text[]) as s (sha256, schema)
    order by sha256 collate "C" on conflict do nothing`)
}

export async function schemaByHash(db: Db, hash: string): Promise<unknown> {
  return (await db.one<{ schema: unknown }>(sql`select schema from direct_schema where sha256 = ${hash}`))?.schema
}

/** A slot kept for a job that is still being paid for, with what was agreed on. */
export interface Reservation {
  readonly id: string
  readonly serviceId: string
  readonly sellerId: string
  readonly waits: boolean
  readonly price: Micros
  readonly terms: Terms
}

export async function insertReservation(tx: Tx, reservation: Reservation): Promise<void> {
  const { id, serviceId, sellerId, waits, price, terms } = reservation
  await tx.run(sql`
    insert into direct_reservation (id, service_id, seller_id, waits, price, terms, reserved_at)
    values (${id}, ${serviceId}, ${sellerId}, ${waits}, ${price}, ${JSON.stringify(terms)}::jsonb, ${tx.now})`)
}

/** Takes a reservation away for the one who is told of it: to make it a job, or to give its slot back. */
export async function takeReservation(tx: Tx, id: string): Promise<Reservation | undefined> {
  return tx.one<Reservation>(sql`
    delete from direct_reservation where id = ${id}
    returning id, service_id as "serviceId", seller_id as "sellerId", waits, price, terms`)
}

function byService(rows: readonly SlotRow[]): Map<string, Slots> {
  return new Map(rows.map(({ serviceId, active, queued }) => [serviceId, { active, queued }]))
}
