import { createHash } from 'node:crypto'
import type { Service } from '#catalog'
import { canonicalJson } from '#platform/canonical-json'
import type { Db, Tx } from '#platform/db'
import { keepSchemas, schemaByHash } from './store.ts'

const MAX_KNOWN = 2000

type AgreedService = Pick<Service, 'id' | 'version' | 'outputSchema'>

/** Schemas jobs were agreed on, by hash: kept once in the database and remembered here, for they never change. */
export interface AgreedSchemas {
  /** The hashes, by service, under which the output schemas of these versions are kept from now on. */
  agree(tx: Tx, services: Iterable<AgreedService>): Promise<ReadonlyMap<string, string>>
  find(db: Db, hash: string): Promise<unknown>
}

export function createAgreedSchemas(): AgreedSchemas {
  const hashes = new Map<string, string>()
  const schemas = new Map<string, unknown>()
  return {
    agree: async (tx, services) => {
      const agreed = new Map<string, string>()
      const fresh = new Map<string, string>()
      for (const { id, version, outputSchema } of services) {
        const known = hashes.get(`${id}:${version}`)
        const text = known === undefined || !schemas.has(known) ? canonicalJson(outputSchema) : undefined
        const hash = text === undefined ? (known as string) : createHash('sha256').update(text).digest('hex')
        // Only what was read back from the database is known to have been committed.
        if (text !== undefined && !schemas.has(hash)) fresh.set(hash, text)
        agreed.set(id, hash)
        remember(hashes, `${id}:${version}`, hash)
      }
      await keepSchemas(tx, fresh)
      return agreed
    },
    find: async (db, hash) => {
      if (schemas.has(hash)) return schemas.get(hash)
      const schema = await schemaByHash(db, hash)
      if (schema !== undefined) remember(schemas, hash, schema)
      return schema
    },
  }
}

/** Bounded by forgetting everything: what is needed comes back with one query. */
function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  if (memory.size >= MAX_KNOWN) memory.clear()
  memory.set(key, value)
}
