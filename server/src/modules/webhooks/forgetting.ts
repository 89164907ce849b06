import { addSeconds, DAY_SECONDS } from '#kernel/time'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { deleteUnused } from './endpoint-store.ts'
import { deleteClosed } from './store.ts'

const KEEP_DAYS = 30
const LOOK_EVERY_MS = 60_000
const LIMIT = 500

/** Closed deliveries are kept 30 days, as long as events, and addresses for as long as there are deliveries to them. */
export function createForgetting(store: Store): Sweep {
  return {
    name: 'webhooks:forgetting',
    everyMs: LOOK_EVERY_MS,
    ignoresWakes: true,
    run: () =>
      store.transact(async (tx) => {
        const old = { before: addSeconds(tx.now, -KEEP_DAYS * DAY_SECONDS), limit: LIMIT }
        return (await deleteClosed(tx, old)) + (await deleteUnused(tx, old))
      }),
  }
}
