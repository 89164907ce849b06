import type { Logger } from 'pino'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { Till } from './buy.ts'
import { KEEP_SECONDS, type PurchaseState } from './purchase.ts'
import { abandoned, forgetAnswers, requeue } from './store.ts'

const BATCH = 50
const OLDER_THAN_MS = 2_000

export interface SweepDeps {
  readonly store: Store
  readonly till: Till
  readonly log: Pick<Logger, 'warn'>
  /** A request that still runs drives its purchase itself; so long after its lease has ended it has gone. */
  readonly olderThanMs?: number
}

/**
 * Ends purchases whose buyers have gone: what is on the chain is found out, what was not begun costs nothing. What is paid
 * and still to be run has a loop of its own, as sellers take their time.
 */
export function purchaseSweeps(deps: SweepDeps): readonly Sweep[] {
  return [sweepOf('purchases:resume', ['working', 'settling'], deps), sweepOf('purchases:run', ['paid'], deps)]
}

function sweepOf(name: string, states: readonly PurchaseState[], deps: SweepDeps): Sweep {
  const { store, till, log, olderThanMs = OLDER_THAN_MS } = deps
  return {
    name,
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      const left = await abandoned(store.read, { states, olderThanMs, limit: BATCH })
      if (left.length === 0) return 0
      const ids = left.map(({ id }) => id)
      await store.transact((tx) => requeue(tx, ids))
      const ends = await Promise.all(
        left.map((purchase) =>
          till.resume(purchase).catch((error: unknown) => {
            log.warn({ err: error, purchase: purchase.id }, 'a purchase could not be driven on')
            return false
          }),
        ),
      )
      return ends.filter(Boolean).length
    },
  }
}

const FORGOTTEN_AT_ONCE = 500
const HOUR_MS = 3_600_000

/** What was said and answered is nobody's business for ever, and takes room. */
export function forgettingSweep(store: Store): Sweep {
  return {
    name: 'purchases:forget',
    everyMs: HOUR_MS,
    ignoresWakes: true,
    run: () =>
      store.transact((tx) => {
        const before = new Date(tx.now.getTime() - KEEP_SECONDS * 1000)
        return forgetAnswers(tx, { before, limit: FORGOTTEN_AT_ONCE })
      }),
  }
}
