import type { Message } from '#events'
import type { Db } from '#platform/db'
import type { OutboxEvent } from '#platform/outbox'
import { REQUEST, statusOf } from '#trades/requests'
import type { WebhookFormat } from '#webhooks'
import type { OrderNews } from './webhook-format.ts'

type Side = 'buyer' | 'provider'

interface News {
  readonly event: string
  readonly to: readonly Side[]
}

/** Which news of an order behind a request its two sides hear, and as what. */
const ORDER_NEWS: Readonly<Record<string, News>> = {
  // A direct hire; an open request concerns nobody yet.
  'order.placed': { event: 'request.created', to: ['provider'] },
  'order.assigned': { event: 'request.accepted', to: ['provider'] },
  'order.delivered': { event: 'request.fulfilled', to: ['buyer'] },
  'order.disputed': { event: 'request.disputed', to: ['provider'] },
  'order.completed': { event: 'request.approved', to: ['buyer', 'provider'] },
  'order.cancelled': { event: 'request.cancelled', to: ['buyer', 'provider'] },
  'order.expired': { event: 'request.expired', to: ['buyer', 'provider'] },
  'order.unpaid': { event: 'request.payment_failed', to: ['buyer', 'provider'] },
}
/** What requests themselves tell the buyer. */
const REQUEST_NEWS: Readonly<Record<string, string>> = {
  'request.bid_placed': 'request.bid',
  'request.consented': 'request.cancel_consented',
}

interface Sources {
  readonly callbackUrlsOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>
}

/** Requests' news for both sides: `{type, timestamp, data}`, with the headers of Standard Webhooks alone. */
export function requestWebhookFormat({ callbackUrlsOf }: Sources): WebhookFormat {
  return {
    name: 'requests',
    types: [...Object.values(ORDER_NEWS).map(({ event }) => event), ...Object.values(REQUEST_NEWS)],
    hears: (eventName) => Object.hasOwn(ORDER_NEWS, eventName) || Object.hasOwn(REQUEST_NEWS, eventName),
    compose: async (db, event) => {
      const told = ORDER_NEWS[event.name] ? ofOrder(event) : ofRequest(event)
      const urls = await callbackUrlsOf(
        db,
        told.map(({ recipientId }) => recipientId),
      )
      return told.map((one): Message => ({ ...one, url: urls.get(one.recipientId) ?? null }))
    },
    headers: () => ({}),
  }
}

function ofOrder({ name, payload, at }: OutboxEvent): Omit<Message, 'url'>[] {
  const news = ORDER_NEWS[name]
  const { orderId, form, state, buyerId, sellerId: providerId, price } = payload as OrderNews
  if (!news || form !== REQUEST) return []
  const status = statusOf({ id: orderId, state: state as Parameters<typeof statusOf>[0]['state'] })
  return news.to.flatMap((role) => {
    const recipientId = role === 'buyer' ? buyerId : providerId
    if (recipientId === null) return []
    const data = { requestId: orderId, status, role, buyerId, providerId, priceCents: Number(BigInt(price) / 10_000n) }
    return [{ recipientId, eventName: news.event, body: { type: news.event, timestamp: at.toISOString(), data } }]
  })
}

function ofRequest({ name, payload, at }: OutboxEvent): Omit<Message, 'url'>[] {
  const type = REQUEST_NEWS[name]
  const { buyerId, ...said } = payload as { buyerId: string }
  if (!type) return []
  return [
    { recipientId: buyerId, eventName: type, body: { type, timestamp: at.toISOString(), data: { buyerId, ...said } } },
  ]
}
