import type { Db } from './db.ts'
import { createGatherer } from './gather.ts'

type Lookup<V> = (db: Db, ids: readonly string[]) => Promise<ReadonlyMap<string, V>>

/** Lookups asked for in one turn of the event loop share a query; each asker gets the answers of all. */
export function shareLookups<V>(find: Lookup<V>): Lookup<V> {
  const gathering = new WeakMap<Db, { readonly ids: Set<string>; readonly found: Promise<ReadonlyMap<string, V>> }>()
  return (db, ids) => {
    const known = gathering.get(db)
    if (known) {
      for (const id of ids) known.ids.add(id)
      return known.found
    }
    const wanted = new Set(ids)
    const found = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      gathering.delete(db)
      return find(db, [...wanted])
    })
    gathering.set(db, { ids: wanted, found })
    return found
  }
}

/** One at a time, as a request asks; what is asked while a query is under way shares the next one. */
export function gatherLookups<V>(db: Db, find: Lookup<V>): (id: string) => Promise<V | undefined> {
  return createGatherer<string, V | undefined>({
    maxItems: 512,
    run: async (ids) => {
      const found = await find(db, [...new Set(ids)])
      return ids.map((id) => ({ done: found.get(id) }))
    },
  })
}
