import type { Tx } from '#platform/db'
import type { HealthState } from './offer.ts'
import { addCalls, saveHealth } from './store.ts'

/** A call that was paid for, and whether its result reached the buyer. */
export interface OfferCall {
  readonly offerId: string
  readonly buyerId: string
  readonly delivered: boolean
}

/** Counts paid calls; offers rank by them. Counting each once is the caller's care. Rows are locked in one order for all. */
export async function noteCalls(tx: Tx, { calls }: { calls: readonly OfferCall[] }): Promise<void> {
  if (calls.length > 0) await addCalls(tx, calls)
}

/** What asking the endpoint showed. */
export async function noteHealth(
  tx: Tx,
  health: { readonly offerId: string; readonly state: HealthState; readonly reason: string | null },
): Promise<void> {
  await saveHealth(tx, health)
}
