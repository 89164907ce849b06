import { Refusal } from '#kernel/refusal'
import type { Offer } from '#offers'
import type { Outbound, OutboundRequest } from '#platform/outbound/index'
import type { Finding } from './condition.ts'

const TIMEOUT_MS = 10_000

type Looked = Pick<Offer, 'offerType' | 'endpoint' | 'fileUrl' | 'httpMethod' | 'verificationBody'>

/** How a listing is looked at: never with anything that buys, orders or changes something, unless its seller gave the words. */
export function probeOf({ offerType, endpoint, fileUrl, httpMethod, verificationBody }: Looked): {
  readonly how: string
  readonly request: OutboundRequest
  /** Its own call was made, so only a success, or a price, is an answer. */
  readonly isCall: boolean
} {
  const url = (offerType === 'download' ? fileUrl : endpoint) ?? ''
  const headers = { 'user-agent': 'Souk-Probe' }
  const plain = { url, timeoutMs: TIMEOUT_MS, maxResponseBytes: 64 * 1024 }
  const takesBody = offerType === 'api' && httpMethod !== 'GET' && httpMethod !== 'DELETE'
  if (takesBody && verificationBody !== null) {
    const request = {
      ...plain,
      method: httpMethod,
      headers: { ...headers, 'content-type': 'application/json' },
      body: verificationBody,
    }
    return { how: `${httpMethod} with verificationBody`, request, isCall: true }
  }
  const method = offerType === 'download' || httpMethod === 'GET' ? 'HEAD' : 'OPTIONS'
  return { how: method, request: { ...plain, method, headers }, isCall: false }
}

/** Throws nothing a seller can cause. */
export async function look(offer: Looked, outbound: Pick<Outbound, 'fetch'>): Promise<Finding> {
  const { request, isCall } = probeOf(offer)
  try {
    const { status } = await outbound.fetch(request)
    const isGone = status === 410 || (offer.offerType === 'download' && status === 404)
    // What a probe asks is often not served: any answer but a server's own error shows that somebody is there.
    const isWell = isCall ? (status >= 200 && status <= 299) || status === 402 : !isGone && !isServersFault(status)
    return { fault: isWell ? null : `it answered ${status}`, reached: true }
  } catch (error) {
    return findingOfRefusal(error)
  }
}

/** What a paid call says of its seller. What the buyer may have brought about by his words counts for nothing. */
export function findingOfCall(outcome: { readonly status: number } | { readonly refusal: Refusal }): Finding | null {
  if ('refusal' in outcome) return findingOfRefusal(outcome.refusal)
  const { status } = outcome
  if (status >= 200 && status <= 299) return { fault: null, reached: true }
  return isServersFault(status) ? { fault: `it answered ${status}`, reached: true } : null
}

/** 501: this method only. */
function isServersFault(status: number): boolean {
  return status >= 500 && status !== 501
}

function findingOfRefusal(error: unknown): Finding {
  if (!(error instanceof Refusal)) throw error
  const { reason = 'no answer' } = error.details
  switch (error.code) {
    case 'url_unreachable':
      return { fault: `no connection (${reason})`, reached: false }
    case 'endpoint_too_slow':
      return { fault: 'no complete answer in time', reached: false }
    case 'endpoint_broke_off':
      return { fault: `it broke off (${reason})`, reached: true }
    case 'endpoint_answer_too_large':
      return { fault: null, reached: true }
    default:
      return { fault: 'its address may not be called', reached: true }
  }
}
