import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Engine } from '#orders'
import type { Answer } from '#platform/http/idempotency'
import { rules } from '#platform/http/rules'
import { resolve } from '#trades/requests'

const Params = Type.Object({ id: Type.String({ format: 'uuid' }) })
const Body = Type.Object(
  {
    winner: Type.Union([Type.Literal('buyer'), Type.Literal('seller')], { description: 'Who gets what is in escrow' }),
  },
  { additionalProperties: false },
)

/** The operator's word on disputed requests (D-12). */
export const operatorRequestRoutes =
  ({ answer, engine }: { answer: Answer; engine: Engine }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['operator'],
      summary: 'Decide a disputed request',
      params: Params,
      body: Body,
      response: { 200: Type.Object({ ok: Type.Boolean() }) },
    }
    app.post('/requests/:id/resolve', { config: rules({ auth: 'operator' }), schema }, async (request, reply) =>
      answer(request, reply, 200, async (tx) => {
        await resolve(tx, { engine }, { requestId: request.params.id, winner: request.body.winner })
        return { ok: true }
      }),
    )
  }
