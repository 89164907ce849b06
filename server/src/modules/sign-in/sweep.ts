import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { forgetNonces } from './store.ts'

const FORGOTTEN_AT_ONCE = 1000
const MINUTE_MS = 60_000

/** What is too old to be used needs not be remembered. */
export function signInSweep(store: Store): Sweep {
  return {
    name: 'sign-in:forget',
    everyMs: MINUTE_MS,
    ignoresWakes: true,
    run: () => store.transact((tx) => forgetNonces(tx, { limit: FORGOTTEN_AT_ONCE })),
  }
}
