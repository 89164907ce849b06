import type { Tx } from '#platform/db'
import type { CheckedOffer } from './check.ts'
import { fieldsOf } from './draft.ts'
import type { Offer, OfferDraft } from './offer.ts'
import { insertOffer, saveListed, saveOffer } from './store.ts'

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

/** Lists them. Their sellers have not asked for it, so nobody is told. */
export async function importOffers(tx: Tx, { offers }: { offers: readonly ImportedOffer[] }): Promise<void> {
  await Promise.all(offers.map((offer) => insertOffer(tx, offerOf(offer, tx.now))))
}

/** Puts them as they are now; listed again, if they were not any more. */
export async function refreshImported(tx: Tx, { offers }: { offers: readonly ImportedOffer[] }): Promise<void> {
  await Promise.all(offers.map((offer) => saveOffer(tx, offerOf(offer, tx.now))))
}

export async function setImportedActive(
  tx: Tx,
  { offerIds, active }: { offerIds: readonly string[]; active: boolean },
): Promise<void> {
  if (offerIds.length > 0) await saveListed(tx, { ids: offerIds, active })
}

function offerOf(
  { offerId: id, sellerId, externalResourceId, offer: { fields, source } }: ImportedOffer,
  now: Date,
): Offer {
  return { ...fields, id, sellerId, source, externalResourceId, active: true, createdAt: now, updatedAt: now }
}
