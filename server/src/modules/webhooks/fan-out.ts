import { newId } from '#kernel/id'
import type { EventReader } from '#platform/outbox'
import type { WebhookFormat } from './format.ts'
import { insertDeliveries, type NewDelivery } from './store.ts'

/** Turns news into deliveries, in the unit of work that moves the reader on: none is lost, none is made twice. */
export function fanOut(formats: readonly WebhookFormat[]): EventReader {
  return {
    name: 'webhooks',
    hears: (eventName) => formats.some((format) => format.hears(eventName)),
    handle: async (tx, events) => {
      const fresh: NewDelivery[] = []
      for (const event of events) {
        for (const format of formats) {
          const messages = format.hears(event.name) ? await format.compose(tx, event) : []
          for (const { body, ...message } of messages) {
            fresh.push({ id: newId(), eventId: event.id, format: format.name, body: JSON.stringify(body), ...message })
          }
        }
      }
      if (fresh.length > 0) await insertDeliveries(tx, fresh)
    },
  }
}
