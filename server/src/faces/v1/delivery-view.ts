import { type Static, Type } from 'typebox'
import { type Attempt, DELIVERY_STATES, type Delivery, type DeliveryState } from '#webhooks'

export const DeliveryStateQuery = Type.Unsafe<DeliveryState>({ type: 'string', enum: [...DELIVERY_STATES] })
const Instant = Type.String({ format: 'date-time' })
export const Nullable = <T extends 'string' | 'integer'>(type: T, description?: string) =>
  Type.Unsafe<(T extends 'string' ? string : number) | null>({
    type: [type, 'null'],
    ...(description === undefined ? {} : { description }),
  })

export const AttemptView = Type.Object({
  at: Instant,
  durationMs: Type.Integer(),
  request: Type.Record(Type.String(), Type.String(), { description: 'The headers that were sent' }),
  status: Nullable('integer', 'Null when there was no answer'),
  error: Nullable('string', 'Null when it was taken'),
  response: Nullable('string', "The beginning of the answer's body"),
})

/** What a list shows of a delivery. */
export const DeliverySummary = Type.Object({
  id: Type.String(),
  webhookId: Type.String({ description: "The receiver's `webhook-id`; also the event's id in /api/v1/events" }),
  event: Type.String(),
  endpointId: Type.String(),
  url: Type.String(),
  state: DeliveryStateQuery,
  attempts: Type.Integer({ description: 'Since it was made or last asked for again' }),
  nextAttemptAt: Nullable('string'),
  lastStatus: Nullable('integer'),
  lastError: Nullable('string'),
  createdAt: Instant,
  deliveredAt: Nullable('string'),
  lastAttempt: Type.Unsafe<Static<typeof AttemptView> | null>({ anyOf: [AttemptView, { type: 'null' }] }),
})

export const DeliveryDetail = Type.Object({
  ...DeliverySummary.properties,
  body: Type.String({ description: 'The text exactly as it is sent' }),
  log: Type.Array(AttemptView, { description: 'The latest twenty attempts, oldest first' }),
})

const SHORT = 300

export function deliverySummary(delivery: Delivery): Static<typeof DeliverySummary> {
  const { id, noticeId, eventName, endpointId, url, state, attempts, lastStatus, lastError } = delivery
  const last = delivery.log.at(-1)
  return {
    ...{ id, webhookId: noticeId, event: eventName, endpointId, url, state, attempts, lastStatus, lastError },
    nextAttemptAt: delivery.dueAt?.toISOString() ?? null,
    createdAt: delivery.createdAt.toISOString(),
    deliveredAt: delivery.deliveredAt?.toISOString() ?? null,
    lastAttempt: last ? { ...attemptView(last), response: last.response?.slice(0, SHORT) ?? null } : null,
  }
}

export function deliveryDetail(delivery: Delivery): Static<typeof DeliveryDetail> {
  return { ...deliverySummary(delivery), body: delivery.body, log: delivery.log.map(attemptView) }
}

export function attemptView({ at, request, ...attempt }: Attempt): Static<typeof AttemptView> {
  return { at: at.toISOString(), request: JSON.parse(request), ...attempt }
}
