import type { Logger } from 'pino'
import type { Db } from '#platform/db'
import { createSweeper } from '#platform/sweeps'
import { eventRefusals } from './errors.ts'
import { createSeats, type Follower, type Seat, type Seats } from './seats.ts'
import { type Notice, newestSeq, selectAfterEach, selectNews } from './store.ts'

export interface Following {
  /** There is room again. */
  more(): void
  leave(): void
}

/** One reader in this process for all who follow: they cost no connection and no timer each. */
export interface Feed {
  /** Throws `too_many_streams`. */
  follow(follower: Follower): Following
  /** Ends everybody's following; each goes on elsewhere from the last notice it heard. */
  close(): Promise<void>
}

export interface FeedLimits {
  readonly perKey: number
  /** Between signs of life. */
  readonly beatMs: number
  /** How many of them a follower without room may sleep through. */
  readonly patience: number
  readonly lookEveryMs: number
}

export interface FeedOptions {
  readonly read: Db
  readonly log: Pick<Logger, 'error'>
  /** Which of these keys still open doors. */
  readonly usableKeys: (db: Db, keyIds: readonly string[]) => Promise<ReadonlySet<string>>
  readonly limits?: Partial<FeedLimits> | undefined
}

const DEFAULT_LIMITS: FeedLimits = { perKey: 10, beatMs: 10_000, patience: 6, lookEveryMs: 250 }
const NEWS_AT_ONCE = 1000
/** Together they bound what is held in memory: a notice may have 20 kB. */
const SERVED_AT_ONCE = 64
const NOTICES_AT_ONCE = 16

/**
 * Notices become visible in the order of `seq`, as their one writer holds a lock until it commits; so whoever looks beyond
 * the last one seen misses none, in any number of processes. Followers that are behind (new ones, slow ones, and all for
 * whom there is news) are served from the database, each from its own place: nothing waits for them in memory.
 */
export function createFeed({ read, log, usableKeys, ...options }: FeedOptions): Feed {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const seats = createSeats()
  const loop = createSweeper(
    [
      { name: 'notices:feed', everyMs: limits.lookEveryMs, run: createLook(read, seats) },
      { name: 'notices:beat', everyMs: limits.beatMs, ignoresWakes: true, run: beat },
    ],
    log,
  )
  let state: 'idle' | 'running' | 'closed' = 'idle'

  async function beat(): Promise<number> {
    for (const seat of seats.all()) {
      seat.missed = seat.hasRoom ? 0 : seat.missed + 1
      if (seat.missed > limits.patience) remove(seat)
      else if (seat.hasRoom) seat.follower.beat()
    }
    const asked = seats.all()
    if (asked.length === 0) return 0
    const usable = await usableKeys(read, [...new Set(asked.map(({ follower }) => follower.keyId))])
    for (const seat of asked) if (!usable.has(seat.follower.keyId)) remove(seat)
    return 0
  }
  function remove(seat: Seat): void {
    if (seats.remove(seat)) seat.follower.end()
  }
  function join(follower: Follower): Following {
    const seat: Seat = { follower, seq: follower.seq, hasRoom: true, missed: 0 }
    seats.add(seat)
    if (state === 'idle') loop.start()
    state = 'running'
    loop.wake()
    return {
      more: () => {
        if (seat.hasRoom) return
        seat.hasRoom = true
        seats.putBehind(seat)
        loop.wake()
      },
      leave: () => void seats.remove(seat),
    }
  }
  return {
    follow: (follower) => {
      if (seats.ofKey(follower) >= limits.perKey) throw eventRefusals.too_many_streams({ max: limits.perKey })
      if (state !== 'closed') return join(follower)
      follower.end()
      return { more: () => {}, leave: () => {} }
    },
    close: async () => {
      state = 'closed'
      for (const seat of seats.all()) remove(seat)
      await loop.stop()
    },
  }
}

/** Looks what is new and serves some of those who are behind; answers how much there was to do. */
function createLook(read: Db, seats: Seats): () => Promise<number> {
  /** Up to where it is known whom notices are for; null while nobody follows. */
  let heard: bigint | null = null
  const serve = async (): Promise<number> => {
    const served = seats.takeBehind(SERVED_AT_ONCE)
    if (served.length === 0) return 0
    try {
      const readings = served.map(({ follower: { partyId }, seq }) => ({ partyId, seq }))
      const found = await selectAfterEach(read, readings, NOTICES_AT_ONCE)
      for (const [index, seat] of served.entries()) hand(seats, seat, found[index] ?? [])
    } catch (error) {
      for (const seat of served) seats.putBehind(seat)
      throw error
    }
    return served.length
  }
  return async () => {
    if (seats.isEmpty()) {
      heard = null
      return 0
    }
    // Nobody misses what was before this: everybody begins behind.
    if (heard === null) heard = await newestSeq(read)
    const news = await selectNews(read, { after: heard, limit: NEWS_AT_ONCE })
    for (const { partyId, seq } of news) seats.hear(partyId, seq)
    heard = news.at(-1)?.seq ?? heard
    return news.length + (await serve())
  }
}

function hand(seats: Seats, seat: Seat, notices: readonly Notice[]): void {
  const last = notices.at(-1)
  if (!last || !seats.has(seat)) return
  seat.seq = last.seq
  seat.hasRoom = seat.follower.take(notices)
  if (notices.length === NOTICES_AT_ONCE) seats.putBehind(seat)
}
