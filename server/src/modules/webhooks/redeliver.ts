import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { endpointById } from './endpoint-store.ts'
import { webhookRefusals } from './errors.ts'
import { lockAgain, lockStretch, makeDueAgain, type Stretch } from './redelivery-store.ts'

/**
 * Sends a delivery again, whatever became of it, under the same webhook-id and with a whole new schedule (D-25); one that
 * is being sent at this moment is left to its sender. Null for `partyId`: the operator. Throws `delivery_not_found`,
 * `endpoint_disabled`.
 */
export async function redeliver(
  tx: Tx,
  { deliveryId, partyId }: { deliveryId: string; partyId: string | null },
): Promise<void> {
  const delivery = isId(deliveryId) ? await lockAgain(tx, deliveryId) : undefined
  if (!delivery || (partyId !== null && delivery.recipientId !== partyId)) throw webhookRefusals.delivery_not_found()
  const { endpointId, url, disabledBecause } = delivery
  if (disabledBecause !== null) throw webhookRefusals.endpoint_disabled({ endpointId, url })
  await makeDueAgain(tx, [delivery.id])
}

const AT_ONCE = 5000

export interface Redelivered {
  readonly count: number
  /** Where the next request goes on; null when that was all. */
  readonly nextCursor: string | null
}

/**
 * Sends again everything since an instant that was not taken, and on request also what was. Twice at once sends it once:
 * what the first has made due waits for nothing any more. Throws `endpoint_unknown`, `endpoint_disabled`.
 */
export async function redeliverSince(tx: Tx, stretch: Omit<Stretch, 'limit'>): Promise<Redelivered> {
  const { partyId, endpointId } = stretch
  if (endpointId !== null) {
    const endpoint = isId(endpointId) ? await endpointById(tx, endpointId) : undefined
    if (!endpoint || endpoint.partyId !== partyId) throw webhookRefusals.endpoint_unknown()
    if (endpoint.disabledBecause !== null) throw webhookRefusals.endpoint_disabled({ endpointId, url: endpoint.url })
  }
  const ids = await lockStretch(tx, { ...stretch, limit: AT_ONCE })
  await makeDueAgain(tx, ids)
  return { count: ids.length, nextCursor: ids.length === AT_ONCE ? (ids.at(-1) ?? null) : null }
}
