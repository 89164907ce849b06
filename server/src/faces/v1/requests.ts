import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { workOf } from '#orders'
import { callerOf } from '#platform/http/caller'
import {
  acceptBid,
  bidsOf,
  consent,
  dispute,
  findRequests,
  fulfill,
  placeBid,
  REQUEST_STATUSES,
  type RequestStatus,
  requestWithOrder,
} from '#trades/requests'
import type { OrderPayments } from '../x402/pay-for-order.ts'
import type { V1Context } from './context.ts'
import { IdParams, LimitQuery, limitOf, payanRules } from './payanagent.ts'
import { postingRequests } from './request-posting.ts'
import { settlingRequests } from './request-settling.ts'
import { BidView, bidView, RequestCardView, RequestView, requestCardView, requestView } from './request-view.ts'
import { CentsInput, microsOfCents } from './usd.ts'

/** What requests need beside what every face has. */
export interface RequestContext extends V1Context {
  /** Null where this market settles on no network. */
  readonly payments: OrderPayments | null
  /** Where a provider is paid, by network. */
  readonly isPayoutWalletOf: (wallet: { partyId: string; network: string; address: string }) => Promise<boolean>
  readonly payeesOf: (partyId: string) => Promise<OrderPayments['house']>
}

const tags = ['Requests']
const MAX_BIDS = 200
const text = (min: number, max: number) => Type.String({ minLength: min, maxLength: max })

const BidBody = Type.Object(
  {
    priceCents: CentsInput,
    estimatedDurationSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 31_536_000 })),
    message: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: false },
)
const ListQuery = Type.Object({
  status: Type.Optional(
    Type.Unsafe<RequestStatus>({ type: 'string', enum: [...REQUEST_STATUSES], description: 'With q only.' }),
  ),
  q: Type.Optional(Type.String({ maxLength: 1000, description: 'Words, or beginnings of words.' })),
  ...LimitQuery.properties,
})
export const DoneView = Type.Object({ ok: Type.Boolean() })
const trade = payanRules({ auth: 'key', scope: 'trade' })

/** Requests and bids of PayanAgent's contract (PA-34 to PA-56, D-12). */
export const requestRoutes =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(reading(souk))
    await app.register(postingRequests(souk))
    await app.register(bidding(souk))
    await app.register(working(souk))
    await app.register(settlingRequests(souk))
  }

const reading =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const all = {
      tags,
      summary: 'Find requests',
      querystring: ListQuery,
      response: { 200: Type.Object({ requests: Type.Array(RequestCardView) }) },
    }
    app.get('/requests', { config: payanRules({ auth: 'public' }), schema: all }, async ({ query }) => {
      const { q, status } = query
      return { requests: await requestsFound(souk, { text: q, status, limit: limitOf(query) }) }
    })

    const one = {
      tags,
      summary: 'One request, with its bids',
      params: IdParams,
      response: { 200: Type.Object({ request: RequestView, bids: Type.Array(BidView) }) },
    }
    app.get('/requests/:id', { config: payanRules({ auth: 'optional' }), schema: one }, async (request) => {
      const { id } = request.params
      const [found, works, bids] = await Promise.all([
        requestWithOrder(souk.read, id),
        workOf(souk.read, [id]),
        bidsOf(souk.read, { requestId: id, limit: MAX_BIDS }),
      ])
      const askerId = request.caller?.partyId
      return { request: requestView({ ...found, work: works.get(id), askerId }), bids: bids.map(bidView) }
    })
  }

/** Requests that fit, as lists show them; also the part of discovery that is about them (PA-59). */
export async function requestsFound(
  souk: Pick<V1Context, 'read'>,
  query: { text?: string | undefined; status?: RequestStatus | undefined; limit: number },
): Promise<Static<typeof RequestCardView>[]> {
  return (await findRequests(souk.read, query)).map(requestCardView)
}

const bidding =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const bid = {
      tags,
      summary: 'Bid on an open request',
      params: IdParams,
      body: BidBody,
      response: { 201: Type.Object({ bidId: Type.String() }) },
    }
    app.post('/requests/:id/bid', { config: trade, schema: bid }, async (request, reply) => {
      const { priceCents, estimatedDurationSeconds = null, message = null } = request.body
      const by = { requestId: request.params.id, bidderId: callerOf(request).partyId }
      const offered = { ...by, price: microsOfCents(priceCents), estimatedDurationSeconds, message }
      return souk.answer(request, reply, 201, async (tx) => ({ bidId: await placeBid(tx, souk, offered) }))
    })

    const accept = {
      tags,
      summary: 'Accept a bid: its bidder is the provider',
      params: IdParams,
      body: Type.Object({ bidId: Type.String({ format: 'uuid' }) }, { additionalProperties: false }),
      response: { 200: DoneView },
    }
    app.post('/requests/:id/accept', { config: trade, schema: accept }, async (request, reply) => {
      const asked = { requestId: request.params.id, bidId: request.body.bidId, by: callerOf(request).partyId }
      return souk.answer(request, reply, 200, async (tx) => {
        await acceptBid(tx, souk, asked)
        return { ok: true }
      })
    })
  }

const working =
  (souk: RequestContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const fulfillSchema = {
      tags,
      summary: 'Hand over the work',
      params: IdParams,
      body: Type.Object(
        { outputPayload: Type.Unknown({ description: 'Not empty.' }) },
        { additionalProperties: false },
      ),
      response: { 200: DoneView },
    }
    app.post('/requests/:id/fulfill', { config: trade, schema: fulfillSchema }, async (request, reply) => {
      const { outputPayload: output } = request.body
      const asked = { requestId: request.params.id, by: callerOf(request).partyId, output }
      return souk.answer(request, reply, 200, async (tx) => {
        await fulfill(tx, souk, asked)
        return { ok: true }
      })
    })

    const disputing = {
      tags,
      summary: 'Dispute what was fulfilled; the operator decides',
      params: IdParams,
      body: Type.Object({ reason: text(1, 2000) }, { additionalProperties: false }),
      response: { 200: DoneView },
    }
    app.post('/requests/:id/dispute', { config: trade, schema: disputing }, async (request, reply) => {
      const asked = { requestId: request.params.id, by: callerOf(request).partyId, reason: request.body.reason }
      return souk.answer(request, reply, 200, async (tx) => {
        await dispute(tx, souk, asked)
        return { ok: true }
      })
    })

    const consenting = {
      tags,
      summary: 'As the provider, let the buyer cancel what was fulfilled',
      params: IdParams,
      response: { 200: DoneView },
    }
    app.post('/requests/:id/consent', { config: trade, schema: consenting }, async (request, reply) => {
      const asked = { requestId: request.params.id, by: callerOf(request).partyId }
      return souk.answer(request, reply, 200, async (tx) => {
        await consent(tx, asked)
        return { ok: true }
      })
    })
  }
