import { catalogRefusals, type Service } from '#catalog'
import type { Change, Door, MoveRequest, Order } from '#orders'
import { lockQueued } from '#orders'
import type { Tx } from '#platform/db'
import { directRefusals } from './errors.ts'
import { changeSlots, lockSlots, type Slots } from './store.ts'

/** A pending or accepted job takes a slot of its service until it is delivered or ends; a queued one stands in line. */
function occupies({ state }: Order): { active: number; queued: number } {
  return { active: state === 'pending' || state === 'assigned' ? 1 : 0, queued: state === 'queued' ? 1 : 0 }
}

/** The door of direct jobs: a free slot begins the job, a full service queues or refuses it (JP-44 to JP-49). */
export async function openSlots(tx: Tx, services: ReadonlyMap<string, Service>): Promise<Door> {
  const slots = await lockSlots(tx, [...services.keys()])
  const gained = new Map<string, Slots>()
  const stateOf = (serviceId: string) => {
    const locked = slots.get(serviceId) ?? { active: 0, queued: 0 }
    const more = gained.get(serviceId) ?? { active: 0, queued: 0 }
    return { active: locked.active + more.active, queued: locked.queued + more.queued }
  }
  return {
    admit: ({ listingId }) => {
      const service = services.get(listingId ?? '')
      if (!service) throw catalogRefusals.service_unknown()
      const { active, queued } = stateOf(service.id)
      // Whoever waits already goes first (JP-49).
      if (active < service.maxConcurrentJobs && queued === 0) return 'begin'
      if (service.queueEnabled && queued < service.maxQueueSize) return 'wait'
      throw directRefusals.service_at_capacity()
    },
    enter: ({ listingId }, how) => {
      const id = listingId ?? ''
      const more = gained.get(id) ?? { active: 0, queued: 0 }
      gained.set(id, how === 'begin' ? { ...more, active: more.active + 1 } : { ...more, queued: more.queued + 1 })
    },
    close: async () => {
      await changeSlots(tx, gained)
    },
  }
}

/** Slots that came free go to whoever has waited longest. */
export async function followSlots(
  tx: Tx,
  changes: readonly Change[],
  capacityOf: (serviceIds: readonly string[]) => Promise<ReadonlyMap<string, number>>,
): Promise<MoveRequest[]> {
  const deltas = new Map<string, Slots>()
  for (const { before, after } of changes) {
    const [was, is] = [occupies(before), occupies(after)]
    if (after.listingId === null || (was.active === is.active && was.queued === is.queued)) continue
    const sum = deltas.get(after.listingId) ?? { active: 0, queued: 0 }
    deltas.set(after.listingId, {
      active: sum.active + is.active - was.active,
      queued: sum.queued + is.queued - was.queued,
    })
  }
  const slots = await changeSlots(tx, deltas)
  const waiting = [...slots].filter(([, { queued }]) => queued > 0)
  if (waiting.length === 0) return []
  const capacity = await capacityOf(waiting.map(([serviceId]) => serviceId))
  const requests: MoveRequest[] = []
  for (const [serviceId, { active, queued }] of waiting) {
    const free = Math.min((capacity.get(serviceId) ?? 0) - active, queued)
    if (free > 0) requests.push(...(await promotions(tx, serviceId, free)))
  }
  return requests
}

export async function promotions(tx: Tx, serviceId: string, free: number): Promise<MoveRequest[]> {
  const orderIds = await lockQueued(tx, serviceId, free)
  return orderIds.map((orderId) => ({ orderId, move: { do: 'promote' } }))
}
