import { readEvmAddress } from '#kernel/evm-address'
import { isId, newId } from '#kernel/id'
import { isSolanaWallet } from '#kernel/solana-address'
import { stripHtml } from '#kernel/text'
import type { Db, Tx } from '#platform/db'
import { violatedConstraint } from '#platform/db/outcome'
import { SCOPES } from '#platform/http/caller'
import { issueKey, type MadeKey } from './api-keys.ts'
import { identityRefusals } from './errors.ts'
import { emitIdentity } from './events.ts'
import type { KeyLook } from './keys.ts'
import { passwordMatches } from './passwords.ts'
import type { A2aCapabilities, EmergencySource, OwnProfile, Profile, ProfileChanges, ProviderType } from './profile.ts'
import {
  activate,
  insertAgent,
  lockAgent,
  markSuspended,
  markVerified,
  replaceEmergencyAddress,
  replacePayoutWallet,
  replaceSolanaWallet,
  saveProfile,
  selectAgentPage,
  selectOwnProfile,
  selectPassword,
  selectProfiles,
} from './store.ts'
import { makeWebhookSecret, sealWebhookSecret } from './webhook-secrets.ts'

export interface NewAgent {
  readonly name: string
  /** Whether nobody else may have this name. */
  readonly isUnique: boolean
  readonly description: string
  readonly capabilities: readonly string[]
  readonly callbackUrl: string | null
  readonly email: string | null
  readonly passwordHash: string | null
  readonly emergencyAddress: string | null
  readonly websiteUrl?: string
  /** EVM address; nobody else may have it, whatever its letters' case. */
  readonly payoutWallet?: string
  /** Address on Solana; nobody else may have it either. */
  readonly solanaWallet?: string
  readonly chain?: string
  readonly providerType?: ProviderType
  readonly a2aCapabilities?: A2aCapabilities
  readonly discoverySource?: string
  /** False: it has to be activated by a deposit first (D-2). */
  readonly isActivated: boolean
  readonly keyLook: KeyLook
  readonly sealingKey: Uint8Array
}

export interface CreatedAgent {
  readonly partyId: string
  readonly firstKey: MadeKey
  /** Shown once. */
  readonly webhookSecret: string
}

const FIRST_KEY_NAME = 'first key'

/**
 * A party with its profile, first key (every scope) and webhook secret. Throws `name_taken`, `name_blank`, `url_not_web`,
 * `wallet_invalid`, `wallet_taken`.
 */
export async function createAgent(tx: Tx, agent: NewAgent): Promise<CreatedAgent> {
  const partyId = newId()
  const webhookSecret = makeWebhookSecret()
  const {
    websiteUrl = null,
    chain = null,
    providerType = 'agent',
    a2aCapabilities = null,
    discoverySource = null,
  } = agent
  checkWebUrl('websiteUrl', websiteUrl)
  await insertAgent(tx, {
    ...agent,
    ...cleaned(agent),
    chain: chain === null ? null : stripHtml(chain),
    discoverySource: discoverySource === null ? null : stripHtml(discoverySource),
    ...{ websiteUrl, providerType, a2aCapabilities },
    payoutWallet: agent.payoutWallet === undefined ? null : checkedWallet(agent.payoutWallet),
    solanaWallet: agent.solanaWallet === undefined ? null : checkedSolanaWallet(agent.solanaWallet),
    partyId,
    handle: agent.isUnique ? agent.name : null,
    activatedAt: agent.isActivated ? tx.now : null,
    sealedWebhookSecret: sealWebhookSecret(agent.sealingKey, { partyId, secret: webhookSecret }),
  }).catch((error) => {
    if (violatedConstraint(error) === 'agent_handle') throw identityRefusals.name_taken({ name: agent.name })
    return asTaken(error)
  })
  const key = { partyId, name: FIRST_KEY_NAME, scopes: SCOPES, look: agent.keyLook, expiresAt: null }
  const firstKey = await issueKey(tx, key)
  emitIdentity(tx, 'agent.registered', { partyId, name: agent.name })
  return { partyId, firstKey, webhookSecret }
}

export async function profileOf(db: Db, partyId: string): Promise<Profile | undefined> {
  return isId(partyId) ? (await selectProfiles(db, [partyId]))[0] : undefined
}

/** Many profiles in one query, by party id; who is no agent is left out. */
export async function profilesOf(db: Db, partyIds: readonly string[]): Promise<Map<string, Profile>> {
  if (partyIds.length === 0) return new Map()
  const profiles = await selectProfiles(db, [...new Set(partyIds)])
  return new Map(profiles.map((profile) => [profile.partyId, profile]))
}

/** Agents in or out of suspension, newest first; `before` is the last id of the page before. */
export async function listAgents(
  db: Db,
  query: { suspended: boolean; before: string | null; limit: number },
): Promise<Profile[]> {
  return selectAgentPage(db, query)
}

/** The profile with its private fields, for the agent itself. Throws `agent_unknown`. */
export async function ownProfileOf(db: Db, partyId: string): Promise<OwnProfile> {
  const profile = await selectOwnProfile(db, partyId)
  if (!profile) throw identityRefusals.agent_unknown()
  return profile
}

/** Throws `agent_unknown`, `name_blank` and `url_not_web`. A callback URL must have passed the guarded check before. */
export async function updateProfile(
  tx: Tx,
  { partyId, changes }: { partyId: string; changes: ProfileChanges },
): Promise<OwnProfile> {
  await lockAgent(tx, partyId)
  const before = await ownProfileOf(tx, partyId)
  const merged = { ...before, ...changes }
  const after = { ...merged, ...cleaned(merged) }
  for (const field of ['avatarUrl', 'websiteUrl'] as const) checkWebUrl(field, after[field])
  await saveProfile(tx, after)
  return after
}

/** True only the first time, so that the fee is taken once however many deposits arrive at once (JP-27). */
export async function markActivated(tx: Tx, partyId: string): Promise<boolean> {
  const isFirst = await activate(tx, partyId)
  if (isFirst) emitIdentity(tx, 'agent.activated', { partyId })
  return isFirst
}

/**
 * Sets the emergency address where none is set, or replaces exactly the one named by `replacing`, whose signature the
 * caller has checked (JP-28, D-32). Answers whether it is set now because of this.
 */
export async function setEmergencyAddress(
  tx: Tx,
  { partyId, address, replacing }: { partyId: string; address: string; replacing?: string },
): Promise<boolean> {
  const source: EmergencySource = replacing === undefined ? 'deposit' : 'replacement'
  return replaceEmergencyAddress(tx, { partyId, from: replacing ?? null, to: address, source })
}

/** Operator's hand (D-35). Throws `agent_unknown`. */
export async function setSuspended(tx: Tx, { partyId, suspended }: { partyId: string; suspended: boolean }) {
  if (!isId(partyId) || !(await markSuspended(tx, { partyId, suspended }))) throw identityRefusals.agent_unknown()
  emitIdentity(tx, suspended ? 'agent.suspended' : 'agent.reinstated', { partyId })
}

/** Operator's badge (D-6). Throws `agent_unknown`. */
export async function setVerified(tx: Tx, { partyId, verified }: { partyId: string; verified: boolean }) {
  if (!isId(partyId) || !(await markVerified(tx, { partyId, verified }))) throw identityRefusals.agent_unknown()
}

/**
 * Operator's hand, for a wallet that was lost or named by somebody whose it is not; null frees it. Throws `agent_unknown`,
 * `wallet_invalid` and `wallet_taken`.
 */
export async function setPayoutWallet(tx: Tx, { partyId, address }: { partyId: string; address: string | null }) {
  const payoutWallet = address === null ? null : checkedWallet(address)
  const isKnown = isId(partyId) && (await replacePayoutWallet(tx, { partyId, payoutWallet }).catch(asTaken))
  if (!isKnown) throw identityRefusals.agent_unknown()
  emitIdentity(tx, 'agent.payout_wallet_changed', { partyId, payoutWallet })
}

/** The same on Solana. */
export async function setSolanaWallet(tx: Tx, { partyId, address }: { partyId: string; address: string | null }) {
  const solanaWallet = address === null ? null : checkedSolanaWallet(address)
  const isKnown = isId(partyId) && (await replaceSolanaWallet(tx, { partyId, solanaWallet }).catch(asTaken))
  if (!isKnown) throw identityRefusals.agent_unknown()
  emitIdentity(tx, 'agent.payout_wallet_changed', { partyId, solanaWallet })
}

/** The party behind a unique name and its password; the time taken tells nothing about which of the two is wrong. */
export async function partyByPassword(
  db: Db,
  { handle, password }: { handle: string; password: string },
): Promise<string | undefined> {
  const row = await selectPassword(db, handle)
  const matches = await passwordMatches(password, row?.passwordHash)
  return matches ? row?.partyId : undefined
}

/** Words without HTML, empty capabilities dropped, each capability once (JP-174). */
function cleaned({ name, description, capabilities }: Pick<Profile, 'name' | 'description' | 'capabilities'>) {
  const words = capabilities.map((capability) => stripHtml(capability).trim()).filter((word) => word !== '')
  const plainName = stripHtml(name)
  if (plainName.trim() === '') throw identityRefusals.name_blank()
  return { name: plainName, description: stripHtml(description), capabilities: [...new Set(words)] }
}

const WALLETS = ['agent_payout_wallet', 'agent_solana_wallet']

function asTaken(error: unknown): never {
  if (WALLETS.includes(violatedConstraint(error) ?? '')) throw identityRefusals.wallet_taken()
  throw error
}

function checkedWallet(text: string): string {
  const address = readEvmAddress(text)
  if (address === undefined) throw identityRefusals.wallet_invalid()
  return address
}

function checkedSolanaWallet(text: string): string {
  if (!isSolanaWallet(text)) throw identityRefusals.wallet_invalid()
  return text
}

/** Shown as a link on pages, so `javascript:` and its like must not get in. */
function checkWebUrl(field: string, url: string | null): void {
  if (url === null) return
  const protocol = URL.parse(url)?.protocol
  if (protocol !== 'https:' && protocol !== 'http:') throw identityRefusals.url_not_web({ field })
}
