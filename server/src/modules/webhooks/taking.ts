import type { Told } from '#events'
import { newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { insertDeliveries } from './store.ts'

/** Notes what has to be sent, in the unit of work that tells it: none is lost, none is made twice. */
export async function takeTold(tx: Tx, told: readonly Told[]): Promise<void> {
  const fresh = told.flatMap(({ id: noticeId, url, format, eventName, recipientId, body }) =>
    url === null ? [] : [{ id: newId(), noticeId, url, format, eventName, recipientId, body }],
  )
  if (fresh.length > 0) await insertDeliveries(tx, fresh)
}
