import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Store } from '#platform/db'
import type { Http } from '#platform/http/app'
import { rules } from '#platform/http/rules'
import { type Delivery, deliveries, enableEndpoint, redeliver } from '#webhooks'
import { AttemptView, attemptView, DeliveryStateQuery, Nullable } from '../v1/delivery-view.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from '../v1/paging.ts'

const Id = Type.String({ format: 'uuid' })
const Instant = Type.String({ format: 'date-time' })

const DeliveryQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(DeliveryStateQuery),
    recipient: Type.Optional(Id),
    event: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

const DeliveryView = Type.Object({
  id: Type.String(),
  webhookId: Type.String({ description: "The receiver's webhook-id; also the event's id in /api/v1/events" }),
  endpointId: Type.String(),
  event: Type.String(),
  format: Type.String(),
  recipientId: Type.String(),
  url: Type.String(),
  body: Type.String({ description: 'The text exactly as it is sent' }),
  state: DeliveryStateQuery,
  attempts: Type.Integer({ description: 'Since it was made or last asked for again' }),
  dueAt: Nullable('string'),
  lastStatus: Nullable('integer'),
  lastError: Nullable('string'),
  createdAt: Instant,
  deliveredAt: Nullable('string'),
  log: Type.Array(AttemptView, { description: 'The latest twenty attempts, oldest first' }),
})

const DeliveryList = Type.Object({ deliveries: Type.Array(DeliveryView), pagination: PaginationView })

/** The operator's view of outgoing webhooks (D-25). */
export function operatorWebhookRoutes(app: Http, { store }: { store: Store }): void {
  app.register(routes(store))
}

const routes =
  (store: Store): FastifyPluginCallbackTypebox =>
  (app, _options, done) => {
    app.get(
      '/api/v1/admin/webhooks/deliveries',
      {
        config: rules({ auth: 'operator' }),
        schema: {
          tags: ['operator'],
          summary: 'Webhook deliveries, newest first, with their attempts',
          querystring: DeliveryQuery,
          response: { 200: DeliveryList },
        },
      },
      async ({ query }) => {
        const page = pageOf(query)
        const filter = { state: query.state, recipientId: query.recipient, eventName: query.event }
        const { items, total } = await deliveries(store.read, filter, page)
        return { deliveries: items.map(deliveryView), pagination: paginationView(page, total) }
      },
    )
    app.post(
      '/api/v1/admin/webhooks/deliveries/:id/redeliver',
      {
        config: rules({ auth: 'operator' }),
        schema: {
          tags: ['operator'],
          summary: 'Send a delivery again, now, under the same webhook-id',
          params: Type.Object({ id: Type.String() }),
          response: { 202: Type.Object({ message: Type.String() }) },
        },
      },
      async ({ params }, reply) => {
        await store.transact((tx) => redeliver(tx, { deliveryId: params.id, partyId: null }))
        return reply.code(202).send({ message: 'The delivery will be sent again now.' })
      },
    )
    app.post(
      '/api/v1/admin/webhooks/endpoints/:id/enable',
      {
        config: rules({ auth: 'operator' }),
        schema: {
          tags: ['operator'],
          summary: 'Send webhooks to an address again that was disabled',
          params: Type.Object({ id: Type.String() }),
          response: { 200: Type.Object({ message: Type.String() }) },
        },
      },
      async ({ params }) => {
        await store.transact((tx) => enableEndpoint(tx, { endpointId: params.id, partyId: null }))
        return { message: 'It is sent to again.' }
      },
    )
    done()
  }

function deliveryView(delivery: Delivery): Static<typeof DeliveryView> {
  const {
    id,
    noticeId,
    endpointId,
    eventName,
    format,
    recipientId,
    url,
    body,
    state,
    attempts,
    lastStatus,
    lastError,
  } = delivery
  return {
    ...{ id, webhookId: noticeId, endpointId, event: eventName, format, recipientId, url, body },
    ...{ state, attempts, lastStatus, lastError },
    dueAt: delivery.dueAt?.toISOString() ?? null,
    createdAt: delivery.createdAt.toISOString(),
    deliveredAt: delivery.deliveredAt?.toISOString() ?? null,
    log: delivery.log.map(attemptView),
  }
}
