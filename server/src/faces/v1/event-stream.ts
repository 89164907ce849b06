import { Readable } from 'node:stream'
import type { Feed, Following, Notice, Place } from '#events'

export interface StreamOptions {
  readonly partyId: string
  readonly keyId: string
  /** Where it begins. */
  readonly place: Place
  /** Null: all of them. */
  readonly types: readonly string[] | null
  readonly view: (notice: Notice) => object
}

/** So soon a client comes back after a lost connection. */
const RETRY_MS = 2000
const ROOM_BYTES = 64 * 1024

/**
 * Server-sent events, as the HTML standard says. All are plain messages with their type inside, so that a client hears
 * those it has never heard of. Throws `too_many_streams`.
 */
export function streamOf(feed: Feed, { partyId, keyId, place, types, view }: StreamOptions): Readable {
  let following: Following | undefined
  const stream = new Readable({
    highWaterMark: ROOM_BYTES,
    read: () => following?.more(),
    destroy: (error, done) => {
      following?.leave()
      done(error)
    },
  })
  const write = (notice: Notice) => {
    const isWanted = types === null || types.includes(notice.type)
    // The id alone is no message, but moves the place a lost connection is resumed from.
    return `id: ${notice.id}\n${isWanted ? `data: ${JSON.stringify(view(notice))}\n` : ''}\n`
  }
  // A client that loses its connection before anything happens comes back to this place.
  stream.push(`retry: ${RETRY_MS}\nid: ${place.id}\n\n`)
  following = feed.follow({
    ...{ partyId, keyId, seq: place.seq },
    take: (notices) => stream.push(notices.map(write).join('')),
    beat: () => void stream.push(':\n\n'),
    end: () => void stream.push(null),
  })
  return stream
}
