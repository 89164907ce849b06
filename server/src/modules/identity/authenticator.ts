import type { Store } from '#platform/db'
import { createGatherer, type Outcome } from '#platform/gather'
import type { Caller } from '#platform/http/caller'
import { type KeyOwner, selectOwners, touchKeys } from './key-store.ts'
import { hashKey } from './keys.ts'

const MAX_BATCH = 512
const LOOKUPS_AT_ONCE = 2

/**
 * Who a key belongs to. Concurrent lookups share a query and nothing is remembered between them, so that a revoked or
 * expired key is dead at once in every process. Suspended parties still are themselves (D-35).
 */
export function createAuthenticator(store: Store): (key: string) => Promise<Caller | undefined> {
  const find = createGatherer<Buffer, KeyOwner | undefined>({
    maxItems: MAX_BATCH,
    maxRunning: LOOKUPS_AT_ONCE,
    run: async (hashes) => {
      const owners = new Map((await selectOwners(store.read, hashes)).map((row) => [row.hash.toString('hex'), row]))
      return hashes.map((hash) => ({ done: owners.get(hash.toString('hex')) }))
    },
  })
  const touch = createToucher(store)
  return async (key) => {
    const owner = await find(hashKey(key))
    if (!owner) return undefined
    const { partyId, keyId, name, activated, scopes } = owner
    if (owner.stale) touch(keyId)
    return { partyId, keyId, name, activated, scopes }
  }
}

/** Writes uses down beside the request, never in its way: a use that could not be written is no reason to fail. */
function createToucher(store: Store): (keyId: string) => void {
  const underWay = new Set<string>()
  const write = createGatherer<string, void>({
    maxItems: MAX_BATCH,
    run: async (keyIds) => {
      await store.transact((tx) => touchKeys(tx, keyIds))
      return keyIds.map((): Outcome<void> => ({ done: undefined }))
    },
  })
  return (keyId) => {
    if (underWay.has(keyId)) return
    underWay.add(keyId)
    write(keyId)
      .catch(() => {})
      .finally(() => underWay.delete(keyId))
  }
}
