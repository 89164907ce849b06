import type { Terms } from '#orders'
import type { RequestDraft } from './request.ts'

/** What the market's settings say about requests (D-7, D-12). */
export interface RequestSettings {
  /** An open one ends by itself, with everything back. */
  readonly requestOpenSeconds: number
  /** What is accepted and not fulfilled in time ends, with everything back (PA-56). */
  readonly requestFulfilSeconds: number
  /** Silence after the delivery releases what is in escrow. */
  readonly requestReviewSeconds: number
}

/**
 * Without escrow nothing is held, so there is nothing that silence could release and nothing to give back: the buyer pays or
 * cancels. With it the buyer approves, disputes, or cancels with the provider's consent (D-12). No fee (D-5).
 */
export function requestTerms(
  { hire, escrow }: Pick<RequestDraft, 'hire' | 'escrow'>,
  settings: RequestSettings,
): Terms {
  return {
    match: hire === null ? 'chosen' : 'named',
    hold: escrow ? 'on-placing' : 'elsewhere',
    accept: 'automatic',
    matchWithinSeconds: settings.requestOpenSeconds,
    queueWithinSeconds: 0,
    acceptWithinSeconds: 0,
    deliverWithinSeconds: settings.requestFulfilSeconds,
    reviewWithinSeconds: settings.requestReviewSeconds,
    silence: escrow ? 'accepts' : 'waits',
    fee: { bps: 0, paidBy: 'seller' },
    cancel: escrow ? 'with-consent' : 'until-paid',
    dispute: escrow,
    verification: null,
  }
}
