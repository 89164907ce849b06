import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { isId, newId } from '#kernel/id'
import { callerOf } from '#platform/http/caller'
import { receiptsOfOrder } from '#receipts'
import { checkDraft, escrowOf, postRequest, REQUEST, type RequestDraft, requestRefusals } from '#trades/requests'
import { paidPurchase, proofOf } from '../x402/pay-for-order.ts'
import { payanRules } from './payanagent.ts'
import type { RequestContext } from './requests.ts'
import { CentsInput, microsOfCents } from './usd.ts'

const tags = ['Requests']
const MAX_PAYLOAD = 50_000
const text = (min: number, max: number) => Type.String({ minLength: min, maxLength: max })
const trade = payanRules({ auth: 'key', scope: 'trade' })

const PostBody = Type.Object(
  {
    title: text(1, 200),
    description: text(1, 5000),
    budgetMaxCents: CentsInput,
    escrow: Type.Optional(Type.Boolean({ description: 'Pay now into escrow, by x402; false unless said.' })),
    inputPayload: Type.Optional(Type.Unknown({ description: `At most ${MAX_PAYLOAD} characters of JSON.` })),
    providerId: Type.Optional(Type.String({ maxLength: 64, description: 'A direct hire, without bids.' })),
    agreedPriceCents: Type.Optional(CentsInput),
  },
  { additionalProperties: false },
)
const PostedView = Type.Object({
  requestId: Type.String(),
  status: Type.String(),
  escrow: Type.Boolean(),
  escrowAmountCents: Type.Optional(Type.Integer()),
})
/** Posting requests, with or without paying for them at once (PA-37 to PA-40). */
export const postingRequests =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags,
      summary: 'Post a request, or hire an agent directly',
      description: 'With escrow it answers 402 and what is to be paid; the same request again, paid, posts it.',
      body: PostBody,
      response: { 201: PostedView },
    }
    app.post('/requests', { config: trade, schema }, async (request, reply) => {
      const { partyId, keyId } = callerOf(request)
      const draft = draftOf(request.body, { buyerId: partyId, keyId })
      if (!draft.escrow) {
        return souk.answer(request, reply, 201, async (tx) => {
          const order = await postRequest(tx, { engine: souk.engine, settings: souk.market }, { id: newId(), draft })
          return { requestId: order.id, status: order.state === 'open' ? 'open' : 'accepted', escrow: false }
        })
      }
      const { payments } = souk
      if (payments === null || payments.house.length === 0) throw requestRefusals.escrow_not_served()
      const url = `${souk.publicUrl}/api/v1/requests`
      const ware = { kind: REQUEST, id: partyId }
      const purchase = await paidPurchase(
        payments,
        { app, request, reply },
        {
          ware,
          words: request.body,
          check: (payer) => checkPayer(souk, { ...payer, partyId: draft.hire?.providerId }),
          sale: async () => {
            await checkDraft(souk.read, draft)
            const [price, sellerId] = [escrowOf(draft), draft.hire?.providerId ?? null]
            const bought = { ...ware, sellerId, buyerId: partyId, orderId: newId(), price, settlesFirst: true }
            const { payees, ...about } = {
              url,
              description: draft.title,
              amount: price,
              settlesFirst: true,
              payees: payments.house,
            }
            return { ware: bought, price: { ...about, payees }, input: wireOf(draft) }
          },
        },
      )
      if (purchase === null) return reply
      const { orderId, output, amount } = purchase
      const deposit = (await receiptsOfOrder(souk.read, orderId ?? '')).find(({ type }) => type === 'escrow_deposit')
      const posted = output && output.body.length > 0 ? JSON.parse(output.body.toString()) : { requestId: orderId }
      return reply
        .code(201)
        .headers(proofOf(payments, purchase, { receiptId: deposit?.id ?? null, url }))
        .send({ escrow: true, status: 'open', escrowAmountCents: Number(amount / 10_000n), ...posted })
    })
  }

/** Nobody hires himself by another wallet (D-4). */
async function checkPayer(
  souk: RequestContext,
  { partyId, ...wallet }: { partyId: string | undefined; network: string; address: string },
): Promise<void> {
  if (partyId !== undefined && (await souk.isPayoutWalletOf({ partyId, ...wallet })))
    throw requestRefusals.hire_yourself()
}

/** The draft as its purchase keeps it: JSON. */
function wireOf({ budget, hire, ...rest }: RequestDraft): object {
  return { ...rest, budget: String(budget), hire: hire && { ...hire, price: String(hire.price) } }
}

function draftOf(body: Static<typeof PostBody>, by: { buyerId: string; keyId: string | undefined }): RequestDraft {
  const { title, description, budgetMaxCents, escrow = false, inputPayload = null, providerId, agreedPriceCents } = body
  if (JSON.stringify(inputPayload).length > MAX_PAYLOAD) throw requestRefusals.payload_too_long({ max: MAX_PAYLOAD })
  if ((providerId === undefined) !== (agreedPriceCents === undefined)) throw requestRefusals.hire_incomplete()
  if (providerId !== undefined && !isId(providerId)) throw requestRefusals.provider_unknown({ providerId })
  const hire =
    providerId === undefined || agreedPriceCents === undefined
      ? null
      : { providerId, price: microsOfCents(agreedPriceCents) }
  const { buyerId, keyId } = by
  const facts = { title, description, escrow, input: inputPayload, hire, budget: microsOfCents(budgetMaxCents) }
  return { ...facts, buyerId, ...(keyId === undefined ? {} : { keyId }) }
}
