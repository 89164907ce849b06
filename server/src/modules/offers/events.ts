import type { Tx } from '#platform/db'
import type { Offer } from './offer.ts'

interface OfferEvent {
  readonly offerId: string
  readonly sellerId: string
}

export function emit(
  tx: Tx,
  name: `offer.${'listed' | 'changed' | 'deactivated'}`,
  { id, sellerId }: Pick<Offer, 'id' | 'sellerId'>,
): void {
  const payload: OfferEvent = { offerId: id, sellerId }
  tx.emit({ name, subject: id, payload })
}
