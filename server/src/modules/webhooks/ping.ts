import { isId, newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { type Endpoint, endpointAt, endpointById } from './endpoint-store.ts'
import { webhookRefusals } from './errors.ts'
import { emitWebhook } from './events.ts'

export interface Ping {
  readonly partyId: string
  /** Null: the party's own address. */
  readonly endpointId: string | null
  /** The party's own address, where it has one. */
  readonly callbackUrl: string | null
}

/**
 * Has a test message sent, like any other event: told, signed, repeated. Answers its webhook-id. Throws
 * `endpoint_unknown`, `endpoint_disabled`, `no_callback_url`.
 */
export async function ping(tx: Tx, { partyId, endpointId, callbackUrl }: Ping): Promise<string> {
  const endpoint = endpointId === null ? null : await ownedEndpoint(tx, { endpointId, partyId })
  const url = endpoint?.url ?? callbackUrl
  if (url === null) throw webhookRefusals.no_callback_url()
  const known = endpoint ?? (await endpointAt(tx, { partyId, url }))
  if (known?.disabledBecause) throw webhookRefusals.endpoint_disabled({ endpointId: known.id, url })
  const webhookId = newId()
  emitWebhook(tx, 'webhook.pinged', { partyId, webhookId, url })
  return webhookId
}

async function ownedEndpoint(
  tx: Tx,
  { endpointId, partyId }: { endpointId: string; partyId: string },
): Promise<Endpoint> {
  const endpoint = isId(endpointId) ? await endpointById(tx, endpointId) : undefined
  if (!endpoint || endpoint.partyId !== partyId) throw webhookRefusals.endpoint_unknown()
  return endpoint
}
