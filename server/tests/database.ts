import { inject } from 'vitest'
import { newId } from '#kernel/id'
import { openStore, type Store } from '#platform/db'
import { createDatabase, databaseUrl, dropDatabase } from '#platform/embedded-postgres/index'

export interface TestDatabase {
  readonly url: string
  readonly store: Store
  /** Closes the store and drops the database. */
  close(): Promise<void>
  /** Drops the database; for those who closed the store themselves. */
  drop(): Promise<void>
}

/** A database of one's own, cloned from the migrated template in a few milliseconds. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('databaseUrl')
  const name = `test_${newId().replaceAll('-', '')}`
  await createDatabase(adminUrl, name, { template: inject('templateName') })
  const url = databaseUrl(adminUrl, name)
  const store = openStore({ url, maxConnections: 8 })
  const drop = () => dropDatabase(adminUrl, name)
  return {
    url,
    store,
    drop,
    close: async () => {
      await store.close()
      await drop()
    },
  }
}
