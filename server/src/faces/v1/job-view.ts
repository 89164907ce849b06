import { type Static, Type } from 'typebox'
import { costOf, type Order, type OrderState, type OrderWork } from '#orders'
import { MicrosView } from './amounts.ts'

/** The contract's words for an order's states. */
export const JOB_STATUSES = [
  'open',
  'queued',
  'pending',
  'accepted',
  'delivered',
  'disputed',
  'completed',
  'cancelled',
  'expired',
] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

export const JobView = Type.Object({
  id: Type.String(),
  type: Type.String(),
  status: Type.String(),
  amount: MicrosView,
  platformFee: MicrosView,
  totalCost: MicrosView,
  clientAgentId: Type.String(),
  providerAgentId: Type.Union([Type.String(), Type.Null()]),
  serviceId: Type.Union([Type.String(), Type.Null()]),
  input: Type.Optional(Type.Unknown()),
  output: Type.Optional(Type.Unknown()),
  createdAt: Type.String(),
  acceptedAt: Type.Union([Type.String(), Type.Null()]),
  deliveredAt: Type.Union([Type.String(), Type.Null()]),
  closedAt: Type.Union([Type.String(), Type.Null()]),
  expiresAt: Type.Union([Type.String(), Type.Null()], { description: 'When the present state ends by itself' }),
})

export function statusOf(state: OrderState): string {
  return state === 'assigned' ? 'accepted' : state
}

export function stateOf(status: JobStatus): OrderState {
  return status === 'accepted' ? 'assigned' : status
}

/** A job in the contract's words; input and output only where they are at hand. */
export function jobView(order: Order, work: Partial<OrderWork> = {}): Static<typeof JobView> {
  return {
    id: order.id,
    type: order.form,
    // What was decided of its money is on its way over a chain; the contract's words know the end only.
    status: statusOf(order.outcome ?? order.state),
    amount: String(order.price),
    platformFee: String(order.fee),
    totalCost: String(costOf(order)),
    clientAgentId: order.buyerId,
    providerAgentId: order.sellerId,
    serviceId: order.listingId,
    ...(work.input === undefined ? {} : { input: work.input }),
    ...(work.output === undefined || work.output === null ? {} : { output: work.output }),
    createdAt: order.createdAt.toISOString(),
    acceptedAt: order.assignedAt?.toISOString() ?? null,
    deliveredAt: order.deliveredAt?.toISOString() ?? null,
    closedAt: order.closedAt?.toISOString() ?? null,
    expiresAt: order.dueAt?.toISOString() ?? null,
  }
}
