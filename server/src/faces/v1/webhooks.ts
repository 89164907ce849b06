import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { callbackUrlsOf } from '#identity'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { bodyOptional } from '#platform/http/validation'
import {
  deliveries,
  type EndpointView as EndpointRow,
  enableEndpoint,
  endpointsOf,
  ping,
  redeliver,
  redeliverSince,
  webhookRefusals,
} from '#webhooks'
import type { V1Context } from './context.ts'
import {
  DeliveryDetail,
  DeliveryStateQuery,
  DeliverySummary,
  deliveryDetail,
  deliverySummary,
  Nullable,
} from './delivery-view.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'

type WebhookContext = Pick<V1Context, 'read' | 'answer'>
type Face = (souk: WebhookContext) => FastifyPluginAsyncTypebox

const tags = ['Webhooks']
const strict = { additionalProperties: false }
const Id = Type.String({ format: 'uuid' })
const Params = Type.Object({ id: Id })
const look = rules({ auth: 'key' })
const send = rules({ auth: 'key', scope: 'trade', limit: 'webhooks' })

const EndpointView = Type.Object({
  id: Type.String(),
  url: Type.String(),
  state: Type.Union([Type.Literal('enabled'), Type.Literal('disabled')]),
  disabledAt: Nullable('string'),
  disabledBecause: Nullable('string', '`gone`: it answered 410. `failing`: it has taken nothing for five days.'),
  failingSince: Nullable('string', 'Nothing has been taken since then; null while all is well'),
  restingUntil: Nullable('string', 'It asked for patience until then, by Retry-After'),
  pending: Type.Integer({ description: 'Deliveries that wait for an attempt' }),
  undelivered: Type.Integer({ description: 'Deliveries that were given up; they can be sent again' }),
  lastDeliveredAt: Nullable('string'),
  createdAt: Type.String({ format: 'date-time' }),
})

const DeliveryQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(DeliveryStateQuery),
    event: Type.Optional(Type.String({ maxLength: 100 })),
    endpointId: Type.Optional(Id),
    webhookId: Type.Optional(Id),
  },
  strict,
)

const PingOrder = Type.Object({ endpointId: Type.Optional(Id) }, strict)
const Since = Type.Object(
  {
    since: Type.String({ format: 'date-time' }),
    endpointId: Type.Optional(Id),
    delivered: Type.Optional(
      Type.Boolean({ default: false, description: 'Also what was taken before, as when the receiver has lost it.' }),
    ),
    cursor: Type.Optional({ ...Id, description: 'nextCursor of the answer before.' }),
  },
  strict,
)
const Message = Type.Object({ message: Type.String() })

/** An agent's own view of its webhooks: where they go, what became of each, and once more (D-25). */
export const webhookRoutes: Face = (souk) => async (app) => {
  await app.register(endpointRoutes(souk))
  await app.register(deliveryRoutes(souk))
  await app.register(sendingRoutes(souk))
}

const endpointRoutes: Face = (souk) => async (app) => {
  const List = Type.Object({ endpoints: Type.Array(EndpointView), pagination: PaginationView })
  const list = { tags, summary: 'Where your webhooks go', querystring: PageQuery, response: { 200: List } }
  app.get('/webhooks/endpoints', { config: look, schema: list }, async (request) => {
    const page = pageOf(request.query)
    const { items, total } = await endpointsOf(souk.read, { partyId: callerOf(request).partyId }, page)
    return { endpoints: items.map(endpointView), pagination: paginationView(page, total) }
  })

  const summary = 'Send webhooks to an address again that was disabled'
  const enable = { tags, summary, params: Params, response: { 200: EndpointView } }
  app.post('/webhooks/endpoints/:id/enable', { config: send, schema: enable }, async (request, reply) => {
    const { partyId } = callerOf(request)
    const { id } = request.params
    return souk.answer(request, reply, 200, async (tx) => {
      await enableEndpoint(tx, { endpointId: id, partyId })
      const { items } = await endpointsOf(tx, { partyId, id }, { page: 1, limit: 1 })
      return items.map(endpointView)[0]
    })
  })
}

const deliveryRoutes: Face = (souk) => async (app) => {
  const List = Type.Object({ deliveries: Type.Array(DeliverySummary), pagination: PaginationView })
  const summary = 'Your webhook deliveries, newest first'
  const list = { tags, summary, querystring: DeliveryQuery, response: { 200: List } }
  app.get('/webhooks/deliveries', { config: look, schema: list }, async (request) => {
    const { state, event: eventName, endpointId, webhookId } = request.query
    const page = pageOf(request.query)
    const filter = { recipientId: callerOf(request).partyId, state, eventName, endpointId, webhookId }
    const { items, total } = await deliveries(souk.read, filter, page)
    return { deliveries: items.map(deliverySummary), pagination: paginationView(page, total) }
  })

  const one = {
    tags,
    summary: 'One webhook delivery, with what was sent and answered',
    params: Params,
    response: { 200: DeliveryDetail },
  }
  app.get('/webhooks/deliveries/:id', { config: look, schema: one }, async (request) => {
    const filter = { recipientId: callerOf(request).partyId, id: request.params.id }
    const { items } = await deliveries(souk.read, filter, { page: 1, limit: 1 })
    const [delivery] = items
    if (!delivery) throw webhookRefusals.delivery_not_found()
    return deliveryDetail(delivery)
  })
}

const sendingRoutes: Face = (souk) => async (app) => {
  const again = {
    tags,
    summary: 'Send a webhook again, now, under the same webhook-id',
    params: Params,
    response: { 202: Message },
  }
  app.post('/webhooks/deliveries/:id/redeliver', { config: send, schema: again }, async (request, reply) => {
    const { partyId } = callerOf(request)
    return souk.answer(request, reply, 202, async (tx) => {
      await redeliver(tx, { deliveryId: request.params.id, partyId })
      return { message: 'It is sent again now. GET /api/v1/webhooks/deliveries/:id tells what becomes of it.' }
    })
  })

  const Many = Type.Object({
    redelivering: Type.Integer(),
    nextCursor: Nullable('string', 'Send the request again with it as `cursor`: there is more'),
  })
  const summary = 'Send again all webhooks since a time that were not taken'
  const all = { tags, summary, body: Since, response: { 202: Many } }
  app.post('/webhooks/redeliver', { config: send, schema: all }, async (request, reply) => {
    const { partyId } = callerOf(request)
    const { since, endpointId = null, delivered = false, cursor: after = null } = request.body
    return souk.answer(request, reply, 202, async (tx) => {
      const stretch = { partyId, since: new Date(since), after, endpointId, delivered }
      const { count, nextCursor } = await redeliverSince(tx, stretch)
      return { redelivering: count, nextCursor }
    })
  })

  const Pinged = Type.Object({ webhookId: Type.String(), message: Type.String() })
  const test = { tags, summary: 'Send yourself a test webhook', body: PingOrder, response: { 202: Pinged } }
  app.post('/webhooks/ping', { config: send, schema: test, preValidation: bodyOptional }, async (request, reply) => {
    const { partyId } = callerOf(request)
    const { endpointId = null } = request.body
    return souk.answer(request, reply, 202, async (tx) => {
      const callbackUrl = (await callbackUrlsOf(tx, [partyId])).get(partyId) ?? null
      const webhookId = await ping(tx, { partyId, endpointId, callbackUrl })
      return { webhookId, message: `GET /api/v1/webhooks/deliveries?webhookId=${webhookId} tells what becomes of it.` }
    })
  })
}

function endpointView(endpoint: EndpointRow): Static<typeof EndpointView> {
  const { id, url, disabledBecause, disabledAt, failingSince, restingUntil, lastDeliveredAt } = endpoint
  return {
    ...{ id, url, disabledBecause, pending: endpoint.pending, undelivered: endpoint.undelivered },
    state: disabledBecause === null ? 'enabled' : 'disabled',
    disabledAt: disabledAt?.toISOString() ?? null,
    failingSince: failingSince?.toISOString() ?? null,
    restingUntil: restingUntil?.toISOString() ?? null,
    lastDeliveredAt: lastDeliveredAt?.toISOString() ?? null,
    createdAt: endpoint.createdAt.toISOString(),
  }
}
