import type { Tx } from '#platform/db'
import type { CheckedOffer } from './check.ts'
import { fieldsOf } from './draft.ts'
import { emit } from './events.ts'
import type { Offer, OfferDraft } from './offer.ts'
import { delist, insertOffer, saveOffer } from './store.ts'

/** An offer of another market (PA-7). */
export interface ImportedOffer {
  readonly offerId: string
  /** The party of the wallet that is paid. */
  readonly sellerId: string
  /** What it is called where it came from. */
  readonly externalResourceId: string
  readonly offer: CheckedOffer
}

/**
 * Holds an imported offer to the limits of all. DNS is not asked, as thousands come at once: nobody is promised that the
 * endpoint can be called, and every call is guarded. Schemas are the importer's to check. Throws `offer_invalid`.
 */
export function checkImported(draft: OfferDraft): CheckedOffer {
  return { fields: fieldsOf(draft, 'ecosystem'), source: 'ecosystem' }
}

/** Lists them. */
export async function importOffers(tx: Tx, { offers }: { offers: readonly ImportedOffer[] }): Promise<void> {
  const made = offers.map((offer) => offerOf(offer, tx.now))
  await Promise.all(made.map((offer) => insertOffer(tx, offer)))
  for (const offer of made) emit(tx, 'offer.listed', offer)
}

/** Puts them as they are now; listed again, if they were not any more. */
export async function refreshImported(tx: Tx, { offers }: { offers: readonly ImportedOffer[] }): Promise<void> {
  const made = offers.map((offer) => offerOf(offer, tx.now))
  await Promise.all(made.map((offer) => saveOffer(tx, offer)))
  for (const offer of made) emit(tx, 'offer.changed', offer)
}

/** Takes them off the market; `refreshImported` brings them back. */
export async function delistImported(tx: Tx, { offerIds }: { offerIds: readonly string[] }): Promise<void> {
  if (offerIds.length === 0) return
  for (const offer of await delist(tx, offerIds)) emit(tx, 'offer.deactivated', offer)
}

function offerOf(
  { offerId: id, sellerId, externalResourceId, offer: { fields, source } }: ImportedOffer,
  now: Date,
): Offer {
  return { ...fields, id, sellerId, source, externalResourceId, active: true, createdAt: now, updatedAt: now }
}
