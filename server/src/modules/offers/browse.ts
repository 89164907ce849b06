import { isId } from '#kernel/id'
import { type Rank, rankMatches, type ScoresOf } from '#kernel/ranking'
import { keyOf, searchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import type { OfferCard, OfferStanding, OfferType } from './offer.ts'
import {
  type Position,
  type Sort,
  selectCards,
  selectFitting,
  selectFound,
  selectMatches,
  selectPage,
  selectStandings,
} from './store.ts'

/** What a list shows of an offer. */
export type ListedOffer = OfferCard & OfferStanding

/** `top` by proven outcomes, `price` cheapest first, `new` newest first. */
export const SORTS = ['top', 'price', 'new'] as const satisfies readonly Sort[]
export type { Position as OfferPosition, Sort as OfferSort }

export interface OfferPage {
  readonly offers: readonly ListedOffer[]
  /** Where the next page begins; null at the end. */
  readonly next: Position | null
}

/** A stranger's question must not cost without bound: words are weighed for so many matches of the highest rank, … */
const SEARCH_DEPTH = 1000
/** … and sellers are looked up for so many of the best of them. */
const WEIGHED = 200

/**
 * Offers on the market, page by page (PA-22). Each page begins behind the last offer of the one before, so that what is
 * listed meanwhile moves nothing; an offer whose rank changes meanwhile may be met twice or missed.
 */
export async function browseOffers(
  db: Db,
  query: {
    readonly sort: Sort
    readonly offerType?: OfferType | undefined
    readonly after?: Position | undefined
    readonly limit: number
  },
): Promise<OfferPage> {
  const { sort, offerType, after, limit } = query
  if (after && !isId(after.id)) return { offers: [], next: null }
  const rows = await selectPage(db, { sort, offerType: offerType ?? null, after: after ?? null, limit: limit + 1 })
  const offers = rows.slice(0, limit)
  const last = rows.length > limit ? offers.at(-1) : undefined
  return {
    offers,
    next: last ? { key: sort === 'price' ? last.priceMicros : BigInt(last.sortKey), id: last.id } : null,
  }
}

export interface OfferQuery {
  /** Words of title, description, tags and category, all of them (PA-23). */
  readonly text?: string | undefined
  readonly category?: string | undefined
  readonly offerType?: OfferType | undefined
  readonly maxPriceMicros?: bigint | undefined
  /** Without it a search weighs how well the words fit with proven outcomes, and everything else is `top`. */
  readonly sort?: Sort | undefined
  readonly limit: number
}

/** An offer that was searched for. */
export interface FoundOffer extends ListedOffer {
  /** Why it stands where it does; null where nothing was weighed. */
  readonly rank: Rank | null
}

const NOBODY_KNOWN: ScoresOf = async () => new Map()

/**
 * Offers that fit, the best first; one list without pages. What PA-66 hides is not among them. Searched for by words, they
 * are weighed by how well they fit and by what is proven of them and, as `scoresOf` tells, of their sellers.
 */
export async function findOffers(
  db: Db,
  wanted: OfferQuery,
  scoresOf: ScoresOf = NOBODY_KNOWN,
): Promise<readonly FoundOffer[]> {
  const { text = '', category = '', offerType = null, maxPriceMicros = null, sort, limit } = wanted
  const filters = { category: keyOf(category), offerType, maxPriceMicros }
  if (text.trim() === '') return withoutRank(await selectFound(db, { filters, sort: sort ?? 'top', limit }))
  const query = searchQuery(text)
  if (!query) return []
  const search = { filters: { ...filters, query }, depth: SEARCH_DEPTH }
  if (sort) return withoutRank(await selectMatches(db, { ...search, sort, limit }))
  const matches = await selectFitting(db, { ...search, limit: Math.max(2 * limit, WEIGHED) })
  const scores = await scoresOf([...new Set(matches.map(({ ownerId }) => ownerId))])
  const best = rankMatches(matches, scores).slice(0, limit)
  const ranks = new Map(best.map(({ id, rank }) => [id, rank]))
  const cards = await selectCards(db, [...ranks.keys()])
  return cards.map((card) => ({ ...card, rank: ranks.get(card.id) ?? null }))
}

function withoutRank(offers: readonly ListedOffer[]): FoundOffer[] {
  return offers.map((offer) => ({ ...offer, rank: null }))
}

/** What is known of offers, by id. */
export async function offerStandingsOf(db: Db, ids: readonly string[]): Promise<Map<string, OfferStanding>> {
  return new Map((await selectStandings(db, ids)).map(({ id, ...standing }) => [id, standing]))
}
