import { type Static, Type } from 'typebox'
import type { FoundAgent, OwnProfile, Profile } from '#identity'
import { type SellerReputation, UNKNOWN_SELLER } from '#trust'
import { MicrosView } from './amounts.ts'
import type { V1Context, WalletBalances } from './context.ts'
import { RankView, rankView } from './rank-view.ts'

export const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] })

export const ReputationView = Type.Object({
  successRate: Type.Number({ description: '0 to 1.' }),
  score: Type.Integer({ description: '0 to 100.' }),
  trusted: Type.Boolean(),
})

export function reputationView(reputation: SellerReputation = UNKNOWN_SELLER): Static<typeof ReputationView> {
  const { successRate, score, trusted } = reputation
  return { successRate, score, trusted }
}

export const PROVIDER_TYPES = ['agent', 'saas', 'api'] as const

export const A2aCapabilities = Type.Object(
  { streaming: Type.Boolean(), pushNotifications: Type.Boolean() },
  { additionalProperties: false },
)

/** What PayanAgent's contract shows of an agent; `ownerEmail` and `discoverySource` never (PA-18). */
const cardFields = {
  _id: Type.String({ description: 'The same as id.' }),
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  tags: Type.Array(Type.String(), { description: 'The same as capabilities.' }),
  providerType: Type.Enum([...PROVIDER_TYPES]),
  agentUrl: { ...TextOrNull, description: 'The same as websiteUrl.' },
  a2aCapabilities: Type.Union([A2aCapabilities, Type.Null()]),
  walletAddress: {
    ...TextOrNull,
    description: 'Wallet it is paid at or pays from; of an agent without one its deposit address.',
  },
  walletVerified: Type.Boolean({ description: 'Whether that wallet has signed that it is this agent’s.' }),
  solanaWalletAddress: { ...TextOrNull, description: 'Wallet it is paid at on Solana.' },
  chain: TextOrNull,
  status: Type.Enum(['active', 'suspended']),
  reputation: ReputationView,
  createdAt: Type.String(),
}

export const AgentCardView = Type.Object({ ...cardFields, rank: Type.Optional(RankView) })

const publicFields = {
  ...cardFields,
  capabilities: Type.Array(Type.String()),
  avatarUrl: TextOrNull,
  websiteUrl: TextOrNull,
  activated: Type.Boolean(),
  verified: Type.Boolean(),
  depositAddress: { ...TextOrNull, description: 'Solana address that USDC is deposited to.' },
  trustScore: Type.Number({ description: '0 to 1.' }),
  evidence: Type.Integer({ description: 'Distinct counterparties that paid or were paid real money.' }),
  ratings: Type.Object({
    average: Type.Unsafe<number | null>({ type: ['number', 'null'], description: '1 to 5.' }),
    count: Type.Integer(),
  }),
  totalDisputesFiled: Type.Integer(),
  clientDisputeRate: Type.Number({ description: '0 to 1.' }),
  clientRestricted: Type.Boolean({ description: 'Kept from creating jobs and filing disputes.' }),
  reportWarning: Type.Null(),
}

export const AgentView = Type.Object(publicFields)

export const OwnAgentView = Type.Object({
  ...publicFields,
  callbackUrl: TextOrNull,
  email: TextOrNull,
  ownerEmail: { ...TextOrNull, description: 'The same as email.' },
  discoverySource: TextOrNull,
  activatedAt: TextOrNull,
  emergencyAddress: { ...TextOrNull, description: 'POST /api/v1/wallet/panic pays to it.' },
  wallet: Type.Object({ available: MicrosView, pending: MicrosView, escrowed: MicrosView, total: MicrosView }),
})

type Standing = Awaited<ReturnType<typeof standingOf>>

/** Everything about an agent that is not in its profile. Asked before a unit of work, never within. */
export async function standingOf(souk: V1Context, partyId: string) {
  const [trust, conduct, ratings, depositAddress, reputations] = await Promise.all([
    souk.trustOf(partyId),
    souk.conductOf(partyId),
    souk.ratingSummaryOf(partyId),
    souk.depositAddressOf(partyId),
    souk.sellerReputationOf(souk.read, [partyId]),
  ])
  return { trust, conduct, ratings, depositAddress, reputation: reputations.get(partyId) }
}

/**
 * The deposit address is shown only once a stranger's deposit to it can no longer become the emergency address (D-32):
 * else whoever pays 1 USDC to a newcomer would be where its panic sends everything.
 */
export async function publicView(souk: V1Context, profile: Profile): Promise<Static<typeof AgentView>> {
  const { depositAddress, ...standing } = await standingOf(souk, profile.partyId)
  return agentView(profile, { ...standing, depositAddress: profile.recoverable ? depositAddress : null })
}

export function ownView(
  profile: OwnProfile,
  standing: Standing,
  balances: WalletBalances,
): Static<typeof OwnAgentView> {
  const { available, pending, escrowed } = balances
  return {
    ...agentView(profile, standing),
    callbackUrl: profile.callbackUrl,
    email: profile.email,
    ownerEmail: profile.email,
    discoverySource: profile.discoverySource,
    activatedAt: profile.activatedAt?.toISOString() ?? null,
    emergencyAddress: profile.emergencyAddress,
    wallet: {
      available: String(available),
      pending: String(pending),
      escrowed: String(escrowed),
      total: String(available + pending + escrowed),
    },
  }
}

/** Of the wallet that is shown. */
function isProven(profile: Profile): boolean {
  const { payoutWallet, payoutWalletProven, solanaWallet, solanaWalletProven, provenWallet } = profile
  if (payoutWallet !== null) return payoutWalletProven
  return solanaWallet === null ? provenWallet !== null : solanaWalletProven
}

/** One line of the directory: no deposit address, which would be a question of its own for each. */
export function agentCardView(
  profile: Profile | FoundAgent,
  reputation?: SellerReputation,
): Static<typeof AgentCardView> {
  return {
    ...('rank' in profile ? rankView(profile.rank) : {}),
    _id: profile.partyId,
    id: profile.partyId,
    name: profile.name,
    description: profile.description,
    tags: [...profile.capabilities],
    providerType: profile.providerType,
    agentUrl: profile.websiteUrl,
    a2aCapabilities: profile.a2aCapabilities,
    walletAddress: profile.payoutWallet ?? profile.solanaWallet ?? profile.provenWallet,
    solanaWalletAddress: profile.solanaWallet,
    walletVerified: isProven(profile),
    chain: profile.chain,
    status: profile.suspended ? 'suspended' : 'active',
    reputation: reputationView(reputation),
    createdAt: profile.createdAt.toISOString(),
  }
}

function agentView(profile: Profile, standing: Standing): Static<typeof AgentView> {
  const { trust, conduct, ratings, depositAddress, reputation } = standing
  const card = agentCardView(profile, reputation)
  return {
    ...card,
    walletAddress: card.walletAddress ?? depositAddress,
    capabilities: [...profile.capabilities],
    avatarUrl: profile.avatarUrl,
    websiteUrl: profile.websiteUrl,
    activated: profile.activated,
    verified: profile.verified,
    depositAddress,
    trustScore: trust.score,
    evidence: trust.evidence,
    ratings: { average: ratings.average, count: ratings.count },
    totalDisputesFiled: conduct.disputesFiled,
    clientDisputeRate: conduct.disputeRate,
    clientRestricted: conduct.restricted,
    reportWarning: null,
  }
}
