import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { rules } from '#platform/http/rules'
import type { ReceiptKey } from '#receipts'

const Keys = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      crv: Type.String(),
      x: Type.String(),
      kid: Type.String(),
      alg: Type.String(),
      use: Type.String(),
    }),
  ),
})

/** The public keys that verify receipts (D-19). */
export const jwksRoutes =
  (keys: readonly ReceiptKey['jwk'][]): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = { tags: ['System'], summary: 'Public keys of receipts (JWKS)', response: { 200: Keys } }
    app.get('/.well-known/jwks.json', { config: rules({ auth: 'public' }), schema }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300')
      return { keys: [...keys] }
    })
  }
