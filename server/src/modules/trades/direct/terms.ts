import type { Service } from '#catalog'
import type { Terms } from '#orders'

/** What the market's settings say about direct jobs (D-7). */
export interface DirectSettings {
  readonly jobFeeBps: number
  readonly jobAcceptSeconds: number
  readonly jobReviewSeconds: number
  readonly queueWaitSeconds: number
}

/** A direct job names its seller, holds price and fee at once, and lets silence accept (JP-60, 66, 70, 72, 76). */
export function directTerms(service: Service, settings: DirectSettings, outputSchema: string): Terms {
  return {
    match: 'named',
    hold: 'on-placing',
    accept: service.autoAccept ? 'automatic' : 'by-seller',
    matchWithinSeconds: null,
    queueWithinSeconds: settings.queueWaitSeconds,
    acceptWithinSeconds: settings.jobAcceptSeconds,
    deliverWithinSeconds: service.maxExecutionSeconds,
    reviewWithinSeconds: service.reviewSeconds ?? settings.jobReviewSeconds,
    fee: { bps: settings.jobFeeBps, paidBy: 'buyer' },
    cancel: 'before-delivery',
    verification: { outputSchema },
  }
}
