import type { Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { Engine, MoveRequest } from './engine.ts'
import type { Order } from './order.ts'
import { type DueOrder, dueAfter, lockDueOrder, lockDueOrders } from './store.ts'

const BATCH = 100

/** Asks every order whose deadline has passed to lapse. Rows taken by another process are skipped, so no timer fires twice. */
export function lapseSweep(store: Store, engine: Engine): Sweep {
  return {
    name: 'orders:lapse',
    ignoresWakes: true,
    run: async () => {
      if ((await dueAfter(store.read, { now: await store.now(), limit: 1 })).length === 0) return 0
      try {
        return await lapse(store, engine, (tx) => lockDueOrders(tx, BATCH))
      } catch {
        return await lapseEachAlone(store, engine)
      }
    },
  }
}

/** Answers how many orders moved. */
async function lapse(
  store: Store,
  engine: Engine,
  lockDue: (tx: Parameters<typeof lockDueOrders>[0]) => Promise<Map<string, Order>>,
): Promise<number> {
  return store.transact(async (tx) => {
    const due = await lockDue(tx)
    const requests = [...due.keys()].map((orderId): MoveRequest => ({ orderId, move: { do: 'lapse' } }))
    const outcomes = await engine.moveLocked(tx, due, requests)
    return outcomes.filter((outcome) => 'done' in outcome).length
  })
}

/** One order that cannot lapse must not hold back the others: all that are due, one at a time, past those that fail. */
async function lapseEachAlone(store: Store, engine: Engine): Promise<number> {
  const now = await store.now()
  let moved = 0
  let failure: unknown
  let last: DueOrder | undefined
  for (;;) {
    const page = await dueAfter(store.read, { now, last, limit: BATCH })
    for (const { id } of page) {
      try {
        moved += await lapse(store, engine, (tx) => lockDueOrder(tx, id))
      } catch (error) {
        failure = error
      }
    }
    last = page.at(-1)
    if (page.length < BATCH) break
  }
  // Those that fail are due for ever; they are reported once nothing else is left.
  if (moved === 0 && failure !== undefined) throw failure
  return moved
}
