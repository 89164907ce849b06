import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { offerById, offerRefusals, offerStandingsOf } from '#offers'
import { probeOf, probeOfOffer } from '#probes'
import { TextOrNull } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { IdParams, payanRules } from './payanagent.ts'

const HealthReport = Type.Object({
  offerId: Type.String(),
  status: Type.String({ description: 'healthy, degraded or failing' }),
  reason: TextOrNull,
  checkedAt: { ...TextOrNull, description: 'When it was last looked at, or called by a buyer to no avail.' },
  stale: Type.Boolean({ description: 'Nobody has looked for a day.' }),
  healthyAt: { ...TextOrNull, description: 'When it was last seen to be well.' },
  nextProbeAt: TextOrNull,
  how: Type.String({ description: 'How it is looked at: a request that buys nothing.' }),
  failedProbes: Type.Integer({ description: 'In a row; three make it failing.' }),
  failedCalls: Type.Integer({ description: "Paid calls in a row that failed by the seller's fault." }),
  paidCalls: Type.Integer(),
  deliveredCalls: Type.Integer(),
})

/** Why a listing is shown as it is: what was seen of it, when, and when it is looked at again. */
export const offerHealthRoutes =
  ({ read }: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['Offers'],
      summary: 'How an offer is, and why it is said',
      params: IdParams,
      response: { 200: HealthReport },
    }
    app.get('/offers/:id/health', { config: payanRules({ auth: 'public' }), schema }, async ({ params }) => {
      const offer = await offerById(read, params.id)
      if (!offer?.active) throw offerRefusals.offer_unknown()
      const [standings, probe] = await Promise.all([offerStandingsOf(read, [offer.id]), probeOfOffer(read, offer.id)])
      const standing = standings.get(offer.id)
      return {
        offerId: offer.id,
        status: standing?.health ?? 'healthy',
        reason: standing?.healthReason ?? null,
        checkedAt: standing?.probedAt?.toISOString() ?? null,
        stale: standing?.stale ?? false,
        healthyAt: probe?.healthyAt?.toISOString() ?? null,
        nextProbeAt: probe?.dueAt?.toISOString() ?? null,
        how: probeOf(offer).how,
        failedProbes: probe?.probeFailures ?? 0,
        failedCalls: probe?.callFailures ?? 0,
        paidCalls: standing?.paidCalls ?? 0,
        deliveredCalls: standing?.deliveredCalls ?? 0,
      }
    })
  }
