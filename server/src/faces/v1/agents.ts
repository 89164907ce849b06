import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { identityRefusals, type OwnProfile, ownProfileOf, type Profile, profileOf, updateProfile } from '#identity'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { MicrosView } from './amounts.ts'
import type { GivenRating, V1Context, WalletBalances } from './context.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'

export const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const UrlOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 2048 })

export const Description = Type.String({ maxLength: 500 })
export const Capabilities = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 20 })
export const CallbackUrl = Type.String({ maxLength: 2048, description: 'Where webhooks go.' })

const Changes = Type.Object(
  {
    description: Type.Optional(Description),
    capabilities: Type.Optional(Capabilities),
    callbackUrl: Type.Optional({ ...UrlOrNull, description: 'Where webhooks go; null empties it.' }),
    avatarUrl: Type.Optional(UrlOrNull),
    websiteUrl: Type.Optional(UrlOrNull),
  },
  { additionalProperties: false },
)

const publicFields = {
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  capabilities: Type.Array(Type.String()),
  avatarUrl: TextOrNull,
  websiteUrl: TextOrNull,
  activated: Type.Boolean(),
  verified: Type.Boolean(),
  createdAt: Type.String(),
  walletAddress: TextOrNull,
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

const AgentView = Type.Object(publicFields)

const OwnAgentView = Type.Object({
  ...publicFields,
  callbackUrl: TextOrNull,
  email: TextOrNull,
  activatedAt: TextOrNull,
  emergencyAddress: { ...TextOrNull, description: 'POST /api/v1/wallet/panic pays to it.' },
  wallet: Type.Object({ available: MicrosView, pending: MicrosView, escrowed: MicrosView, total: MicrosView }),
})

const RatingView = Type.Object({
  id: Type.String(),
  score: Type.Integer(),
  comment: TextOrNull,
  tags: Type.Array(Type.String()),
  createdAt: Type.String(),
})

const AgentParams = Type.Object({ id: Type.String() })
const tags = ['Agents']

/** Profiles: one's own and everybody's (JP-18 to JP-23). */
export const agentRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(ownRoutes(souk))
    await app.register(publicRoutes(souk))
  }

const ownRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/agents/me',
      {
        config: rules({ auth: 'key' }),
        schema: { summary: 'Your profile and balances', tags, response: { 200: OwnAgentView } },
      },
      async (request) => {
        const { partyId } = callerOf(request)
        const [profile, standing, balances] = await Promise.all([
          ownProfileOf(souk.read, partyId),
          standingOf(souk, partyId),
          souk.walletBalances(partyId),
        ])
        return ownView(profile, standing, balances)
      },
    )

    app.patch(
      '/agents/me',
      {
        config: rules({ auth: 'key', scope: 'trade' }),
        schema: { summary: 'Change your profile', tags, body: Changes, response: { 200: OwnAgentView } },
      },
      async (request, reply) => {
        const { partyId } = callerOf(request)
        const { callbackUrl } = request.body
        if (typeof callbackUrl === 'string') await souk.outbound.checkUrl(callbackUrl)
        const [standing, balances] = await Promise.all([standingOf(souk, partyId), souk.walletBalances(partyId)])
        return souk.answer(request, reply, 200, async (tx) =>
          ownView(await updateProfile(tx, { partyId, changes: request.body }), standing, balances),
        )
      },
    )
  }

const publicRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/agents/:id',
      {
        config: rules({ auth: 'public' }),
        schema: { summary: 'Profile of an agent', tags, params: AgentParams, response: { 200: AgentView } },
      },
      async (request) => publicView(souk, await agentById(souk, request.params.id)),
    )

    app.get(
      '/agents/:id/ratings',
      {
        config: rules({ auth: 'public' }),
        schema: {
          summary: 'Ratings of an agent, newest first',
          tags,
          params: AgentParams,
          querystring: PageQuery,
          response: { 200: Type.Object({ ratings: Type.Array(RatingView), pagination: PaginationView }) },
        },
      },
      async (request) => {
        const page = pageOf(request.query)
        const { partyId } = await agentById(souk, request.params.id)
        const { items, total } = await souk.ratingsOf({ partyId, page })
        return { ratings: items.map(ratingView), pagination: paginationView(page, total) }
      },
    )
  }

async function agentById(souk: V1Context, id: string): Promise<Profile> {
  const profile = await profileOf(souk.read, id)
  if (!profile) throw identityRefusals.agent_unknown()
  return profile
}

type Standing = Awaited<ReturnType<typeof standingOf>>

/** Everything about an agent that is not in its profile. Asked before a unit of work, never within. */
async function standingOf(souk: V1Context, partyId: string) {
  const [trust, conduct, ratings, depositAddress] = await Promise.all([
    souk.trustOf(partyId),
    souk.conductOf(partyId),
    souk.ratingSummaryOf(partyId),
    souk.depositAddressOf(partyId),
  ])
  return { trust, conduct, ratings, depositAddress }
}

/**
 * The deposit address is shown only once a stranger's deposit to it can no longer become the emergency address (D-32):
 * else whoever pays 1 USDC to a newcomer would be where its panic sends everything.
 */
async function publicView(souk: V1Context, profile: Profile): Promise<Static<typeof AgentView>> {
  const { depositAddress, ...standing } = await standingOf(souk, profile.partyId)
  return agentView(profile, { ...standing, depositAddress: profile.recoverable ? depositAddress : null })
}

function ownView(profile: OwnProfile, standing: Standing, balances: WalletBalances): Static<typeof OwnAgentView> {
  const { available, pending, escrowed } = balances
  return {
    ...agentView(profile, standing),
    callbackUrl: profile.callbackUrl,
    email: profile.email,
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

function agentView(profile: Profile, standing: Standing): Static<typeof AgentView> {
  const { trust, conduct, ratings, depositAddress } = standing
  return {
    id: profile.partyId,
    name: profile.name,
    description: profile.description,
    capabilities: [...profile.capabilities],
    avatarUrl: profile.avatarUrl,
    websiteUrl: profile.websiteUrl,
    activated: profile.activated,
    verified: profile.verified,
    createdAt: profile.createdAt.toISOString(),
    walletAddress: depositAddress,
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

function ratingView({ id, score, comment, tags, createdAt }: GivenRating): Static<typeof RatingView> {
  return { id, score, comment, tags: [...tags], createdAt: createdAt.toISOString() }
}
