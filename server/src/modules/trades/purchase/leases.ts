import type { Store } from '#platform/db'
import { type Claim, renewLeases } from './store.ts'

export interface Leases {
  /** Renews a lease, until who called says that it is over. */
  hold(claim: Claim): () => void
}

/**
 * Renews, together and three times in the life of each, the leases of all runs of this process, so that nobody waits long for
 * somebody dead. Through connections of its own: a lease must not end because all others are busy.
 */
export function createLeases({ store, leaseMs }: { store: Pick<Store, 'transact'>; leaseMs: number }): Leases {
  const held = new Set<Claim>()
  let timer: NodeJS.Timeout | undefined
  let renewing = false
  const renew = async () => {
    if (renewing) return
    renewing = true
    // What could not be renewed now is renewed in a moment; who has lost his lease hears of it when he says how it ended.
    await store.transact((tx) => renewLeases(tx, { claims: [...held], leaseMs })).catch(() => {})
    renewing = false
  }
  return {
    hold: (claim) => {
      held.add(claim)
      timer ??= setInterval(() => void renew(), leaseMs / 3)
      return () => {
        held.delete(claim)
        if (held.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}
