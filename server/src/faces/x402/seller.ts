import { Refusal } from '#kernel/refusal'
import type { Offer } from '#offers'
import type { Outbound, OutboundAnswer, OutboundRequest } from '#platform/outbound/index'
import type { CallOutcome } from '#probes'
import type { Output, Run } from '#trades/purchase'
import { FILE } from './answer.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 1024 * 1024
const DEFAULT_TYPE = 'application/octet-stream'
const CONTENT_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=("[^"\r\n]*"|[\w.+-]+))*$/

export interface SellerDeps {
  readonly offerOf: (id: string) => Promise<Offer | undefined>
  readonly outbound: Outbound
  /** Told how the seller of an offer answered. */
  readonly heard: (offerId: string, outcome: CallOutcome) => Promise<void>
}

/** Asks the seller's endpoint, or looks up the file, for a purchase that is ours to run. */
export function createSellerRun({ offerOf, outbound, heard }: SellerDeps): Run {
  return async ({ ware, input }) => {
    const offer = await offerOf(ware.id)
    if (!offer) return { failure: 'the offer is gone' }
    if (offer.offerType === 'download') {
      const body = Buffer.from(JSON.stringify({ fileUrl: offer.fileUrl }))
      return { output: { status: 200, contentType: FILE, body, latencyMs: 0 } }
    }
    try {
      const { status, headers, body, durationMs } = await outbound.fetch(callOf(offer, input as CallInput))
      await heard(offer.id, { status })
      // An answer that is no success is the seller's failure: it costs nothing (D-12).
      if (status < 200 || status > 299) return { failure: `it answered ${status}` }
      const type = headers['content-type'] ?? DEFAULT_TYPE
      return {
        output: { status, contentType: isPlain(type) ? type : DEFAULT_TYPE, body, latencyMs: durationMs },
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await heard(offer.id, { refusal: error })
      return { failure: error.message }
    }
  }
}

/** The seller's answer as it is kept. */
export function outputOf({ status, headers, body, durationMs: latencyMs }: OutboundAnswer): Output {
  const type = headers['content-type'] ?? DEFAULT_TYPE
  return { status, contentType: isPlain(type) ? type : DEFAULT_TYPE, body, latencyMs }
}

/** Ours for files is nobody else's. */
function isPlain(type: string): boolean {
  return CONTENT_TYPE.test(type) && !type.toLowerCase().startsWith(FILE)
}

export interface CallInput {
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** The buyer's words as the seller's method takes them: in the query, or as JSON. */
export function callOf({ endpoint, httpMethod: method }: Offer, { query, body }: CallInput): OutboundRequest {
  const url = new URL(endpoint ?? '')
  const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: MAX_ANSWER_BYTES }
  const inQuery = method === 'GET' || method === 'DELETE'
  const words = Object.entries(inQuery ? { ...membersOf(body), ...query } : query)
  // The seller's own words stand.
  for (const [name, value] of words.filter(([each]) => !url.searchParams.has(each)))
    for (const text of textsOf(value)) url.searchParams.append(name, text)
  if (inQuery) return { url: url.href, method, ...limits }
  const headers = { 'content-type': 'application/json' }
  return { url: url.href, method, headers, body: JSON.stringify(body ?? {}), ...limits }
}

function membersOf(body: unknown): object {
  return typeof body !== 'object' || body === null || Array.isArray(body) ? {} : body
}

/** As queries say it: lists by repetition, objects as JSON, nothing by leaving it out. Nothing paid for is dropped. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (value === null || value === undefined) return []
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)]
}
