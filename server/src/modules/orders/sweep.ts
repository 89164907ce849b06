import type { Db, Store } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import type { Engine, MoveRequest } from './engine.ts'
import { anyDue, lockDueOrders } from './store.ts'

const BATCH = 100

/** Asks every order whose deadline has passed to lapse. Rows taken by another process are skipped, so no timer fires twice. */
export function lapseSweep(store: Store, engine: Engine): Sweep {
  return {
    name: 'orders:lapse',
    run: async () => {
      if (!(await isAnythingDue(store))) return 0
      try {
        return await lapseDue(store, engine, BATCH)
      } catch {
        // One order that cannot lapse must not hold back the others: take them one at a time.
        return await lapseDue(store, engine, 1)
      }
    },
  }
}

async function isAnythingDue(store: Store & { read: Db }): Promise<boolean> {
  return anyDue(store.read, await store.now())
}

async function lapseDue(store: Store, engine: Engine, limit: number): Promise<number> {
  return store.transact(async (tx) => {
    const due = await lockDueOrders(tx, limit)
    const requests = [...due.keys()].map((orderId): MoveRequest => ({ orderId, move: { do: 'lapse' } }))
    await engine.moveLocked(tx, due, requests)
    return due.size
  })
}
