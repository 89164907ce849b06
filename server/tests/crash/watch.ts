import { setTimeout as pause } from 'node:timers/promises'
import sql from 'sql-template-tag'
import type { Store } from '#platform/db'

const LOOK_EVERY_MS = 15

/** Looks on, many times a second, whether any service ever works at more jobs, or lets more wait, than it said. */
export function watchCapacity(store: Store): { stop(): Promise<{ looks: number; exceeded: readonly unknown[] }> } {
  const exceeded: unknown[] = []
  let looks = 0
  let watching = true
  const watch = async () => {
    while (watching) {
      exceeded.push(...(await beyondCapacity(store)))
      looks++
      await pause(LOOK_EVERY_MS)
    }
  }
  const done = watch()
  return {
    stop: async () => {
      watching = false
      await done
      return { looks, exceeded }
    },
  }
}

function beyondCapacity(store: Store): Promise<unknown[]> {
  return store.read.rows(sql`
    select s.id, s.max_concurrent_jobs as allowed, s.max_queue_size as places, jobs.*
    from service s join (
      select listing_id, count(*) filter (where state in ('pending', 'assigned')) as active,
        count(*) filter (where state = 'queued') as queued
      from orders where closed_at is null group by listing_id
    ) as jobs on jobs.listing_id = s.id
    where jobs.active > s.max_concurrent_jobs or jobs.queued > s.max_queue_size`)
}
