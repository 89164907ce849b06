import { ecosystemRefusals } from './errors.ts'
import type { Skipped } from './item.ts'

/** What a pass over a source has come to so far. */
export interface Counts {
  readonly read: number
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly returned: number
  /** Not told of any more, in two passes running. */
  readonly gone: number
  readonly skipped: Readonly<Partial<Record<Skipped, number>>>
}

export const NO_COUNTS: Counts = { read: 0, added: 0, changed: 0, unchanged: 0, returned: 0, gone: 0, skipped: {} }

export interface Source {
  readonly id: string
  readonly url: string
  readonly configured: boolean
  readonly active: boolean
  readonly addedAt: Date
  /** The pass under way, from 1, and how far it has come. */
  readonly pass: bigint
  readonly nextOffset: bigint
  readonly pageSize: number
  readonly dueAt: Date
  readonly failures: number
  readonly fault: string | null
  readonly counts: Partial<Counts>
  readonly lastCounts: Counts | null
  /** When the last whole pass ended. */
  readonly completedAt: Date | null
}

export const MAX_PAGE_SIZE = 100
const LIST = '/discovery/resources'
const MAX_URL_CHARS = 2048

/** The list that a URL means: itself, or behind the address of a market or a facilitator. Throws `source_invalid`. */
export function listUrlOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || text.length > MAX_URL_CHARS || url.username || url.password)
    throw ecosystemRefusals.source_invalid()
  const path = url.pathname.replace(/\/+$/, '')
  if (!path.endsWith(LIST)) url.pathname = path + LIST
  for (const ours of ['offset', 'limit']) url.searchParams.delete(ours)
  url.hash = ''
  return url.href
}

export function pageUrlOf({ url, nextOffset, pageSize }: Pick<Source, 'url' | 'nextOffset' | 'pageSize'>): string {
  const page = new URL(url)
  page.searchParams.set('limit', String(pageSize))
  page.searchParams.set('offset', String(nextOffset))
  return page.href
}
