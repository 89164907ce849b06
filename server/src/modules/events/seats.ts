import type { Notice } from './store.ts'

/** Somebody who hears a party's notices as they come. */
export interface Follower {
  readonly partyId: string
  /** The key it came with; when that is revoked or expires, the following ends. */
  readonly keyId: string
  /** It has heard everything up to here. */
  readonly seq: bigint
  /** Takes notices, oldest first; answers whether there is room for more at once. */
  take(notices: readonly Notice[]): boolean
  /** Nothing has happened, but we are still there. */
  beat(): void
  /** Nothing more will come. */
  end(): void
}

/** A follower at its place. */
export interface Seat {
  readonly follower: Follower
  seq: bigint
  hasRoom: boolean
  /** Signs of life it had no room for, in a row. */
  missed: number
}

export type Seats = ReturnType<typeof createSeats>

/** Who follows which party, and who of them has something to hear. */
export function createSeats() {
  const ofParty = new Map<string, Set<Seat>>()
  const behind = new Set<Seat>()
  const at = ({ partyId }: Follower): ReadonlySet<Seat> => ofParty.get(partyId) ?? new Set()
  const has = (seat: Seat) => at(seat.follower).has(seat)
  return {
    has,
    isEmpty: () => ofParty.size === 0,
    all: () => [...ofParty.values()].flatMap((seats) => [...seats]),
    ofKey: (follower: Follower) => [...at(follower)].filter((seat) => seat.follower.keyId === follower.keyId).length,
    add: (seat: Seat) => {
      ofParty.set(seat.follower.partyId, new Set([...at(seat.follower), seat]))
      behind.add(seat)
    },
    remove: (seat: Seat): boolean => {
      if (!has(seat)) return false
      const { partyId } = seat.follower
      const left = [...at(seat.follower)].filter((other) => other !== seat)
      if (left.length > 0) ofParty.set(partyId, new Set(left))
      else ofParty.delete(partyId)
      behind.delete(seat)
      return true
    },
    hear: (partyId: string, seq: bigint) => {
      for (const seat of ofParty.get(partyId) ?? []) if (seat.seq < seq) behind.add(seat)
    },
    putBehind: (seat: Seat) => {
      if (has(seat)) behind.add(seat)
    },
    /** Takes some that have room, the longest waiting first; who has none says so when it has again. */
    takeBehind: (limit: number): Seat[] => {
      const taken: Seat[] = []
      for (const seat of behind) {
        if (!seat.hasRoom) behind.delete(seat)
        if (!seat.hasRoom || taken.length === limit) continue
        behind.delete(seat)
        taken.push(seat)
      }
      return taken
    },
  }
}
