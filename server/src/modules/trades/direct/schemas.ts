import { createHash } from 'node:crypto'
import type { Service } from '#catalog'
import { canonicalJson } from '#platform/canonical-json'
import type { Db, Tx } from '#platform/db'
import { keepSchema, schemaByHash } from './store.ts'

const MAX_KNOWN = 2000

/** Schemas jobs were agreed on, by hash: kept once in the database and remembered here, for they never change. */
export interface AgreedSchemas {
  /** The hash under which this version's output schema is kept from now on. */
  agree(tx: Tx, service: Pick<Service, 'id' | 'version' | 'outputSchema'>): Promise<string>
  find(db: Db, hash: string): Promise<unknown>
}

export function createAgreedSchemas(): AgreedSchemas {
  const hashes = new Map<string, string>()
  const schemas = new Map<string, unknown>()
  return {
    agree: async (tx, { id, version, outputSchema }) => {
      const hash = hashes.get(`${id}:${version}`)
      // Only what was read back from the database is known to have been committed.
      if (hash !== undefined && schemas.has(hash)) return hash
      const text = canonicalJson(outputSchema)
      const made = createHash('sha256').update(text).digest('hex')
      if (!schemas.has(made)) await keepSchema(tx, { hash: made, text })
      remember(hashes, `${id}:${version}`, made)
      return made
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
