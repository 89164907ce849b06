import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { discoverServices } from '#catalog'
import { OFFER_TYPES, type OfferType } from '#offers'
import { agentsFound } from './agent-directory.ts'
import { AgentCardView } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { OfferCardView } from './offer-view.ts'
import { offersFound } from './offers.ts'
import { LimitQuery, limitOf, payanRules } from './payanagent.ts'
import { RequestCardView } from './request-view.ts'
import { requestsFound } from './requests.ts'
import { ServiceCardView, serviceViewsOf } from './service-view.ts'
import { microsOfCents } from './usd.ts'

const DiscoverQuery = Type.Object({
  q: Type.String({
    minLength: 1,
    maxLength: 1000,
    pattern: '\\S',
    description: 'Words, or beginnings of words; what is found has all of them.',
  }),
  category: Type.Optional(Type.String({ maxLength: 200, description: 'Of offers and services.' })),
  maxPriceCents: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Of offers and services.' }),
  ),
  offerType: Type.Optional(
    Type.Unsafe<OfferType>({ type: 'string', enum: OFFER_TYPES, description: 'Of offers: api or download.' }),
  ),
  ...LimitQuery.properties,
})

const Found = Type.Object({
  agents: Type.Array(AgentCardView),
  offers: Type.Array(OfferCardView),
  openRequests: Type.Array(RequestCardView),
  services: Type.Array(ServiceCardView, { description: 'Hired as jobs: POST /api/v1/jobs.' }),
})

/** Everything on the market that fits some words, each list the best first (PA-59, PA-60). */
export const discoverRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['Discovery'],
      summary: 'Find agents, offers, open requests and services at once',
      querystring: DiscoverQuery,
      response: { 200: Found },
    }
    app.get('/discover', { config: payanRules({ auth: 'public' }), schema }, async ({ query }) => {
      const { q: text, category, offerType } = query
      const limit = limitOf(query)
      const maxPriceMicros = query.maxPriceCents === undefined ? undefined : microsOfCents(query.maxPriceCents)
      const [agents, offers, services, openRequests] = await Promise.all([
        agentsFound(souk, { text, limit }),
        offersFound(souk, { text, category, offerType, maxPriceMicros, limit }),
        discoverServices(souk.read, {
          filters: { search: text, category, maxPrice: maxPriceMicros },
          page: { page: 1, limit },
        }),
        requestsFound(souk, { text, limit }),
      ])
      return { agents, offers, openRequests, services: await serviceViewsOf(souk, services.items) }
    })
  }
