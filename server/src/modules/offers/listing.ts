import { suspendedAmong } from '#identity'
import { newId } from '#kernel/id'
import type { Db, Tx } from '#platform/db'
import type { CheckedOffer, CheckedOfferChanges } from './check.ts'
import { wholeOf } from './draft.ts'
import { offerRefusals } from './errors.ts'
import { emit } from './events.ts'
import type { Offer, Patch } from './offer.ts'
import { insertOffer, lockOffer, saveOffer, selectOffers } from './store.ts'

/** Puts an offer on the market. An imported one brings its name elsewhere. Throws `seller_suspended` (D-35). */
export async function listOffer(
  tx: Tx,
  {
    sellerId,
    offer: { fields, source },
    externalResourceId = null,
  }: { sellerId: string; offer: CheckedOffer; externalResourceId?: string | null },
): Promise<Offer> {
  if ((await suspendedAmong(tx, [sellerId])).size > 0) throw offerRefusals.seller_suspended()
  const facts = { id: newId(), sellerId, source, externalResourceId, active: true }
  const offer = { ...fields, ...facts, createdAt: tx.now, updatedAt: tx.now }
  await insertOffer(tx, offer)
  emit(tx, 'offer.listed', offer)
  return offer
}

/**
 * Changes an offer. Purchases already made keep the terms they were made with (D-4). Throws `offer_unknown`,
 * `not_offer_seller` (PA-30), or `offer_invalid` when what is left does not fit together.
 */
export async function changeOffer(
  tx: Tx,
  { offerId, by, changes: { changes } }: { offerId: string; by: string; changes: CheckedOfferChanges },
): Promise<Offer> {
  return save(tx, owned(await lockOffer(tx, offerId), by), changes)
}

/** Takes an offer off the market (PA-31); doing it twice is doing it once. */
export async function deactivateOffer(tx: Tx, { offerId, by }: { offerId: string; by: string }): Promise<Offer> {
  const offer = owned(await lockOffer(tx, offerId), by)
  return offer.active ? save(tx, offer, { active: false }) : offer
}

/** Also a deactivated one: whether it may still be bought or shown is for the caller to say (PA-14). */
export async function offerById(db: Db, id: string): Promise<Offer | undefined> {
  return (await selectOffers(db, [id]))[0]
}

/** Many at once in one query, by id; ids nobody knows are left out. */
export async function offersById(db: Db, ids: readonly string[]): Promise<Map<string, Offer>> {
  return new Map((await selectOffers(db, ids)).map((offer) => [offer.id, offer]))
}

/** The offer `by` may change; throws `offer_unknown` or `not_offer_seller` (PA-30). */
export async function ownedOffer(db: Db, { offerId, by }: { offerId: string; by: string }): Promise<Offer> {
  return owned(await offerById(db, offerId), by)
}

function owned(offer: Offer | undefined, by: string): Offer {
  if (!offer) throw offerRefusals.offer_unknown()
  if (offer.sellerId !== by) throw offerRefusals.not_offer_seller()
  return offer
}

async function save(tx: Tx, offer: Offer, changes: Patch): Promise<Offer> {
  const changed = wholeOf({ ...offer, ...changes, updatedAt: tx.now }, offer.source)
  await saveOffer(tx, changed)
  emit(tx, offer.active && !changed.active ? 'offer.deactivated' : 'offer.changed', changed)
  return changed
}
