import sql, { type Sql } from 'sql-template-tag'
import { searchText } from '#kernel/search'
import type { Db, Tx } from '#platform/db'
import { tsvectorOf } from '#platform/db/full-text'
import type { A2aCapabilities, EmergencySource, OwnProfile, Profile, ProviderType } from './profile.ts'

/** Reads outside a unit of work see the same clock as `tx.now` (D-26). */
export const MARKET_NOW = sql`(select clock_timestamp() + offset_ms * interval '1 ms' from sandbox_clock)`

const PUBLIC = sql`
  party.id as "partyId", agent.name, agent.handle, agent.description, agent.capabilities,
  agent.avatar_url as "avatarUrl", agent.website_url as "websiteUrl", agent.provider_type as "providerType",
  case when agent.a2a_streaming is not null then jsonb_build_object(
    'streaming', agent.a2a_streaming, 'pushNotifications', agent.a2a_push_notifications) end as "a2aCapabilities",
  agent.payout_wallet as "payoutWallet", agent.payout_wallet_proven_at is not null as "payoutWalletProven",
  agent.solana_wallet as "solanaWallet", agent.solana_wallet_proven_at is not null as "solanaWalletProven",
  wallet_party.address as "provenWallet", agent.chain,
  agent.activated_at is not null as activated,
  agent.verified_at is not null as verified, party.suspended_at is not null as suspended,
  agent.emergency_address is not null as recoverable, party.created_at as "createdAt"`

const AGENTS = sql`
  party join agent on agent.party_id = party.id left join wallet_party on wallet_party.party_id = party.id`

export interface NewAgentRow {
  readonly partyId: string
  readonly name: string
  readonly handle: string | null
  readonly description: string
  readonly capabilities: readonly string[]
  readonly callbackUrl: string | null
  readonly email: string | null
  readonly passwordHash: string | null
  readonly activatedAt: Date | null
  readonly emergencyAddress: string | null
  readonly websiteUrl: string | null
  readonly payoutWallet: string | null
  readonly solanaWallet: string | null
  readonly chain: string | null
  readonly providerType: ProviderType
  readonly a2aCapabilities: A2aCapabilities | null
  readonly discoverySource: string | null
  readonly sealedWebhookSecret: string
}

function searchOf({ name, capabilities, description }: Pick<Profile, 'name' | 'capabilities' | 'description'>): Sql {
  return tsvectorOf(searchText({ title: name, topics: capabilities, body: description }))
}

export async function insertAgent(tx: Tx, row: NewAgentRow): Promise<void> {
  await tx.run(sql`
    with party as (insert into party (id, kind, created_at) values (${row.partyId}, 'agent', ${tx.now})),
    secret as (insert into webhook_secret (party_id, sealed) values (${row.partyId}, ${row.sealedWebhookSecret}))
    insert into agent (
      party_id, name, handle, description, capabilities, callback_url, email, password_hash, activated_at,
      emergency_address, emergency_source, website_url, payout_wallet, solana_wallet, chain, provider_type, discovery_source,
      a2a_streaming, a2a_push_notifications, search)
    values (
      ${row.partyId}, ${row.name}, ${row.handle}, ${row.description}, ${row.capabilities}, ${row.callbackUrl},
      ${row.email}, ${row.passwordHash}, ${row.activatedAt}, ${row.emergencyAddress},
      ${row.emergencyAddress && 'registration'}, ${row.websiteUrl}, ${row.payoutWallet}, ${row.solanaWallet}, ${row.chain},
      ${row.providerType}, ${row.discoverySource}, ${row.a2aCapabilities?.streaming},
      ${row.a2aCapabilities?.pushNotifications}, ${searchOf(row)})`)
}

export async function selectProfiles(db: Db, partyIds: readonly string[]): Promise<Profile[]> {
  return db.rows(sql`
    select ${PUBLIC} from ${AGENTS} where party.id = any(${partyIds})`)
}

/** Newest first. */
export async function selectAgentPage(
  db: Db,
  { suspended, before, limit }: { suspended: boolean; before: string | null; limit: number },
): Promise<Profile[]> {
  return db.rows(sql`
    select ${PUBLIC} from ${AGENTS}
    where (party.suspended_at is not null) = ${suspended}
      and party.id < coalesce(${before}, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by party.id desc limit ${limit}`)
}

export async function selectOwnProfile(db: Db, partyId: string): Promise<OwnProfile | undefined> {
  return db.one(sql`
    select ${PUBLIC},
      agent.callback_url as "callbackUrl", agent.email, agent.discovery_source as "discoverySource",
      agent.activated_at as "activatedAt", agent.emergency_address as "emergencyAddress",
      agent.emergency_source as "emergencySource"
    from ${AGENTS}
    where party.id = ${partyId}`)
}

export async function lockAgent(tx: Tx, partyId: string): Promise<void> {
  await tx.rows(sql`select 1 from agent where party_id = ${partyId} for no key update`)
}

export async function saveProfile(tx: Tx, profile: OwnProfile): Promise<void> {
  await tx.run(sql`
    update agent set name = ${profile.name}, description = ${profile.description},
      capabilities = ${profile.capabilities}, callback_url = ${profile.callbackUrl}, avatar_url = ${profile.avatarUrl},
      website_url = ${profile.websiteUrl}, email = ${profile.email},
      a2a_streaming = ${profile.a2aCapabilities?.streaming},
      a2a_push_notifications = ${profile.a2aCapabilities?.pushNotifications}, search = ${searchOf(profile)}
    where party_id = ${profile.partyId}`)
}

export async function activate(tx: Tx, partyId: string): Promise<boolean> {
  const rows = await tx.run(sql`
    update agent set activated_at = ${tx.now} where party_id = ${partyId} and activated_at is null`)
  return rows > 0
}

export async function replaceEmergencyAddress(
  tx: Tx,
  { partyId, from, to, source }: { partyId: string; from: string | null; to: string; source: EmergencySource },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update agent set emergency_address = ${to}, emergency_source = ${source}
    where party_id = ${partyId} and emergency_address is not distinct from ${from}`)
  return rows > 0
}

export async function replacePayoutWallet(
  tx: Tx,
  { partyId, payoutWallet }: { partyId: string; payoutWallet: string | null },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update agent set payout_wallet = ${payoutWallet}, payout_wallet_proven_at = null where party_id = ${partyId}`)
  return rows > 0
}

export async function replaceSolanaWallet(
  tx: Tx,
  { partyId, solanaWallet }: { partyId: string; solanaWallet: string | null },
): Promise<boolean> {
  const rows = await tx.run(
    sql`update agent set solana_wallet = ${solanaWallet}, solana_wallet_proven_at = null where party_id = ${partyId}`,
  )
  return rows > 0
}

export async function markSuspended(
  tx: Tx,
  { partyId, suspended }: { partyId: string; suspended: boolean },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update party set suspended_at = case when ${suspended} then coalesce(suspended_at, ${tx.now}) end
    where id = ${partyId}`)
  return rows > 0
}

export async function markVerified(
  tx: Tx,
  { partyId, verified }: { partyId: string; verified: boolean },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update agent set verified_at = case when ${verified} then coalesce(verified_at, ${tx.now}) end
    where party_id = ${partyId}`)
  return rows > 0
}

/** Which of these parties are suspended, users too. */
export async function suspendedAmong(db: Db, partyIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ id: string }>(sql`
    select id from party where id = any(${partyIds}) and suspended_at is not null`)
  return new Set(rows.map(({ id }) => id))
}

/** Where each agent wants to hear of events; those without an address are left out. */
export async function callbackUrlsOf(db: Db, partyIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db.rows<{ partyId: string; url: string }>(sql`
    select party_id as "partyId", callback_url as url from agent
    where party_id = any(${partyIds}) and callback_url is not null`)
  return new Map(rows.map(({ partyId, url }) => [partyId, url]))
}

export async function selectPassword(
  db: Db,
  handle: string,
): Promise<{ partyId: string; passwordHash: string | null } | undefined> {
  return db.one(sql`
    select party_id as "partyId", password_hash as "passwordHash" from agent where lower(handle) = lower(${handle})`)
}

export interface SealedSecrets {
  readonly partyId: string
  readonly sealed: string
  readonly previousSealed: string | null
}

/** The previous secret is null once it no longer signs. */
export async function selectWebhookSecrets(db: Db, partyIds: readonly string[]): Promise<SealedSecrets[]> {
  return db.rows(sql`
    select party_id as "partyId", sealed,
      case when previous_valid_until > ${MARKET_NOW} then previous_sealed end as "previousSealed"
    from webhook_secret where party_id = any(${partyIds})`)
}

/** Until when the secret before is valid besides; null when there is none. Two rotations at once take turns. */
export async function lockRotation(tx: Tx, partyId: string): Promise<Date | null> {
  const row = await tx.one<{ until: Date | null }>(sql`
    select previous_valid_until as until from webhook_secret where party_id = ${partyId} for update`)
  return row?.until && row.until > tx.now ? row.until : null
}

export async function replaceWebhookSecret(
  tx: Tx,
  { partyId, sealed, previousValidUntil }: { partyId: string; sealed: string; previousValidUntil: Date },
): Promise<void> {
  await tx.run(sql`
    insert into webhook_secret (party_id, sealed) values (${partyId}, ${sealed})
    on conflict (party_id) do update set sealed = excluded.sealed,
      previous_sealed = webhook_secret.sealed, previous_valid_until = ${previousValidUntil}`)
}
