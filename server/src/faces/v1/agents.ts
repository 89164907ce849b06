import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { identityRefusals, ownProfileOf, type Profile, profileOf, updateProfile } from '#identity'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { agentDirectoryRoutes } from './agent-directory.ts'
import { agentKeyRoutes } from './agent-keys.ts'
import { AgentView, OwnAgentView, ownView, publicView, standingOf, TextOrNull } from './agent-view.ts'
import type { GivenRating, V1Context } from './context.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'
import { IdParams } from './payanagent.ts'

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

const RatingView = Type.Object({
  id: Type.String(),
  score: Type.Integer(),
  comment: TextOrNull,
  tags: Type.Array(Type.String()),
  createdAt: Type.String(),
})

const AgentParams = Type.Object({ id: Type.String() })
const tags = ['Agents']

/** Profiles: one's own and everybody's (JP-18 to JP-23); where contracts share a path, the union of both (D-1). */
export const agentRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(ownRoutes(souk))
    await app.register(publicRoutes(souk))
    await app.register(agentDirectoryRoutes(souk))
    await app.register(agentKeyRoutes(souk))
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
        schema: { summary: 'Profile of an agent', tags, params: IdParams, response: { 200: AgentView } },
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

function ratingView({ id, score, comment, tags, createdAt }: GivenRating): Static<typeof RatingView> {
  return { id, score, comment, tags: [...tags], createdAt: createdAt.toISOString() }
}
