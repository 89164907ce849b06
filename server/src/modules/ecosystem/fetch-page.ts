import { Refusal } from '#kernel/refusal'
import type { Outbound } from '#platform/outbound/index'
import { TOO_LARGE } from './item.ts'
import { pageUrlOf, type Source } from './source.ts'

export interface Page {
  readonly items: readonly unknown[]
  /** How many there are on all pages, if the source says. */
  readonly total: number | null
}

export interface Fault {
  readonly fault: string
  readonly tooLarge: boolean
}

const TIMEOUT_MS = 30_000
const MAX_BYTES = 8 * 1024 * 1024

/** Asks a source for its next page. Whatever it answers, or does not, is told and never thrown. */
export async function fetchPage(source: Source, outbound: Pick<Outbound, 'fetch'>): Promise<Page | Fault> {
  try {
    const headers = { accept: 'application/json' }
    const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: MAX_BYTES }
    const { status, body } = await outbound.fetch({ url: pageUrlOf(source), headers, ...limits })
    if (status !== 200) return { fault: `it answered ${status}`, tooLarge: false }
    return pageIn(body, source) ?? { fault: 'it answered no list of resources', tooLarge: false }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const tooLarge = error.code === 'endpoint_answer_too_large'
    if (tooLarge && source.pageSize === 1) return { items: [TOO_LARGE], total: null }
    return { fault: error.message, tooLarge }
  }
}

/** No more than was asked for, so that what a page costs is ours to say. */
function pageIn(body: Buffer, { pageSize }: Source): Page | undefined {
  try {
    const { items, resources, pagination } = JSON.parse(body.toString('utf8'))
    const list: unknown = items ?? resources
    const total: unknown = pagination?.total
    if (!Array.isArray(list)) return undefined
    return { items: list.slice(0, pageSize), total: Number.isSafeInteger(total) ? (total as number) : null }
  } catch {
    return undefined
  }
}
