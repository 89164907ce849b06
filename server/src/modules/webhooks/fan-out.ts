import { newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import type { EventReader, OutboxEvent } from '#platform/outbox'
import type { WebhookFormat } from './format.ts'
import { insertDeliveries, type NewDelivery } from './store.ts'

/** Turns news into deliveries, in the unit of work that moves the reader on: none is lost, none is made twice. */
export function fanOut(formats: readonly WebhookFormat[]): EventReader {
  return {
    name: 'webhooks',
    hears: (eventName) => formats.some((format) => format.hears(eventName)),
    handle: async (tx, events) => {
      // All at once, so that what they look up is looked up together.
      const composed = await Promise.all(
        events.flatMap((event) => formats.map((format) => composeOne(tx, { event, format }))),
      )
      const fresh = composed.flat()
      if (fresh.length > 0) await insertDeliveries(tx, fresh)
    },
  }
}

async function composeOne(tx: Tx, { event, format }: { event: OutboxEvent; format: WebhookFormat }) {
  const messages = format.hears(event.name) ? await format.compose(tx, event) : []
  return messages.map(({ body, ...message }): NewDelivery => {
    return { id: newId(), eventId: event.id, format: format.name, body: JSON.stringify(body), ...message }
  })
}
