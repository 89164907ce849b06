import { isId, newId } from '#kernel/id'
import { stripHtml } from '#kernel/text'
import type { Db, Tx } from '#platform/db'
import type { Scope } from '#platform/http/caller'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import { canManageKeys, insertKey, lockKeys, markRevoked, selectKeys, selectLineage, shareKey } from './key-store.ts'
import { type KeyLook, makeKey } from './keys.ts'

/** A key as its owner sees it: never the key itself, never its hash. */
export interface KeyRow {
  readonly keyId: string
  readonly partyId: string
  readonly prefix: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly createdAt: Date
  readonly expiresAt: Date | null
  /** Exact to a minute. */
  readonly lastUsedAt: Date | null
  /** The key that asked for it; null for the first one. */
  readonly madeBy: string | null
}

export interface MadeKey {
  readonly keyId: string
  /** Shown once. */
  readonly key: string
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
}

export interface KeyRequest {
  /** Who asks, with the key they ask with; a key gives no more than it has (D-33). A session has no key. */
  readonly by: { readonly partyId: string; readonly keyId: string | null; readonly scopes: readonly Scope[] }
  readonly name: string
  /** All of the asking key's where nothing is said. */
  readonly scopes?: readonly Scope[]
  readonly expiresAt?: Date | null
  readonly look?: KeyLook
}

const MAX_KEYS = 100

/** Makes another key for the party. Throws `key_gone`, `scope_not_held`, `expiry_not_allowed`, `too_many_keys`. */
export async function addKey(tx: Tx, { by, name, scopes, expiresAt, look = 'jp' }: KeyRequest): Promise<MadeKey> {
  const maker = by.keyId === null ? undefined : await shareKey(tx, by.keyId)
  if (by.keyId !== null && maker?.partyId !== by.partyId) throw identityRefusals.key_gone()
  const wanted = [...new Set(scopes ?? by.scopes)]
  const missing = wanted.filter((scope) => !by.scopes.includes(scope))
  if (missing.length > 0) throw identityRefusals.scope_not_held({ missing: missing.join(', ') })
  const latest = maker?.expiresAt ?? null
  const key = { name, scopes: wanted, look, expiresAt: checkedExpiry(tx, { wanted: expiresAt ?? latest, latest }) }
  const made = await issueKey(tx, { partyId: by.partyId, madeBy: by.keyId, ...key })
  emitIdentity(tx, 'key.added', { partyId: by.partyId, keyId: made.keyId, name })
  return made
}

/** A key out of nothing: for registration and for whoever has proved the party otherwise. */
export async function issueKey(
  tx: Tx,
  request: Pick<KeyRow, 'partyId' | 'name' | 'scopes' | 'expiresAt'> & { look: KeyLook; madeBy?: string | null },
): Promise<MadeKey> {
  const { partyId, scopes, expiresAt, madeBy = null } = request
  const { key, prefix, hash } = makeKey(request.look)
  const name = stripHtml(request.name)
  const row = { keyId: newId(), partyId, prefix, name, scopes, createdAt: tx.now, expiresAt, lastUsedAt: null, madeBy }
  if (!(await insertKey(tx, { ...row, hash, maxKeys: MAX_KEYS }))) {
    throw identityRefusals.too_many_keys({ limit: MAX_KEYS })
  }
  return { keyId: row.keyId, key, prefix, scopes, expiresAt }
}

/**
 * Kills a key at once, everywhere; with `andChildren` also what it made, and what those made, since a thief's first deed
 * is to make another key (D-33). Then the key itself may be dead already. Answers the ids. Throws `key_unknown`, and
 * `last_key` where no active key would be left that may manage keys (JP-12, JP-13).
 */
export async function revokeKey(
  tx: Tx,
  { partyId, keyId, andChildren = false }: { partyId: string; keyId: string; andChildren?: boolean },
): Promise<string[]> {
  if (!isId(keyId)) throw identityRefusals.key_unknown()
  await lockKeys(tx, partyId)
  const revoked: { keyId: string; name: string }[] = []
  for (;;) {
    const keyIds = andChildren ? await selectLineage(tx, keyId) : [keyId]
    const more = await markRevoked(tx, { partyId, keyIds })
    revoked.push(...more)
    // Whoever was making a key meanwhile was waited for, so that only now what was made can be seen.
    if (more.length === 0 || !andChildren) break
  }
  if (revoked.length === 0) throw identityRefusals.key_unknown()
  // A key without `admin` makes none with more scopes: were it the last, the party's money could be locked in for ever.
  if (!(await canManageKeys(tx, partyId))) throw identityRefusals.last_key()
  for (const key of revoked) emitIdentity(tx, 'key.revoked', { partyId, ...key })
  return revoked.map((key) => key.keyId)
}

/** The party's keys that were not revoked, newest first; expired ones still show. */
export async function listKeys(db: Db, partyId: string): Promise<KeyRow[]> {
  return selectKeys(db, partyId)
}

/** A key that ends must not outlive itself through a key it makes. */
function checkedExpiry(tx: Tx, { wanted, latest }: { wanted: Date | null; latest: Date | null }): Date | null {
  const tooLate = latest !== null && (wanted === null || wanted > latest)
  // A leap second is a date-time and yet no instant of ours.
  const isInstant = wanted === null || !Number.isNaN(wanted.getTime())
  if (!isInstant || (wanted !== null && (wanted <= tx.now || tooLate))) {
    throw identityRefusals.expiry_not_allowed({ latest: latest?.toISOString() ?? 'any later time' })
  }
  return wanted
}
