import type { Logger } from 'pino'
import { newId } from '#kernel/id'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { dispatchPayouts } from './dispatch.ts'
import { followPayouts } from './follow.ts'
import type { OrderPayouts } from './of-orders.ts'
import { withoutSent } from './search.ts'
import { anyPayoutDue, claimPayouts, releasePayouts } from './store.ts'

export interface PayoutContext {
  readonly store: Store
  readonly rail: Rail
  readonly settings: WalletSettings
  readonly log: Pick<Logger, 'warn' | 'error'>
  readonly orders: OrderPayouts
}

const BATCH = 64

/**
 * Moves payouts on, a batch at a time: what has a transaction under way is followed, what has none is signed and sent,
 * once it is sure that a forgotten one is not on the chain already.
 * Everything it knows is in the database, so any process may go on where another one died.
 */
export function payoutSweep(context: PayoutContext): Sweep {
  const { store, rail, settings } = context
  return {
    name: `payouts:${rail.network}`,
    everyMs: settings.pollMs,
    run: async () => {
      if (!(await anyPayoutDue(store.read, rail.network))) return 0
      const lease = newId()
      const { leaseMs, resendMs, deadAfterMs, searchAfterMs } = settings
      const pauses = { leaseMs, resendMs, deadAfterMs, searchAfterMs }
      const claiming = { network: rail.network, lease, ...pauses, limit: BATCH }
      const claimed = await store.transact((tx) => claimPayouts(tx, claiming))
      if (claimed.length === 0) return 0
      try {
        const payouts = await withoutSent(context, { lease, payouts: claimed.filter(({ live }) => live === null) })
        await followPayouts(context, claimed)
        await dispatchPayouts(context, { lease, payouts })
      } finally {
        await store.transact((tx) => releasePayouts(tx, { lease, pauseMs: settings.pollMs }))
      }
      return claimed.length
    },
  }
}
