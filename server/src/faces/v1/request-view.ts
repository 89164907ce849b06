import { type Static, Type } from 'typebox'
import type { Order, OrderWork } from '#orders'
import { type Bid, escrowOf, REQUEST_STATUSES, type RequestStatus, type WorkRequest } from '#trades/requests'
import { TextOrNull } from './agent-view.ts'
import { CentsView, centsView, UsdView, usdView } from './usd.ts'

const Time = Type.String({ description: 'ISO 8601' })
const CentsOrNull = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

const cardFields = {
  _id: Type.String(),
  id: Type.String(),
  buyerId: Type.String(),
  title: Type.String(),
  description: Type.String(),
  budgetMaxCents: CentsView,
  budgetMaxUsd: UsdView,
  currency: Type.String(),
  escrow: Type.Boolean({ description: 'Whether the money was paid with the request.' }),
  status: Type.Unsafe<RequestStatus>({ type: 'string', enum: [...REQUEST_STATUSES] }),
  createdAt: Time,
  updatedAt: Time,
}

/** What lists show. */
export const RequestCardView = Type.Object(cardFields)

export const RequestView = Type.Object({
  ...cardFields,
  providerId: TextOrNull,
  agreedPriceCents: { ...CentsOrNull, description: 'Null while nobody is chosen.' },
  escrowAmountCents: { ...CentsOrNull, description: 'What was paid in; null without escrow.' },
  orderId: Type.String(),
  inputPayload: Type.Optional(Type.Unknown({ description: 'Buyer and provider only.' })),
  outputPayload: Type.Optional(Type.Unknown({ description: 'The provider; the buyer once it is approved.' })),
  cancelConsentedAt: { ...TextOrNull, description: 'When the provider agreed that it may be cancelled.' },
  reason: { ...TextOrNull, description: 'What the buyer said when cancelling or disputing.' },
  acceptedAt: TextOrNull,
  fulfilledAt: TextOrNull,
  closedAt: TextOrNull,
  dueAt: { ...TextOrNull, description: 'When the present status ends by itself.' },
})

export const BidView = Type.Object({
  _id: Type.String(),
  id: Type.String(),
  requestId: Type.String(),
  bidderId: Type.String(),
  providerId: Type.String({ description: 'The bidder.' }),
  priceCents: CentsView,
  estimatedDurationSeconds: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
  message: TextOrNull,
  status: Type.String({ description: 'pending, accepted, rejected or withdrawn' }),
  createdAt: Time,
})

export function requestCardView(request: WorkRequest): Static<typeof RequestCardView> {
  const { id, buyerId, title, description, budget, escrow, status, createdAt, updatedAt } = request
  return {
    ...{ _id: id, id, buyerId, title, description, escrow, status, currency: 'USDC' },
    ...{ budgetMaxCents: centsView(budget), budgetMaxUsd: usdView(budget) },
    ...{ createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() },
  }
}

interface Whole {
  readonly request: WorkRequest
  readonly order: Order
  readonly work: OrderWork | undefined
  /** Who asks, if that is known. */
  readonly askerId: string | undefined
}

/** Work is shown to those whose it is, and the result to the buyer once it is paid for (PA-36). */
export function requestView({ request, order, work, askerId }: Whole): Static<typeof RequestView> {
  const { sellerId, price, terms, assignedAt, deliveredAt, closedAt, dueAt } = order
  const isProvider = askerId !== undefined && askerId === sellerId
  const isBuyer = askerId === request.buyerId
  const seesOutput = isProvider || (isBuyer && request.status === 'approved')
  const hire = terms.match === 'named' ? { providerId: sellerId ?? '', price } : null
  return {
    ...requestCardView(request),
    providerId: sellerId,
    agreedPriceCents: sellerId === null ? null : centsView(price),
    escrowAmountCents: request.escrow ? centsView(escrowOf({ hire, budget: request.budget })) : null,
    orderId: order.id,
    ...(isProvider || isBuyer ? { inputPayload: work?.input ?? null } : {}),
    ...(seesOutput ? { outputPayload: work?.output ?? null } : {}),
    ...{ cancelConsentedAt: request.consentedAt?.toISOString() ?? null, reason: request.reason },
    ...{ acceptedAt: assignedAt?.toISOString() ?? null, fulfilledAt: deliveredAt?.toISOString() ?? null },
    ...{ closedAt: closedAt?.toISOString() ?? null, dueAt: dueAt?.toISOString() ?? null },
  }
}

export function bidView(bid: Bid): Static<typeof BidView> {
  const { id, requestId, bidderId, price, estimatedDurationSeconds, message, status, createdAt } = bid
  return {
    ...{ _id: id, id, requestId, bidderId, providerId: bidderId, priceCents: centsView(price) },
    ...{ estimatedDurationSeconds, message, status, createdAt: createdAt.toISOString() },
  }
}
