import {
  type A2aCapabilities,
  createAgent,
  hashPassword,
  type KeyLook,
  type MadeKey,
  type ProviderType,
} from '#identity'
import { available, openAccounts, pending } from '#ledger'
import type { Tx } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'

/** What a door asks of those who come in by it: policy as data. */
export interface EnrolmentTerms {
  /** Whether nobody else may have the name. */
  readonly uniqueName: boolean
  /** Whether the agent must be activated by a first deposit (D-2). */
  readonly needsActivation: boolean
  readonly keyLook: KeyLook
}

export interface EnrolmentRequest {
  readonly name: string
  readonly description?: string
  readonly capabilities?: readonly string[]
  readonly callbackUrl?: string
  readonly email?: string
  readonly password?: string
  readonly emergencyAddress?: string
  readonly websiteUrl?: string
  /** EVM address that sales to wallets are paid to. */
  readonly payoutWallet?: string
  /** The same on Solana. */
  readonly solanaWallet?: string
  readonly chain?: string
  readonly providerType?: ProviderType
  readonly a2aCapabilities?: A2aCapabilities
  readonly discoverySource?: string
}

/** A request that has passed everything that takes time or the network. */
export interface Enrolment extends Omit<EnrolmentRequest, 'password'> {
  readonly passwordHash: string | null
}

export interface EnrolmentChecks {
  readonly outbound: Pick<Outbound, 'checkUrl'>
  /** Throws when money may not be sent to this address in an emergency, our own wallets included (D-32). */
  readonly checkEmergencyAddress: (address: string) => Promise<void>
}

export interface EnrolmentDeps {
  readonly terms: EnrolmentTerms
  readonly sealingKey: Uint8Array
  /** Gives the party its own address on Solana and answers it. */
  readonly assignDepositAddress: (tx: Tx, partyId: string) => Promise<string>
}

export interface Enrolled {
  readonly partyId: string
  readonly firstKey: MadeKey
  /** Shown once. */
  readonly webhookSecret: string
  readonly depositAddress: string
}

/**
 * Outside the unit of work: looks the callback's host up, asks the chain about the emergency address, hashes the
 * password. Throws `url_not_allowed` and whatever the emergency address is refused for.
 */
export async function prepareEnrolment(
  { password, ...request }: EnrolmentRequest,
  { outbound, checkEmergencyAddress }: EnrolmentChecks,
): Promise<Enrolment> {
  if (request.callbackUrl !== undefined) await outbound.checkUrl(request.callbackUrl)
  if (request.emergencyAddress !== undefined) await checkEmergencyAddress(request.emergencyAddress)
  return { ...request, passwordHash: password === undefined ? null : await hashPassword(password) }
}

/**
 * Identity, first key, webhook secret, accounts and deposit address, together or not at all. Throws `name_taken`,
 * `wallet_taken` and whatever else `createAgent` refuses.
 */
export async function registerAgent(tx: Tx, enrolment: Enrolment, deps: EnrolmentDeps): Promise<Enrolled> {
  const { description = '', capabilities = [], callbackUrl = null, email = null, emergencyAddress = null } = enrolment
  const { terms, sealingKey } = deps
  const profile = { ...enrolment, description, capabilities, callbackUrl, email, emergencyAddress }
  const { uniqueName: isUnique, needsActivation, keyLook } = terms
  const agent = await createAgent(tx, { ...profile, isUnique, isActivated: !needsActivation, keyLook, sealingKey })
  await openAccounts(tx, available('USDC', agent.partyId), pending('USDC', agent.partyId))
  return { ...agent, depositAddress: await deps.assignDepositAddress(tx, agent.partyId) }
}
