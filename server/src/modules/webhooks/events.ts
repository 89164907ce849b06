import type { Tx } from '#platform/db'
import type { DisabledBecause } from './endpoint.ts'

interface WebhookEvents {
  'webhook.pinged': { readonly partyId: string; readonly webhookId: string; readonly url: string }
  'webhook.endpoint_disabled': {
    readonly partyId: string
    readonly endpointId: string
    readonly url: string
    readonly because: DisabledBecause
    readonly failingSince: string
  }
}

export function emitWebhook<Name extends keyof WebhookEvents>(tx: Tx, name: Name, payload: WebhookEvents[Name]) {
  tx.emit({ name, subject: payload.partyId, payload })
}
