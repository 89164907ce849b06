import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { Scope } from '#platform/http/caller'
import type { KeyRow } from './api-keys.ts'
import { MARKET_NOW } from './store.ts'

export async function insertKey(
  tx: Tx,
  key: KeyRow & { readonly hash: Buffer; readonly maxKeys: number },
): Promise<boolean> {
  const rows = await tx.run(sql`
    insert into api_key (id, party_id, hash, prefix, name, scopes, created_at, expires_at, made_by)
    select ${key.keyId}, ${key.partyId}, ${key.hash}, ${key.prefix}, ${key.name}, ${key.scopes}, ${tx.now}::timestamptz,
      ${key.expiresAt}::timestamptz, ${key.madeBy}::uuid
    where (select count(*) from api_key where party_id = ${key.partyId} and revoked_at is null) < ${key.maxKeys}::int`)
  return rows > 0
}

const KEY = sql`
  id as "keyId", party_id as "partyId", prefix, name, scopes, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", made_by as "madeBy"`

/** Every key that was not revoked, newest first. */
export async function selectKeys(db: Db, partyId: string): Promise<KeyRow[]> {
  return db.rows(sql`
    select ${KEY} from api_key where party_id = ${partyId} and revoked_at is null order by id desc`)
}

/** Locked in one order, so that two revocations at once cannot both leave "the other" key. */
export async function lockKeys(tx: Tx, partyId: string): Promise<void> {
  await tx.rows(sql`
    select 1 from api_key where party_id = ${partyId} and revoked_at is null order by id for update`)
}

/** A key that is about to make another: it stays as it is until this unit ends. */
export async function shareKey(tx: Tx, keyId: string): Promise<KeyRow | undefined> {
  return tx.one(sql`
    select ${KEY} from api_key
    where id = ${keyId} and revoked_at is null and (expires_at is null or expires_at > ${tx.now}) for share`)
}

/** Those of these keys that were not revoked before; waits for whoever is making a key with one of them. */
export async function markRevoked(
  tx: Tx,
  { partyId, keyIds }: { partyId: string; keyIds: readonly string[] },
): Promise<{ keyId: string; name: string }[]> {
  return tx.rows(sql`
    update api_key set revoked_at = ${tx.now}
    where id = any(${keyIds}) and party_id = ${partyId} and revoked_at is null
    returning id as "keyId", name`)
}

/** A key, what it made, what those made, and so on; revoked ones too, since what they made may still live. */
export async function selectLineage(tx: Tx, keyId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    with recursive line as (
      select id from api_key where id = ${keyId}
      union select key.id from api_key as key join line on key.made_by = line.id)
    select id from line order by id`)
  return rows.map(({ id }) => id)
}

/** Whether the party has a key left that may manage keys. */
export async function canManageKeys(tx: Tx, partyId: string): Promise<boolean> {
  const row = await tx.one(sql`
    select 1 from api_key
    where party_id = ${partyId} and revoked_at is null and 'admin' = any(scopes)
      and (expires_at is null or expires_at > ${tx.now})
    limit 1`)
  return row !== undefined
}

export interface KeyOwner {
  readonly hash: Buffer
  readonly keyId: string
  readonly partyId: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly activated: boolean
  /** Its last use was written down more than a minute ago, or never. */
  readonly stale: boolean
}

/** Who holds these keys, in one query. Users and agents of doors without an activation fee count as activated. */
export async function selectOwners(db: Db, hashes: readonly Buffer[]): Promise<KeyOwner[]> {
  return db.rows(sql`
    select key.hash, key.id as "keyId", key.party_id as "partyId", coalesce(agent.name, '') as name, key.scopes,
      agent.party_id is null or agent.activated_at is not null as activated,
      key.last_used_at is null or key.last_used_at < ${MARKET_NOW} - interval '1 minute' as stale
    from api_key as key left join agent using (party_id)
    where key.hash = any(${hashes}) and key.revoked_at is null
      and (key.expires_at is null or key.expires_at > ${MARKET_NOW})`)
}

/** Writes down that keys were used. A key somebody is working on is left for the next time: nobody waits for this. */
export async function touchKeys(tx: Tx, keyIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update api_key set last_used_at = ${tx.now} where id in (
      select id from api_key where id = any(${keyIds}) order by id for no key update skip locked)`)
}

/** Those of these keys that still open doors. */
export async function usableKeys(db: Db, keyIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql`
    select id from api_key
    where id = any(${keyIds}) and revoked_at is null and (expires_at is null or expires_at > ${MARKET_NOW})`)
  return new Set(rows.map(({ id }) => id))
}
