import { isId } from '#kernel/id'
import { searchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import { type Paid, searchAdvertised, selectAdvertised } from './advertised-store.ts'
import type { Offer } from './offer.ts'
import type { Position } from './store.ts'

/** An offer as other markets and clients are told of it: what it takes, what it costs and who sells it. */
export interface AdvertisedOffer
  extends Pick<
    Offer,
    | 'id'
    | 'sellerId'
    | 'title'
    | 'description'
    | 'category'
    | 'tags'
    | 'priceMicros'
    | 'offerType'
    | 'httpMethod'
    | 'inputSchema'
    | 'outputSchema'
    | 'settlesFirst'
    | 'updatedAt'
  > {}

export interface AdvertisedPage {
  readonly offers: readonly AdvertisedOffer[]
  /** How many there are on all pages. */
  readonly total: number
}

/** Whose offers are wanted. */
export interface Wanted {
  /** Only those that this wallet is paid for. */
  readonly payTo?: string | undefined
  /** CAIP-2; of sellers that have a wallet of the kind of one of these. */
  readonly networks: readonly string[]
}

function paidBy({ payTo = '', networks }: Wanted): Paid {
  return { payTo: payTo.toLowerCase(), families: [...new Set(networks.map((network) => network.split(':')[0] ?? ''))] }
}

/** Offers listed here that anybody with a wallet can buy at once; imported ones are for their own market to tell of. */
export function advertisedOffers(
  db: Db,
  { offset, limit, ...wanted }: Wanted & { readonly offset: number; readonly limit: number },
): Promise<AdvertisedPage> {
  return selectAdvertised(db, { paid: paidBy(wanted), offset, limit })
}

/** A stranger's question must not cost without bound: words are weighed for so many matches of the highest rank. */
const SEARCH_DEPTH = 1000

export interface AdvertisedMatches {
  readonly offers: readonly AdvertisedOffer[]
  readonly next: Position | null
}

/** The same by words, the best first. */
export async function findAdvertised(
  db: Db,
  {
    text,
    after,
    limit,
    ...wanted
  }: Wanted & {
    readonly text: string
    readonly after?: Position | undefined
    readonly limit: number
  },
): Promise<AdvertisedMatches> {
  const query = searchQuery(text)
  if (!query || (after && !isId(after.id))) return { offers: [], next: null }
  const page = { paid: paidBy(wanted), after: after ?? null, limit: limit + 1, depth: SEARCH_DEPTH }
  const rows = await searchAdvertised(db, { query, ...page })
  const offers = rows.slice(0, limit)
  const last = rows.length > limit ? offers.at(-1) : undefined
  return { offers, next: last ? { key: last.weight, id: last.id } : null }
}
