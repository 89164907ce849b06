import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { callerOf } from '#platform/http/caller'
import { receiptOf } from '#receipts'
import {
  DEFAULT_SETTLING,
  type Decision,
  decide,
  markTold,
  requestRefusals,
  requestWithOrder,
  type Settled,
  settleRequest,
} from '#trades/requests'
import { paidPurchase, proofOf, type Wish } from '../x402/pay-for-order.ts'
import { TextOrNull } from './agent-view.ts'
import { IdParams, payanRules } from './payanagent.ts'
import type { RequestContext } from './requests.ts'
import { centsView } from './usd.ts'

/** The kind of ware that an approval without escrow pays for. */
export const APPROVAL = 'approval'

const tags = ['Requests']
const trade = payanRules({ auth: 'key', scope: 'trade' })

const ApprovedView = Type.Object({
  ok: Type.Boolean(),
  receiptId: TextOrNull,
  txHash: TextOrNull,
  surplusRefundedCents: Type.Optional(Type.Integer()),
  surplusPendingCents: Type.Optional(Type.Integer({ description: 'On its way back, not in a block yet.' })),
  refundReceiptId: Type.Optional(TextOrNull),
  refundTxHash: Type.Optional(TextOrNull),
})

const CancelledView = Type.Object({
  ok: Type.Boolean(),
  refunded: Type.Boolean(),
  receiptId: Type.Optional(Type.String()),
  txHash: Type.Optional(TextOrNull),
})

const CancelBody = Type.Optional(
  Type.Union([
    Type.Object(
      { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) },
      { additionalProperties: false },
    ),
    Type.Null(),
  ]),
)

/** Approving and cancelling, and what becomes of the money. */
export const settlingRequests =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(approving(souk))
    await app.register(cancelling(souk))
  }

const settlingOf = ({ store, engine }: RequestContext) => ({ store, engine, settings: DEFAULT_SETTLING })

const approving =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags,
      summary: 'Approve what was fulfilled; the provider is paid',
      description: 'Without escrow it answers 402 and the price; the same request again, paid, approves.',
      params: IdParams,
      response: { 200: ApprovedView },
    }
    app.post('/requests/:id/approve', { config: trade, schema }, async (request, reply) => {
      const decision: Decision = { requestId: request.params.id, by: callerOf(request).partyId, verb: 'approve' }
      const found = await requestWithOrder(souk.read, decision.requestId)
      if (found.request.buyerId !== decision.by) throw requestRefusals.not_your_request()
      if (found.request.escrow) {
        const { sellerId } = found.order
        if (sellerId !== null && (await souk.payeesOf(sellerId)).length === 0)
          throw requestRefusals.provider_without_wallet()
        const settled = await settleRequest(settlingOf(souk), decision)
        return souk.answer(request, reply, 200, async (tx) => {
          await markTold(tx, decision.requestId)
          return approvedView(settled)
        })
      }
      const { payments } = souk
      if (payments === null) throw requestRefusals.escrow_not_served()
      const wish = approvalOf(souk, found)
      const purchase = await paidPurchase(payments, { app, request, reply }, wish)
      if (purchase === null) return reply
      const receiptId = (await receiptOf(souk.read, decision.requestId))?.id ?? null
      return reply
        .code(200)
        .headers(proofOf(payments, purchase, { receiptId, url: wish.url }))
        .send({ ok: true, receiptId, txHash: purchase.txHash })
    })
  }

/** What an approval without escrow pays for: straight to the provider, once (PA-47, PA-49). */
function approvalOf(
  souk: RequestContext,
  { request: { status, title: description, buyerId }, order: { id, sellerId, price: amount } }: Found,
): Wish & { readonly url: string } {
  const url = `${souk.publicUrl}/api/v1/requests/${id}/approve`
  const ware = { kind: APPROVAL, id }
  return {
    ...{ url, ware, words: { by: buyerId } },
    check: async (payer) => {
      if (sellerId !== null && (await souk.isPayoutWalletOf({ partyId: sellerId, ...payer })))
        throw requestRefusals.hire_yourself()
    },
    sale: async () => {
      if (status === 'completing') throw requestRefusals.already_being_settled()
      if (status !== 'fulfilled') throw requestRefusals.request_status({ status })
      const payees = await souk.payeesOf(sellerId ?? '')
      if (payees.length === 0) throw requestRefusals.provider_without_wallet()
      const bought = { ...ware, sellerId, buyerId, orderId: id, price: amount, settlesFirst: true }
      return { ware: bought, price: { url, description, amount, settlesFirst: true, payees } }
    },
  }
}

type Found = Awaited<ReturnType<typeof requestWithOrder>>

const cancelling =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags,
      summary: 'Cancel; what is in escrow goes back to the wallet that paid it',
      params: IdParams,
      body: CancelBody,
      response: { 200: CancelledView },
    }
    app.post('/requests/:id/cancel', { config: trade, schema }, async (request, reply) => {
      const reason = request.body?.reason
      const decision: Decision = {
        ...{ requestId: request.params.id, by: callerOf(request).partyId, verb: 'cancel' },
        ...(reason === undefined ? {} : { reason }),
      }
      const { request: found } = await requestWithOrder(souk.read, decision.requestId)
      if (found.buyerId !== decision.by) throw requestRefusals.not_your_request()
      if (!found.escrow) {
        return souk.answer(request, reply, 200, async (tx) => {
          await decide(tx, souk, decision)
          return { ok: true, refunded: false }
        })
      }
      const { receiptId, txHash } = await settleRequest(settlingOf(souk), decision)
      return souk.answer(request, reply, 200, async (tx) => {
        await markTold(tx, decision.requestId)
        return { ok: true, refunded: true, receiptId, txHash }
      })
    })
  }

function approvedView({ receiptId, txHash, surplus }: Settled): Static<typeof ApprovedView> {
  return {
    ...{ ok: true, receiptId, txHash },
    ...{ surplusRefundedCents: centsView(surplus.refunded), surplusPendingCents: centsView(surplus.pending) },
    ...{ refundReceiptId: surplus.receiptId, refundTxHash: surplus.txHash },
  }
}
