import { addSeconds, DAY_SECONDS } from '#kernel/time'
import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { forgetOldest } from './store.ts'

const KEEP_DAYS = 30
const LOOK_EVERY_MS = 60_000
const LIMIT = 500

/** Notices are kept 30 days, as long as the webhooks made of them. */
export function createForgetting(store: Store): Sweep {
  return {
    name: 'notices:forgetting',
    everyMs: LOOK_EVERY_MS,
    ignoresWakes: true,
    run: () =>
      store.transact((tx) => forgetOldest(tx, { before: addSeconds(tx.now, -KEEP_DAYS * DAY_SECONDS), limit: LIMIT })),
  }
}
