import type { Micros } from '#kernel/money'
import type { Order, OrderState } from '#orders'

/** The form of the orders behind requests. */
export const REQUEST = 'request'

export const REQUEST_STATUSES = [
  'open',
  'accepted',
  'fulfilled',
  'completing',
  'approved',
  'cancelled',
  'disputed',
] as const
export type RequestStatus = (typeof REQUEST_STATUSES)[number]

export interface WorkRequest {
  /** The order's. */
  readonly id: string
  readonly buyerId: string
  readonly title: string
  readonly description: string
  /** The most that is paid for it. */
  readonly budget: Micros
  /** Whether the money came with it. */
  readonly escrow: boolean
  readonly status: RequestStatus
  readonly consentedAt: Date | null
  /** What the buyer said when cancelling or disputing. */
  readonly reason: string | null
  /** When the buyer was told what came of the money. */
  readonly toldAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type BidStatus = 'pending' | 'accepted' | 'rejected' | 'withdrawn'

export interface Bid {
  readonly id: string
  readonly requestId: string
  readonly bidderId: string
  readonly price: Micros
  readonly estimatedDurationSeconds: number | null
  readonly message: string | null
  readonly status: BidStatus
  readonly createdAt: Date
}

/** What a buyer asks for, as it is before there is an order of it. */
export interface RequestDraft {
  readonly buyerId: string
  readonly keyId?: string
  readonly title: string
  readonly description: string
  readonly budget: Micros
  readonly escrow: boolean
  readonly input: unknown
  /** A direct hire, and what was agreed on (PA-37); null where bids are asked for. */
  readonly hire: { readonly providerId: string; readonly price: Micros } | null
}

/** What must be paid into escrow (PA-39). */
export function escrowOf({ hire, budget }: Pick<RequestDraft, 'hire' | 'budget'>): Micros {
  return hire?.price ?? budget
}

const STATUSES: Partial<Record<OrderState, RequestStatus>> = {
  open: 'open',
  assigned: 'accepted',
  delivered: 'fulfilled',
  completing: 'completing',
  completed: 'approved',
  cancelled: 'cancelled',
  expired: 'cancelled',
  disputed: 'disputed',
}

/** An order's state in the contract's words. */
export function statusOf({ id, state }: Pick<Order, 'id' | 'state'>): RequestStatus {
  const status = STATUSES[state]
  if (!status) throw new Error(`request ${id} is ${state}, which no request can be`)
  return status
}
