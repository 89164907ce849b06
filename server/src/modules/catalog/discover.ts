import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Rank } from '#kernel/ranking'
import { keyOf, searchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import { LIMITS, type Service, type ServiceCard, type ServiceStanding } from './service.ts'
import {
  countListed,
  countOwned,
  type Filters,
  type Sort,
  selectCategories,
  selectListed,
  selectMatches,
  selectOwned,
  selectServices,
  selectStandings,
} from './store.ts'
import { facetsOf, tagFacets } from './words.ts'

/** What a list shows of a service. */
export type ListedService = ServiceCard & ServiceStanding

/** A service that was looked for. */
export interface FoundService extends ListedService {
  /** Why it stands where it does; null where no words were weighed. */
  readonly rank: Rank | null
}

/** `price` cheapest first; the others highest or newest first (JP-54). */
export type SortBy = Exclude<Sort, 'best'>

export interface DiscoverFilters {
  /** Words in name and description, and in category and tags (JP-53). */
  readonly search?: string | undefined
  readonly category?: string | undefined
  readonly model?: string | undefined
  readonly modelProvider?: string | undefined
  /** Any of them. */
  readonly tags?: readonly string[] | undefined
  readonly minPrice?: bigint | undefined
  readonly maxPrice?: bigint | undefined
  readonly sortBy?: SortBy | undefined
}

/** How far a list goes, and how far its total is counted, so that no stranger's question costs without bound. */
const DEPTH = { search: 1000, filtered: 10_000, all: 2 ** 31 - 1 } as const

/**
 * Services on the market. Without `sortBy` the best come first (JP-55): by quality, newest first among equals; a search
 * weighs quality with how well the words fit. A search answers 1000 services at most, a filter 10000.
 */
export async function discoverServices(
  db: Db,
  { filters, page }: { filters: DiscoverFilters; page: PageRequest },
): Promise<Page<FoundService>> {
  const query = filters.search ? searchQuery(filters.search) : undefined
  if (filters.search && !query) return { items: [], total: 0 }
  const wanted = filtersOf(filters, query)
  const depth = query ? DEPTH.search : wanted ? DEPTH.filtered : DEPTH.all
  const offset = offsetOf(page)
  const window = { sort: filters.sortBy ?? ('best' as const), limit: Math.min(page.limit, depth - offset), offset }
  const count = () => countListed(db, { filters: wanted, limit: depth })
  if (wanted && query && window.limit > 0) {
    const found = await selectMatches(db, { filters: { ...wanted, query }, window, depth })
    return offset > 0 && found.items.length === 0 ? { items: [], total: await count() } : found
  }
  // A page behind the end is answered from the count alone.
  const known = offset > 0 ? await count() : undefined
  if (known !== undefined && offset >= known) return { items: [], total: known }
  const listed = await selectListed(db, { filters: wanted, window })
  const items = listed.map((service) => ({ ...service, rank: null }))
  return { items, total: known ?? (items.length < window.limit ? items.length : await count()) }
}

/** All that is on the market, with schemas, the best first: for lists that tell how each is called. */
export async function advertisedServices(
  db: Db,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ readonly services: readonly Service[]; readonly total: number }> {
  const total = await countListed(db, { filters: undefined, limit: DEPTH.all })
  if (offset >= total || limit <= 0) return { services: [], total }
  const cards = await selectListed(db, { filters: undefined, window: { sort: 'best', limit, offset } })
  const ids = cards.map(({ id }) => id)
  const whole = new Map((await selectServices(db, ids)).map((service) => [service.id, service]))
  return { services: ids.flatMap((id) => whole.get(id) ?? []), total }
}

function filtersOf(wanted: DiscoverFilters, query: Filters['query']): Filters | undefined {
  const { minPrice = 0n, maxPrice = LIMITS.priceMicros.max } = wanted
  const anyPrice = minPrice <= LIMITS.priceMicros.min && maxPrice >= LIMITS.priceMicros.max
  const filters = {
    category: keyOf(wanted.category ?? ''),
    facets: facetsOf({ model: wanted.model, modelProvider: wanted.modelProvider }),
    tags: tagFacets(wanted.tags ?? []),
    price: anyPrice ? undefined : { min: minPrice, max: maxPrice },
    query,
  }
  const { category, facets, tags } = filters
  const none = !query && anyPrice && category === '' && facets.length === 0 && tags.length === 0
  return none ? undefined : filters
}

/** An owner's own services, newest first, deactivated ones too. */
export async function servicesOf(
  db: Db,
  { ownerId, page }: { ownerId: string; page: PageRequest },
): Promise<Page<ListedService>> {
  const items = await selectOwned(db, { ownerId, limit: page.limit, offset: offsetOf(page) })
  return { items, total: await countOwned(db, ownerId) }
}

export async function categories(db: Db): Promise<{ readonly name: string; readonly count: number }[]> {
  return selectCategories(db)
}

/** Completed jobs and ratings by service id. */
export async function standingsOf(db: Db, ids: readonly string[]): Promise<Map<string, ServiceStanding>> {
  return new Map((await selectStandings(db, ids)).map(({ id, ...standing }) => [id, standing]))
}
