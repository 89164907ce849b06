import { UnknownOutcome } from './db/outcome.ts'
import type { Store, Tx } from './db.ts'
import { createGatherer } from './gather.ts'

const MAX_ITEMS = 64
/** Small beside the time a unit of work takes; it makes fewer and larger ones of many. */
const REST_MS = 2

/**
 * Small works of many askers as one unit of work: what takes one of them a commit takes fifty the same commit. What spoils
 * a shared unit is found by halving it, so that it spoils no other's.
 */
export function shareWork<Item, Result>(
  store: Store,
  work: (tx: Tx, items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  return createGatherer<Item, Result>({
    maxItems: MAX_ITEMS,
    restMs: REST_MS,
    run: async (items) => (await store.transact((tx) => work(tx, items))).map((done) => ({ done })),
    // A lost commit may have happened; everything else did nothing.
    retryAlone: (error) => !(error instanceof UnknownOutcome),
  })
}
