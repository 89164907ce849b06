import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { rules } from '#platform/http/rules'
import type { DidDocument } from '../x402/offer-receipt.ts'

const Document = Type.Object({
  '@context': Type.Array(Type.String()),
  id: Type.String(),
  verificationMethod: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.String(),
      controller: Type.String(),
      publicKeyJwk: Type.Object({ kty: Type.String(), crv: Type.String(), x: Type.String() }),
    }),
  ),
  assertionMethod: Type.Array(Type.String()),
})

/** Whose key signs offers and their receipts (x402's offer-receipt, did:web). */
export const didRoutes =
  (document: DidDocument): FastifyPluginAsyncTypebox =>
  async (app) => {
    const summary = 'The key of signed offers and their receipts (DID document of did:web)'
    const schema = { tags: ['System'], summary, response: { 200: Document } }
    app.get('/.well-known/did.json', { config: rules({ auth: 'public' }), schema }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300')
      return document as never
    })
  }
