export {
  type AdvertisedMatches,
  type AdvertisedOffer,
  type AdvertisedPage,
  advertisedOffers,
  findAdvertised,
} from './advertised.ts'
export {
  browseOffers,
  type FoundOffer,
  findOffers,
  type ListedOffer,
  type OfferPage,
  type OfferPosition,
  type OfferQuery,
  type OfferSort,
  offerStandingsOf,
  SORTS as OFFER_SORTS,
} from './browse.ts'
export { noteCalls, noteHealth, type OfferCall } from './calls.ts'
export { type CheckedOffer, type CheckedOfferChanges, checkOffer, checkOfferChanges } from './check.ts'
export { offerRefusals } from './errors.ts'
export { checkImported, delistImported, type ImportedOffer, importOffers, refreshImported } from './imported.ts'
export { changeOffer, deactivateOffer, listOffer, offerById, offersById, ownedOffer } from './listing.ts'
export {
  CENT,
  type HealthState,
  HTTP_METHODS,
  type JsonSchema,
  LIMITS as offerLimits,
  OFFER_TYPES,
  type Offer,
  type OfferCard,
  type OfferChanges,
  type OfferDraft,
  type OfferStanding,
  type OfferType,
} from './offer.ts'
export { suspensionReader } from './suspension.ts'
