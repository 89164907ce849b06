import { newId } from '#kernel/id'
import { delistImported } from '#offers'
import type { Db, Tx } from '#platform/db'
import { ecosystemRefusals } from './errors.ts'
import { listUrlOf, MAX_PAGE_SIZE, type Source } from './source.ts'
import { insertSource, lockSource, markAllStale, selectSources, stopSource, stopUnnamed } from './store.ts'

/** Reads from this list from now on, at once; adding it twice reads it again now. Throws `source_invalid`. */
export async function addSource(tx: Tx, { url }: { url: string }): Promise<Source> {
  return insertSource(tx, { id: newId(), url: listUrlOf(url), configured: false, pageSize: MAX_PAGE_SIZE })
}

/** Reads from it no more, and takes off the market what was read from it. Throws `source_unknown`. */
export async function removeSource(tx: Tx, { id }: { id: string }): Promise<void> {
  if (!(await lockSource(tx, id))) throw ecosystemRefusals.source_unknown()
  await stopSource(tx, id)
  await delistImported(tx, { offerIds: await markAllStale(tx, id) })
}

/** Brings the sources in line with the configuration: what it names is read, what it named before and does not now is not. */
export async function configureSources(tx: Tx, { urls }: { urls: readonly string[] }): Promise<void> {
  const named = urls.map(listUrlOf)
  for (const id of await stopUnnamed(tx, named)) await delistImported(tx, { offerIds: await markAllStale(tx, id) })
  for (const url of named)
    await insertSource(tx, { id: newId(), url, configured: true, pageSize: MAX_PAGE_SIZE, onlyIfNew: true })
}

export function sourcesOf(db: Db): Promise<Source[]> {
  return selectSources(db)
}
