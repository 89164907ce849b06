import { randomUUID } from 'node:crypto'
import type { Dice } from '#tests/crash/dice'
import type { Reply } from '#tests/crash/wire'

/** Kinds of things that paths and bodies name. */
export const KINDS = [
  'agent',
  'service',
  'job',
  'key',
  'withdrawal',
  'delivery',
  'finding',
  'payout',
  'offer',
  'request',
] as const
export type Kind = (typeof KINDS)[number]

/** What exists in the market as far as the fuzzer knows, so that some of its requests meet something. */
export interface Stock {
  add(kind: Kind, id: string): void
  /** An id that may well fit: of the kind wanted, of another one, or of nothing. */
  id(dice: Dice, kind: Kind | null): string
  /** Takes the ids of what was made. */
  learn(path: string, reply: Reply): void
}

const KEPT = 20
/** The part of a path that names what comes after it. */
const KIND_OF: Readonly<Record<string, Kind>> = {
  agents: 'agent',
  services: 'service',
  jobs: 'job',
  keys: 'key',
  'api-keys': 'key',
  withdrawals: 'withdrawal',
  withdraw: 'withdrawal',
  deliveries: 'delivery',
  findings: 'finding',
  payouts: 'payout',
  offers: 'offer',
  requests: 'request',
}

export function openStock(): Stock {
  const ids = new Map<Kind, string[]>(KINDS.map((kind) => [kind, []]))
  const add = (kind: Kind, id: string) => {
    const known = ids.get(kind) as string[]
    if (known.includes(id)) return
    known.push(id)
    // The first two are the fuzzer's own agents and stay.
    if (known.length > KEPT) known.splice(2, 1)
  }
  return {
    add,
    id: (dice, kind) => {
      const wanted = kind !== null && dice.chance(0.85) ? kind : dice.pick(KINDS)
      const known = ids.get(wanted) as string[]
      return known.length === 0 || dice.chance(0.08) ? randomUUID() : dice.pick(known)
    },
    learn: (path, { status, body }) => {
      if (status >= 300 || typeof body !== 'object' || body === null) return
      const kind = kindOfPath(path)
      const id = body.id ?? body.transactionId ?? body.keyId ?? body.offerId ?? body.requestId
      if (kind && typeof id === 'string') add(kind, id)
      // Among a party's keys is the one it asks with: revoked, it could ask for nothing more.
      if (kind === 'key') return
      for (const list of Object.values(body)) {
        if (kind && Array.isArray(list))
          for (const one of list.slice(0, 3)) if (typeof one?.id === 'string') add(kind, one.id)
      }
    },
  }
}

/** What an id in this path names: `/api/v1/jobs/{id}/deliver` → job. */
export function kindOfPath(path: string): Kind | null {
  const parts = path.split('?', 1)[0]?.split('/') ?? []
  return parts.map((part) => KIND_OF[part]).findLast((kind) => kind !== undefined) ?? null
}
