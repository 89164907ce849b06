import type { Db } from '#platform/db'
import type { OutboxEvent } from '#platform/outbox'

/** What one party is told of an event. */
export interface Message {
  /** Where it had to be known beforehand; a new one is made otherwise. */
  readonly id?: string
  readonly recipientId: string
  /** Where it is sent as a webhook besides; null: nowhere. */
  readonly url: string | null
  /** The contract's own word, such as `job.delivered`. */
  readonly eventName: string
  /** Sent as JSON; under 20 kB, and with `type`, `timestamp` and `data` at its top (Standard Webhooks). */
  readonly body: object
}

/**
 * One contract's news: which events it tells, to whom, in which words. Faces bring them. It alone decides what a party
 * hears, whichever way it listens.
 */
export interface NoticeFormat {
  /** Kept with each webhook, so never renamed. */
  readonly name: string
  /** Every `eventName` it may tell. */
  readonly types: readonly string[]
  hears(eventName: string): boolean
  /** Messages this event causes. Runs inside the unit of work that tells them. */
  compose(db: Db, event: OutboxEvent): Promise<readonly Message[]>
}
