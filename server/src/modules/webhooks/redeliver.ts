import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { webhookRefusals } from './errors.ts'
import { makeDueAgain } from './store.ts'

/** Sends a delivery again, in whatever state it is, under the same webhook-id and with a whole new schedule (D-25). */
export async function redeliver(tx: Tx, { deliveryId }: { deliveryId: string }): Promise<void> {
  if (!isId(deliveryId) || !(await makeDueAgain(tx, deliveryId))) throw webhookRefusals.delivery_not_found()
}
