import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { purchaseById, purchaseRefusals, statusOf } from '#trades/purchase'
import { IdParams, payanRules } from '../v1/payanagent.ts'
import { type BuyContext, OFFER } from './buy.ts'

const Nullable = Type.Union([Type.String(), Type.Null()])

const PurchaseView = Type.Object({
  id: Type.String(),
  status: Type.Union(
    [Type.Literal('pending'), Type.Literal('unknown'), Type.Literal('settled'), Type.Literal('failed')],
    {
      description: '`unknown`: the money may have moved; send the same request with the same payment again',
    },
  ),
  kind: Type.String({ description: 'What was bought: offer, request, …' }),
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
})

/** What became of a purchase, for whoever knows its id; never what was bought (D-16). */
export const purchaseRoutes =
  ({ read, receiptIdOf }: Pick<BuyContext, 'read' | 'receiptIdOf'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['x402'],
      summary: 'What became of a purchase',
      params: IdParams,
      response: { 200: PurchaseView },
    }
    app.get('/purchases/:id', { config: payanRules({ auth: 'public' }), schema }, async (request) => {
      const purchase = await purchaseById(read, request.params.id)
      if (!purchase) throw purchaseRefusals.purchase_unknown()
      const { id, ware, orderId, amount, network, payer, txHash, reason, createdAt, endedAt } = purchase
      return {
        ...{ id, status: statusOf(purchase), kind: ware.kind, orderId, amountMicroUsd: Number(amount) },
        ...(ware.kind === OFFER ? { offerId: ware.id } : {}),
        ...{ network, payer, txHash, reason, receiptId: await receiptIdOf(read, orderId ?? id) },
        createdAt: createdAt.toISOString(),
        endedAt: endedAt?.toISOString() ?? null,
      }
    })
  }
