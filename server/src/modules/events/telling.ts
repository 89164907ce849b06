import { newId } from '#kernel/id'
import type { Tx } from '#platform/db'
import type { EventReader, OutboxEvent } from '#platform/outbox'
import type { Message, NoticeFormat } from './format.ts'
import { insertNotices } from './store.ts'

/** A message as it was written down, on its way to other channels. */
export interface Told extends Omit<Message, 'body'> {
  /** The same in the list, in the stream and as `webhook-id`. */
  readonly id: string
  readonly eventId: bigint
  readonly format: string
  readonly body: string
  readonly at: Date
}

export interface TellingOptions {
  readonly formats: readonly NoticeFormat[]
  /** Hands on what was told, in the same unit of work. */
  readonly handOn: (tx: Tx, told: readonly Told[]) => Promise<void>
}

/** Turns events into notices, in the unit of work that moves the reader on: none is lost, none is told twice. */
export function tellingReader({ formats, handOn }: TellingOptions): EventReader {
  return {
    name: 'notices',
    hears: (eventName) => formats.some((format) => format.hears(eventName)),
    handle: async (tx, events) => {
      // All at once, so that what they look up is looked up together.
      const composed = await Promise.all(events.flatMap((event) => formats.map((format) => compose(tx, event, format))))
      const told = composed.flat()
      if (told.length === 0) return
      await insertNotices(tx, told)
      await handOn(tx, told)
    },
  }
}

async function compose(tx: Tx, event: OutboxEvent, format: NoticeFormat): Promise<Told[]> {
  const messages = format.hears(event.name) ? await format.compose(tx, event) : []
  return messages.map((message) => {
    const body = JSON.stringify(message.body)
    return { ...message, id: message.id ?? newId(), eventId: event.id, format: format.name, body, at: event.at }
  })
}
