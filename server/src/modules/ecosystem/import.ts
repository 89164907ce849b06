import { newId } from '#kernel/id'
import { delistImported, type ImportedOffer, importOffers, refreshImported } from '#offers'
import type { Store, Tx } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { Sweep } from '#platform/sweeps'
import { fetchPage, type Page } from './fetch-page.ts'
import { type Item, type Reading, readItem, type Skipped } from './item.ts'
import { type Counts, MAX_PAGE_SIZE, NO_COUNTS, type Source } from './source.ts'
import {
  advance,
  claimSource,
  endPass,
  heldSource,
  type KnownResource,
  keepResources,
  markSeen,
  markStale,
  noteFailure,
  selectKnown,
} from './store.ts'

export interface ImportDeps {
  readonly store: Store
  readonly outbound: Pick<Outbound, 'fetch'>
  readonly reading: Reading
  /** The party of a seller's wallet, made where there is none. */
  readonly sellerOf: (tx: Tx, wallet: { network: string; address: string }) => Promise<string>
  readonly settings?: Partial<ImportSettings>
}

export interface ImportSettings {
  /** From the end of one pass to the beginning of the next. */
  readonly everySeconds: number
  readonly leaseMs: number
  /** A list without an end is broken off. */
  readonly maxItems: bigint
}

const DEFAULTS: ImportSettings = { everySeconds: 21_600, leaseMs: 60_000, maxItems: 250_000n }
const EVERY_MS = 2_000
const [FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS] = [30, 3600]

/**
 * Reads other markets' lists, one page a run: asked for outside every unit of work, taken in together with the place where
 * the next page begins, so that whoever dies in between has lost nothing and done nothing twice.
 */
export function importSweep({ settings: given, ...deps }: ImportDeps): Sweep {
  const settings = { ...DEFAULTS, ...given }
  const { store, outbound } = deps
  return {
    name: 'ecosystem:import',
    everyMs: EVERY_MS,
    ignoresWakes: true,
    run: async () => {
      const lease = newId()
      const source = await store.transact((tx) => claimSource(tx, { lease, leaseMs: settings.leaseMs }))
      if (!source) return 0
      const answer = await fetchPage(source, outbound)
      await store.transact(async (tx) => {
        if ('fault' in answer) return fail(tx, { source, lease, fault: answer })
        const held = await heldSource(tx, { id: source.id, lease })
        if (held) await takePage(tx, { source: held, page: answer, deps: { ...deps, settings } })
      })
      return 'fault' in answer && !answer.tooLarge ? 0 : 1
    },
  }
}

interface Failure {
  readonly source: Source
  readonly lease: string
  readonly fault: { readonly fault: string; readonly tooLarge: boolean }
}

/** Later again, and later each time; pages that are too large are asked for in smaller ones at once. */
function fail(
  tx: Tx,
  { source: { id, failures, pageSize }, lease, fault: { fault, tooLarge } }: Failure,
): Promise<void> {
  if (tooLarge)
    return noteFailure(tx, { id, lease, fault, afterSeconds: 0, pageSize: Math.max(1, Math.floor(pageSize / 4)) })
  const afterSeconds = Math.min(FIRST_RETRY_SECONDS * 2 ** Math.min(failures, 20), LAST_RETRY_SECONDS)
  return noteFailure(tx, { id, lease, fault, afterSeconds, pageSize })
}

interface Taken {
  readonly source: Source
  readonly page: Page
  readonly deps: Omit<ImportDeps, 'settings'> & { readonly settings: ImportSettings }
}

async function takePage(tx: Tx, { source, page, deps }: Taken): Promise<void> {
  const { id, pass, nextOffset } = source
  const items = new Map<string, Item>()
  const skipped: Skipped[] = []
  for (const raw of page.items) {
    const item = readItem(raw, deps.reading)
    if (typeof item === 'string') skipped.push(item)
    else if (items.has(item.resource)) skipped.push('twice on one page')
    else items.set(item.resource, item)
  }
  const known = await selectKnown(tx, [...items.keys()])
  const { seen, gains } = await takeItems(tx, { source, items, known, deps })
  const others = items.size - seen.length
  const counts = counted(source.counts, page.items.length, [
    ...skipped,
    ...Array<Skipped>(others).fill('told of by another source'),
  ])
  const sums = { ...counts, ...added(counts, gains) }
  const end = nextOffset + BigInt(page.items.length)
  // Whoever ignores where a page shall begin tells the same for ever.
  const again = known.filter(({ sourceId, pass: at }) => sourceId === id && at === pass)
  const isRound = items.size > 0 && again.length === items.size
  const isLast = page.items.length === 0 || (page.total !== null && end >= BigInt(page.total))
  if (isLast || isRound || end >= deps.settings.maxItems) return finish(tx, { source, counts: sums, deps })
  await advance(tx, { id, nextOffset: end, counts: sums })
}

type Gains = Pick<Counts, 'added' | 'changed' | 'unchanged' | 'returned'>

interface Batch {
  readonly source: Source
  readonly items: ReadonlyMap<string, Item>
  readonly known: readonly KnownResource[]
  readonly deps: Pick<ImportDeps, 'sellerOf'>
}

/** What is new is listed, what has changed is changed, what has not is only noted as seen. */
async function takeItems(tx: Tx, { source, items, known, deps }: Batch): Promise<{ seen: string[]; gains: Gains }> {
  const byResource = new Map(known.map((one) => [one.resource, one]))
  const [fresh, changed, seen]: [ImportedItem[], ImportedItem[], string[]] = [[], [], []]
  const gains = { added: 0, changed: 0, unchanged: 0, returned: 0 }
  for (const item of items.values()) {
    const one = byResource.get(item.resource)
    // The first to tell of it speaks for it, until it tells of it no longer.
    if (one && one.sourceId !== source.id && !one.stale) continue
    const offerId = one?.offerId ?? newId()
    seen.push(offerId)
    if (!one) fresh.push({ offerId, item })
    else if (one.stale || !one.digest.equals(item.digest)) changed.push({ offerId, item })
    gains[!one ? 'added' : one.stale ? 'returned' : one.digest.equals(item.digest) ? 'unchanged' : 'changed']++
  }
  const sellers = await sellersOf(tx, { items: [...fresh, ...changed].map(({ item }) => item), deps })
  const offerOf = ({ offerId, item }: ImportedItem): ImportedOffer => ({
    ...{ offerId, externalResourceId: item.resource, offer: item.offer },
    sellerId: sellers.get(walletKey(item)) ?? '',
  })
  await importOffers(tx, { offers: fresh.map(offerOf) })
  await refreshImported(tx, { offers: changed.map(offerOf) })
  const kept = [...fresh, ...changed].map(({ offerId, item }) => ({ offerId, item, sourceId: source.id }))
  if (kept.length > 0) await keepResources(tx, kept)
  await markSeen(tx, { offerIds: seen, pass: source.pass })
  return { seen, gains }
}

interface ImportedItem {
  readonly offerId: string
  readonly item: Item
}

/** One after the other and in one order for all, as two imports may make the party of one wallet. */
async function sellersOf(
  tx: Tx,
  { items, deps }: { items: readonly Item[]; deps: Pick<ImportDeps, 'sellerOf'> },
): Promise<Map<string, string>> {
  const wallets = new Map(items.map((item) => [walletKey(item), item.paid]))
  const sellers = new Map<string, string>()
  for (const key of [...wallets.keys()].sort()) {
    const { network, payTo: address } = wallets.get(key) as Item['paid']
    sellers.set(key, await deps.sellerOf(tx, { network, address }))
  }
  return sellers
}

function walletKey({ paid: { network, payTo } }: Item): string {
  return `${network} ${network.startsWith('eip155:') ? payTo.toLowerCase() : payTo}`
}

/** Once unseen may be a list that moved while it was read; twice is gone. */
async function finish(
  tx: Tx,
  { source: { id, pass }, counts, deps }: { source: Source; counts: Counts; deps: Taken['deps'] },
): Promise<void> {
  const offerIds = await markStale(tx, { sourceId: id, before: pass - 1n })
  await delistImported(tx, { offerIds })
  const { everySeconds } = deps.settings
  await endPass(tx, { id, counts: { ...counts, gone: offerIds.length }, everySeconds, pageSize: MAX_PAGE_SIZE })
}

function counted(before: Partial<Counts>, read: number, skipped: readonly Skipped[]): Counts {
  const counts = { ...NO_COUNTS, ...before }
  const sums: Partial<Record<Skipped, number>> = { ...counts.skipped }
  for (const reason of skipped) sums[reason] = (sums[reason] ?? 0) + 1
  return { ...counts, read: counts.read + read, skipped: sums }
}

function added(counts: Counts, gains: Gains): Gains {
  const names = ['added', 'changed', 'unchanged', 'returned'] as const
  return Object.fromEntries(names.map((name) => [name, counts[name] + gains[name]])) as unknown as Gains
}
