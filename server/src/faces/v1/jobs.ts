import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { isId } from '#kernel/id'
import { Refusal } from '#kernel/refusal'
import {
  isClosed,
  type MoveRequest,
  ORDER_STATES,
  type Order,
  type OrderFilter,
  orderRefusals,
  ordersOf,
  workOf,
} from '#orders'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { receiptOf } from '#receipts'
import { DIRECT } from '#trades/direct'
import { MicrosInput, microsOf } from './amounts.ts'
import type { V1Context } from './context.ts'
import { createJobCounter, createJobOf, type JobCounter } from './job-counter.ts'
import { JOB_STATUSES, JobView, jobView, stateOf } from './job-view.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'

const tags = ['Jobs']

const HireBody = Type.Object(
  {
    type: Type.Literal('direct', { description: 'A direct job hires a listed service' }),
    serviceId: Type.String({ maxLength: 64 }),
    input: Type.Unknown({ description: "Must satisfy the service's inputSchema" }),
    callbackUrl: Type.Optional(
      Type.String({ maxLength: 2048, description: "Hears this job's events instead of your default" }),
    ),
    maxPrice: Type.Optional({
      ...MicrosInput,
      description: 'Refuse with 409 rather than pay more than this (fee not counted), should the price have changed',
    }),
  },
  { additionalProperties: false },
)

const DeliverBody = Type.Object(
  { output: Type.Unknown({ description: "Must satisfy the service's outputSchema" }) },
  { additionalProperties: false },
)

const JobParams = Type.Object({ id: Type.String() })

const JobsQuery = Type.Object({
  ...PageQuery.properties,
  role: Type.Optional(Type.Union([Type.Literal('client'), Type.Literal('provider')])),
  status: Type.Optional(Type.Union(JOB_STATUSES.map((status) => Type.Literal(status)))),
})

const Reputation = Type.Object({
  trustScore: Type.Number(),
  disputeRate: Type.Number(),
  jobsCompleted: Type.Integer(),
})

const JobDetail = Type.Object({
  ...JobView.properties,
  warnings: Type.Array(Type.String()),
  clientReputation: Reputation,
  receipt: Type.Union([Type.String({ description: 'Compact JWS; keys at /.well-known/jwks.json' }), Type.Null()]),
})

const MAX_TRIES = 3
const trade = rules({ auth: 'activated', scope: 'trade', limit: 'money' })

/** Jobs of JustPayAI's contract: hiring, accepting, delivering, taking the delivery, cancelling, looking. */
export const jobRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const counter = createJobCounter(souk)
    await app.register(hiring(souk, counter))
    await app.register(looking(souk))
    await app.register(delivering(souk, counter))
    await app.register(moving(counter))
  }

const hiring =
  (souk: V1Context, counter: JobCounter): FastifyPluginAsyncTypebox =>
  async (app) => {
    const summary = 'Hire a service; price and fee are locked'
    const schema = { tags, summary, body: HireBody, response: { 201: JobView } }
    app.post('/jobs', { config: trade, schema }, async (request, reply) => {
      const { serviceId, input, callbackUrl = null } = request.body
      const maxPrice = request.body.maxPrice === undefined ? null : microsOf(request.body.maxPrice, 'maxPrice')
      if (callbackUrl !== null) await souk.outbound.checkUrl(callbackUrl)
      const { partyId: buyerId, keyId } = callerOf(request)
      await withFreshService(counter, serviceId, async () => {
        const { version: serviceVersion, ownerId: sellerId } = await counter.checkInput(serviceId, input)
        const item = { buyerId, keyId, sellerId, serviceId, serviceVersion, input, callbackUrl, maxPrice }
        await counter.hire(request, reply, { item, status: 201, view: (order) => jobView(order, { input }) })
      })
    })
  }

/** A service that changed while it was being hired is looked at again, so that only a true conflict is refused. */
async function withFreshService(counter: JobCounter, serviceId: string, hire: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await hire()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      counter.forget(serviceId)
      if (error.code !== 'service_changed' || tries >= MAX_TRIES) throw error
    }
  }
}

const looking =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = rules({ auth: 'activated' })
    const jobOf = createJobOf(souk.read)
    const Jobs = Type.Object({ jobs: Type.Array(JobView), pagination: PaginationView })
    const list = { tags, summary: 'Your jobs, newest first', querystring: JobsQuery, response: { 200: Jobs } }
    app.get('/jobs', { config, schema: list }, async (request) => {
      const page = pageOf(request.query)
      const { items, total } = await ordersOf(souk.read, filterOf(callerOf(request).partyId, request.query), page)
      return { jobs: items.map((order) => jobView(order)), pagination: paginationView(page, total) }
    })

    const summary = 'One of your jobs, with its input, output and receipt'
    const one = { tags, summary, params: JobParams, response: { 200: JobDetail } }
    app.get('/jobs/:id', { config, schema: one }, async (request) => {
      const order = await jobOf({ jobId: request.params.id, partyId: callerOf(request).partyId })
      return jobDetail(souk, order)
    })
  }

function filterOf(partyId: string, { role, status }: Static<typeof JobsQuery>): OrderFilter {
  const roles = { client: 'buyer', provider: 'seller' } as const
  return {
    partyId,
    role: role === undefined ? 'either' : roles[role],
    form: DIRECT,
    states: status === undefined ? ORDER_STATES : [stateOf(status)],
  }
}

async function jobDetail(souk: V1Context, order: Order): Promise<Static<typeof JobDetail>> {
  const [works, receipt, reputations] = await Promise.all([
    workOf(souk.read, [order.id]),
    receiptOf(souk.read, order.id),
    souk.reputationOf(souk.read, [order.buyerId]),
  ])
  const clientReputation = reputations.get(order.buyerId)
  if (!clientReputation) throw new Error(`party ${order.buyerId} has no reputation`)
  return { ...jobView(order, works.get(order.id)), warnings: [], clientReputation, receipt: receipt?.jws ?? null }
}

const delivering =
  (souk: V1Context, counter: JobCounter): FastifyPluginAsyncTypebox =>
  async (app) => {
    const jobOf = createJobOf(souk.read)
    const schema = {
      tags,
      summary: 'Deliver the output',
      params: JobParams,
      body: DeliverBody,
      response: { 200: JobView },
    }
    app.post('/jobs/:id/deliver', { config: trade, schema }, async (request, reply) => {
      const { partyId } = callerOf(request)
      const { output } = request.body
      const order = await jobOf({ jobId: request.params.id, partyId })
      // Also before the job has begun: it may begin between this look and the move.
      if (order.sellerId === partyId && !isOver(order)) await counter.checkOutput(order, output)
      const item: MoveRequest = { orderId: order.id, move: { do: 'deliver', by: partyId }, output }
      await counter.move(request, reply, { item, status: 200, view: (moved) => jobView(moved, { output }) })
    })
  }

/** Nothing can be delivered any more, or again. */
function isOver({ state }: Order): boolean {
  return state === 'delivered' || isClosed(state)
}

const MOVES = [
  { path: 'accept', summary: 'Accept a job of a service that does not accept by itself', move: 'accept' },
  { path: 'accept-delivery', summary: 'Take the delivery; the provider is paid', move: 'approve' },
  { path: 'cancel', summary: 'Cancel before delivery; everything comes back', move: 'cancel' },
] as const

const moving =
  (counter: JobCounter): FastifyPluginAsyncTypebox =>
  async (app) => {
    for (const { path, summary, move } of MOVES) {
      const schema = { tags, summary, params: JobParams, response: { 200: JobView } }
      app.post(`/jobs/:id/${path}`, { config: trade, schema }, async (request, reply) => {
        const { id: orderId } = request.params
        if (!isId(orderId)) throw orderRefusals.order_unknown()
        const item: MoveRequest = { orderId, move: { do: move, by: callerOf(request).partyId } }
        await counter.move(request, reply, { item, status: 200, view: (moved) => jobView(moved) })
      })
    }
  }
