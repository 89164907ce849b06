import { isUtf8 } from 'node:buffer'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { mayReplay, type Purchase, purchaseById, purchaseRefusals, statusOf } from '#trades/purchase'
import { IdParams, payanRules } from '../v1/payanagent.ts'
import { answerOf } from './answer.ts'
import { type BuyContext, OFFER } from './buy.ts'
import { buyRefusals } from './errors.ts'
import { signedInBy } from './extensions.ts'
import { RELAY } from './relay.ts'

const Nullable = Type.Union([Type.String(), Type.Null()])

const PurchaseView = Type.Object({
  id: Type.String(),
  status: Type.Union(
    [Type.Literal('pending'), Type.Literal('unknown'), Type.Literal('settled'), Type.Literal('failed')],
    {
      description: '`unknown`: the money may have moved; send the same request with the same payment again',
    },
  ),
  kind: Type.String({ description: 'What was bought: offer, relay (an offer that is sold elsewhere), request, …' }),
  offerId: Type.Optional(Type.String()),
  orderId: { ...Nullable, description: 'The order it pays for, where there is one' },
  amountMicroUsd: Type.Integer(),
  network: Type.String(),
  payer: Type.String(),
  txHash: Nullable,
  receiptId: Nullable,
  reason: Nullable,
  createdAt: Type.String(),
  endedAt: Nullable,
  answer: Type.Optional(
    Type.Object(
      {
        status: Type.Integer(),
        contentType: Type.String(),
        encoding: Type.Enum(['utf8', 'base64']),
        body: Type.String(),
      },
      { description: 'What was bought, for the payer who signs in with SIGN-IN-WITH-X, for seven days.' },
    ),
  ),
})

/** What became of a purchase, for whoever knows its id; what was bought only for the wallet that paid and signs in (D-16). */
export const purchaseRoutes =
  (context: BuyContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { read, receiptIdOf } = context
    const schema = {
      tags: ['x402'],
      summary: 'What became of a purchase',
      description:
        'The wallet that paid, signed in with the header SIGN-IN-WITH-X (GET /api/v1/auth/wallet?for=/api/v1/purchases/ID), sees the answer too.',
      params: IdParams,
      response: { 200: PurchaseView },
    }
    app.get('/purchases/:id', { config: payanRules({ auth: 'public' }), schema }, async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const purchase = await purchaseById(read, request.params.id)
      if (!purchase) throw purchaseRefusals.purchase_unknown()
      const signedIn = await signedInBy(context, request, pathsOf(purchase))
      const { id, ware, orderId, amount, network, payer, txHash, reason, createdAt, endedAt } = purchase
      const isPayer = signedIn !== null && signedIn.network === network && signedIn.address === payer
      if (signedIn !== null && !isPayer) throw buyRefusals.not_the_payer()
      const receiptId = await receiptIdOf(orderId ?? id)
      return {
        ...{ id, status: statusOf(purchase), kind: ware.kind, orderId, amountMicroUsd: Number(amount) },
        ...(ware.kind === OFFER || ware.kind === RELAY ? { offerId: ware.id } : {}),
        ...{ network, payer, txHash, reason, receiptId },
        createdAt: createdAt.toISOString(),
        endedAt: endedAt?.toISOString() ?? null,
        ...(isPayer ? kept(purchase, { receiptId, now: await context.now() }) : {}),
      }
    })
  }

/** A challenge for the purchase itself serves, and one of the resource it was a purchase of. */
function pathsOf({ id, ware }: Purchase): string[] {
  return [`/api/v1/purchases/${id}`, `/x402/${ware.id}`]
}

function kept(purchase: Purchase, { receiptId, now }: { receiptId: string | null; now: Date }) {
  if (purchase.output === null || !mayReplay(purchase, { shown: null, signedIn: true, now })) return {}
  const proof = { receiptId, paymentId: null, signedIn: true, now, extensions: {} }
  const { status, headers, body } = answerOf(purchase, proof)
  const contentType = headers['content-type'] ?? 'application/json'
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const encoding: 'utf8' | 'base64' = isUtf8(bytes) ? 'utf8' : 'base64'
  return { answer: { status, contentType, encoding, body: bytes.toString(encoding) } }
}
