import { catalogRefusals, type Service, servicesById } from '#catalog'
import { suspendedAmong } from '#identity'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import type { Refusal } from '#kernel/refusal'
import type { Engine, Order, OrderForm, Placement } from '#orders'
import type { Db, Store, Tx } from '#platform/db'
import type { Outcome } from '#platform/gather'
import type { Sweep } from '#platform/sweeps'
import { NEUTRAL_TRUST, provenScore, type Trust } from '#trust'
import { directRefusals } from './errors.ts'
import type { AgreedSchemas } from './schemas.ts'
import { followSlots, openSlots, promotions } from './slots.ts'
import { isAnyWaiting, lockWaitingServices } from './store.ts'
import { type DirectSettings, directTerms } from './terms.ts'

export const DIRECT = 'direct'

/** What a client asks for when it hires a service. */
export interface Hire {
  readonly buyerId: string
  readonly keyId?: string
  readonly serviceId: string
  /** Who offers the service; that never changes. */
  readonly sellerId: string
  /** The version whose inputSchema the input was checked against. */
  readonly serviceVersion: number
  readonly input: unknown
  readonly callbackUrl: string | null
  /** The most the client will pay, the fee on top not counted; null: whatever the price is by now. */
  readonly maxPrice: Micros | null
}

export interface DirectDeps {
  readonly settings: DirectSettings
  readonly schemas: AgreedSchemas
  readonly trustsOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, Trust>>
}

type Judged = Pick<Hire, 'serviceId' | 'serviceVersion' | 'buyerId' | 'maxPrice'>

/** What hires are judged by. */
interface OpenedHires {
  readonly services: ReadonlyMap<string, Service>
  readonly suspended: ReadonlySet<string>
  readonly trusts: ReadonlyMap<string, Trust>
}

/** Reads what hires are judged by, all in one round trip. */
export async function openHires(
  db: Db,
  { trustsOf }: Pick<DirectDeps, 'trustsOf'>,
  hires: readonly Hire[],
): Promise<OpenedHires> {
  const distinct = (ids: readonly string[]) => [...new Set(ids)]
  const buyers = distinct(hires.map(({ buyerId }) => buyerId))
  const [services, suspended, trusts] = await Promise.all([
    servicesById(db, distinct(hires.map(({ serviceId }) => serviceId))),
    suspendedAmong(db, distinct([...buyers, ...hires.map(({ sellerId }) => sellerId)])),
    trustsOf(db, buyers),
  ])
  return { services, suspended, trusts }
}

/** Hires services in order, each alone, in one unit of work: an outcome is the order, or why not. */
export async function hireEach(
  tx: Tx,
  deps: DirectDeps & { readonly engine: Engine },
  hires: readonly Hire[],
  opening: OpenedHires | Promise<OpenedHires> = openHires(tx, deps, hires),
): Promise<Outcome<Order>[]> {
  const { engine, settings, schemas } = deps
  const opened = await opening
  const { services } = opened
  const refusals = hires.map((hire) => refusalOf(hire, opened))
  const wanted = new Set(hires.filter((_, index) => !refusals[index]).map(({ serviceId }) => serviceId))
  const agreed = await schemas.agree(
    tx,
    [...services.values()].filter(({ id }) => wanted.has(id)),
  )
  const judged = hires.map((hire, index): Placement | { readonly refused: Refusal } => {
    const service = services.get(hire.serviceId)
    const refused = refusals[index]
    if (refused || !service) return { refused: refused ?? catalogRefusals.service_unknown() }
    return placementOf(service, { hire, terms: directTerms(service, settings, agreed.get(service.id) ?? '') })
  })
  const placements = judged.filter((one) => 'bargain' in one)
  const hired = new Map([...services].filter(([id]) => placements.some(({ bargain }) => bargain.listingId === id)))
  const placed = await engine.placeEach(tx, placements, () => openSlots(tx, hired))
  const rest = placed.values()
  return judged.map((one) => ('refused' in one ? one : (rest.next().value as Outcome<Order>)))
}

export function refusalOf(hire: Judged, { services, suspended, trusts }: OpenedHires): Refusal | null {
  const service = services.get(hire.serviceId)
  if (!service) return catalogRefusals.service_unknown()
  if (suspended.has(hire.buyerId) || suspended.has(service.ownerId)) return directRefusals.party_suspended()
  if (!service.active) return directRefusals.service_inactive()
  if (service.version !== hire.serviceVersion) return directRefusals.service_changed()
  if (hire.maxPrice !== null && service.priceMicros > hire.maxPrice)
    return directRefusals.price_above_max({ price: String(service.priceMicros), maxPrice: String(hire.maxPrice) })
  const score = provenScore(trusts.get(hire.buyerId) ?? NEUTRAL_TRUST)
  if (score < service.minClientTrust) return directRefusals.trust_too_low({ required: service.minClientTrust, score })
  return null
}

function placementOf(
  service: Service,
  { hire, terms }: { hire: Hire; terms: Placement['bargain']['terms'] },
): Placement {
  return {
    input: hire.input,
    ...(hire.keyId === undefined ? {} : { keyId: hire.keyId }),
    bargain: {
      id: newId(),
      form: DIRECT,
      buyerId: hire.buyerId,
      sellerId: service.ownerId,
      listingId: service.id,
      asset: 'USDC',
      price: service.priceMicros,
      terms,
      callbackUrl: hire.callbackUrl,
    },
  }
}

/** Frees slots as jobs leave them, and lets the next in line begin in the same unit of work. */
export const directForm: OrderForm = {
  name: DIRECT,
  follow: (tx, changes) => followSlots(tx, changes, (serviceIds) => capacities(tx, serviceIds)),
}

const SERVICES_A_UNIT = 50
const NO_SERVICE = '00000000-0000-0000-0000-000000000000'

/** Finds slots that stayed free although somebody waits: the capacity was raised, or the next in line was being moved. */
export function promotionSweep(store: Store, engine: Engine): Sweep {
  return {
    name: 'direct:promote',
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      if (!(await isAnyWaiting(store.read))) return 0
      let promoted = 0
      // All services in turn: those that stay full must not hide one that has room.
      for (let last: string | undefined = NO_SERVICE; last !== undefined; ) {
        const page = await promoteAfter(store, engine, last)
        promoted += page.promoted
        last = page.last
      }
      return promoted
    },
  }
}

/** One unit of work's share of the services with somebody in line; `last` is undefined after the last of them. */
function promoteAfter(
  store: Store,
  engine: Engine,
  last: string,
): Promise<{ promoted: number; last: string | undefined }> {
  return store.transact(async (tx) => {
    const waiting = await lockWaitingServices(tx, { last, limit: SERVICES_A_UNIT })
    const capacity = await capacities(tx, [...waiting.keys()])
    let promoted = 0
    for (const [serviceId, { active, queued }] of waiting) {
      const free = Math.min((capacity.get(serviceId) ?? 0) - active, queued)
      if (free <= 0) continue
      const outcomes = await engine.moveEach(tx, await promotions(tx, serviceId, free))
      promoted += outcomes.filter((outcome) => 'done' in outcome).length
    }
    return { promoted, last: waiting.size < SERVICES_A_UNIT ? undefined : [...waiting.keys()].at(-1) }
  })
}

/** How many jobs each service takes on at once. */
export async function capacities(tx: Tx, serviceIds: readonly string[]): Promise<Map<string, number>> {
  const services = await servicesById(tx, serviceIds)
  return new Map([...services].map(([id, { maxConcurrentJobs }]) => [id, maxConcurrentJobs]))
}
