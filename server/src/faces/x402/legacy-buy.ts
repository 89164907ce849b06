import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { offerById, offerRefusals } from '#offers'
import { callerOf } from '#platform/http/caller'
import { IdParams, payanRules } from '../v1/payanagent.ts'
import { type BuyContext, type BuyRequest, buying } from './buy.ts'
import { buyRefusals } from './errors.ts'

/** PayanAgent's older way to buy: with a key, only what was listed here, otherwise as `/x402/:id` (PA-32). */
export const legacyBuyRoutes =
  (context: BuyContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['x402'],
      summary: 'Buy an offer with a key and a wallet',
      description: 'As POST /x402/{id}, which also serves imported offers and asks for no key.',
      params: IdParams,
    }
    const buy = buying(context, app.limiter)
    app.post(
      '/offers/:id/buy',
      { config: payanRules({ auth: 'key', scope: 'trade' }), schema },
      async (request, reply) => {
        const { id } = request.params
        const offer = await offerById(context.read, id)
        if (!offer) throw offerRefusals.offer_unknown()
        if (offer.source === 'ecosystem') throw buyRefusals.offer_elsewhere({ buyUrl: `/x402/${id}` })
        if (offer.active && offer.sellerId === callerOf(request).partyId) throw buyRefusals.own_offer()
        return buy(request as BuyRequest, reply)
      },
    )
  }
