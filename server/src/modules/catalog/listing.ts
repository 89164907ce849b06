import { newId } from '#kernel/id'
import type { Db, Tx } from '#platform/db'
import type { CheckedChanges, CheckedService } from './check.ts'
import { catalogRefusals } from './errors.ts'
import type { Patch, Service } from './service.ts'
import { NEUTRAL_TRUST } from './stats.ts'
import { insertService, lockService, saveService, selectServices } from './store.ts'

/** Puts a service on the market. */
export async function listService(
  tx: Tx,
  { ownerId, service: { fields } }: { ownerId: string; service: CheckedService },
): Promise<Service> {
  const facts = { id: newId(), ownerId, active: true, version: 1, createdAt: tx.now, updatedAt: tx.now }
  const service = { ...fields, ...facts }
  await insertService(tx, service, NEUTRAL_TRUST)
  emit(tx, 'service.listed', service)
  return service
}

/**
 * Changes a service. Orders already made keep the terms they were made with (D-4). Throws `service_unknown`,
 * `not_service_owner` (JP-50), or `service_edited` when schemas or examples were checked against an older version.
 */
export async function updateService(
  tx: Tx,
  { serviceId, by, changes }: { serviceId: string; by: string; changes: CheckedChanges },
): Promise<Service> {
  const service = owned(await lockService(tx, serviceId), by)
  if (changes.basedOn !== null && changes.basedOn !== service.version) throw catalogRefusals.service_edited()
  return save(tx, service, changes.changes)
}

/** Takes a service off the market (JP-51); doing it twice is doing it once. */
export async function deactivateService(
  tx: Tx,
  { serviceId, by }: { serviceId: string; by: string },
): Promise<Service> {
  const service = owned(await lockService(tx, serviceId), by)
  return service.active ? save(tx, service, { active: false }) : service
}

export async function serviceById(db: Db, id: string): Promise<Service | undefined> {
  return (await selectServices(db, [id]))[0]
}

/** Many at once in one query, by id; ids nobody knows are left out. */
export async function servicesById(db: Db, ids: readonly string[]): Promise<Map<string, Service>> {
  return new Map((await selectServices(db, ids)).map((service) => [service.id, service]))
}

/** The service `by` may change; throws `service_unknown` or `not_service_owner` (JP-50). */
export async function ownedService(db: Db, { serviceId, by }: { serviceId: string; by: string }): Promise<Service> {
  return owned(await serviceById(db, serviceId), by)
}

function owned(service: Service | undefined, by: string): Service {
  if (!service) throw catalogRefusals.service_unknown()
  if (service.ownerId !== by) throw catalogRefusals.not_service_owner()
  return service
}

async function save(tx: Tx, service: Service, changes: Patch): Promise<Service> {
  const changed = { ...service, ...changes, version: service.version + 1, updatedAt: tx.now }
  await saveService(tx, changed)
  emit(tx, service.active && !changed.active ? 'service.deactivated' : 'service.updated', changed)
  return changed
}

interface CatalogEvents {
  readonly serviceId: string
  readonly ownerId: string
  readonly version: number
}

function emit(tx: Tx, name: `service.${'listed' | 'updated' | 'deactivated'}`, service: Service): void {
  const payload: CatalogEvents = { serviceId: service.id, ownerId: service.ownerId, version: service.version }
  tx.emit({ name, subject: service.id, payload })
}
