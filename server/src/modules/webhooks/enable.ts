import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { lockEndpoint, saveHealth } from './endpoint-store.ts'
import { webhookRefusals } from './errors.ts'

/**
 * Sends to an address again; doing it twice is doing it once. What was not sent meanwhile waits for a redelivery. Null for
 * `partyId`: the operator. Throws `endpoint_unknown`.
 */
export async function enableEndpoint(
  tx: Tx,
  { endpointId, partyId }: { endpointId: string; partyId: string | null },
): Promise<void> {
  const endpoint = isId(endpointId) ? await lockEndpoint(tx, endpointId) : undefined
  if (!endpoint || (partyId !== null && endpoint.partyId !== partyId)) throw webhookRefusals.endpoint_unknown()
  if (endpoint.disabledBecause === null) return
  await saveHealth(tx, endpoint.id, { failingSince: null, restingUntil: null, disabledBecause: null })
}
