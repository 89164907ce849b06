import type { Told } from '#events'
import { newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { type Endpoint, endpointsAt, keyOf } from './endpoint-store.ts'
import { insertDeliveries, type NewDelivery } from './store.ts'

/** Notes what has to be sent, in the unit of work that tells it: none is lost, none is made twice. */
export async function takeTold(tx: Tx, told: readonly Told[]): Promise<void> {
  const addressed = told.flatMap((one) => (one.url === null ? [] : [{ ...one, url: one.url }]))
  if (addressed.length === 0) return
  const endpoints = await endpointsAt(
    tx,
    addressed.map(({ recipientId: partyId, url }) => ({ partyId, url })),
  )
  const fresh = addressed.map((one): NewDelivery => {
    const { id: noticeId, url, format, eventName, recipientId, body } = one
    const endpoint = endpoints.get(keyOf({ partyId: recipientId, url }))
    if (!endpoint) throw new Error(`webhooks: there is no endpoint for ${noticeId}`)
    const content = { id: newId(), noticeId, endpointId: endpoint.id, format, eventName, recipientId, url, body }
    return { ...content, ...beginning(endpoint, tx.now) }
  })
  await insertDeliveries(tx, fresh)
}

/** What comes for an address that is not sent to is kept for a redelivery; who asked for patience is given it. */
function beginning({ disabledBecause, restingUntil }: Endpoint, now: Date): Pick<NewDelivery, 'state' | 'dueAt'> {
  if (disabledBecause !== null) return { state: 'disabled', dueAt: null }
  return { state: 'pending', dueAt: restingUntil !== null && restingUntil > now ? restingUntil : now }
}
