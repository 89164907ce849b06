import type { Message } from '#events'
import type { Db } from '#platform/db'
import type { OutboxEvent } from '#platform/outbox'
import type { DisabledBecause, WebhookFormat } from '#webhooks'
import { bodyOf, jobHeaders } from './webhook-format.ts'

export interface WebhookNewsSources {
  readonly callbackUrlsOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>
}

interface Pinged {
  readonly partyId: string
  readonly webhookId: string
  readonly url: string
}

interface Disabled {
  readonly partyId: string
  readonly endpointId: string
  readonly url: string
  readonly because: DisabledBecause
  readonly failingSince: string
}

const REASONS: Readonly<Record<DisabledBecause, string>> = {
  gone: 'It answered 410.',
  failing: 'It has taken nothing for days.',
}

/** News of webhooks themselves: a test message, and that an address is not sent to any more. */
export function webhookNewsFormat(sources: WebhookNewsSources): WebhookFormat {
  return {
    name: 'webhooks',
    types: ['webhook.ping', 'webhook.disabled'],
    hears: (eventName) => eventName === 'webhook.pinged' || eventName === 'webhook.endpoint_disabled',
    compose: async (db, event) => {
      if (event.name === 'webhook.pinged') return [pingOf(event)]
      return [disabledNews(event, await sources.callbackUrlsOf(db, [(event.payload as Disabled).partyId]))]
    },
    headers: jobHeaders,
  }
}

function pingOf(event: OutboxEvent): Message {
  const { partyId, webhookId, url } = event.payload as Pinged
  const data = { agentId: partyId, message: 'A test: nothing has happened.' }
  const body = bodyOf(event, 'webhook.ping', data)
  return { id: webhookId, recipientId: partyId, url, eventName: 'webhook.ping', body }
}

/** Also sent to the agent's own address, where that is another than the one that failed. */
function disabledNews(event: OutboxEvent, urls: ReadonlyMap<string, string | null>): Message {
  const { partyId, because, ...about } = event.payload as Disabled
  const own = urls.get(partyId) ?? null
  const fix = `When it works again, POST /api/v1/webhooks/endpoints/${about.endpointId}/enable, then /api/v1/webhooks/redeliver.`
  const body = bodyOf(event, 'webhook.disabled', { agentId: partyId, ...about, because, reason: REASONS[because], fix })
  return { recipientId: partyId, url: own === about.url ? null : own, eventName: 'webhook.disabled', body }
}
