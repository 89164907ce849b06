import type { Store } from '#platform/db'
import type { EventReader } from '#platform/outbox'
import type { Sweep } from '#platform/sweeps'
import { createFeed, type Feed, type FeedOptions } from './feed.ts'
import { createForgetting } from './forgetting.ts'
import { type TellingOptions, tellingReader } from './telling.ts'

export interface Events {
  /** Turns events into notices. */
  readonly reader: EventReader
  readonly sweeps: readonly Sweep[]
  readonly feed: Feed
  /** Every type a notice may have, in order. */
  readonly types: readonly string[]
}

export type EventsOptions = TellingOptions & Omit<FeedOptions, 'read'> & { readonly store: Store }

export function createEvents({ store, formats, handOn, ...feeding }: EventsOptions): Events {
  return {
    reader: tellingReader({ formats, handOn }),
    sweeps: [createForgetting(store)],
    feed: createFeed({ read: store.read, ...feeding }),
    types: [...new Set(formats.flatMap(({ types }) => types))].sort(),
  }
}
