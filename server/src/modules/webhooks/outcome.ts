import type { Refusal } from '#kernel/refusal'
import type { OutboundAnswer } from '#platform/outbound/index'
import { MAX_RETRY_AFTER_SECONDS, type Outcome } from './delivery.ts'

const MAX_RESPONSE_CHARS = 2000
/** Statuses by which a receiver says "slower". */
const ASKS_FOR_PATIENCE = new Set([429, 502, 503, 504])

/** Only a 2xx is a delivery; a redirect is not followed and so is a failure. */
export function outcomeOfAnswer({ status, headers, body, durationMs }: OutboundAnswer, at: Date): Outcome {
  const isDelivered = status >= 200 && status < 300
  const isRedirect = status >= 300 && status < 400
  return {
    status,
    error: isDelivered ? null : `answered ${status}${isRedirect ? '; redirects are not followed' : ''}`,
    response: excerpt(body),
    durationMs,
    retryAfterSeconds: ASKS_FOR_PATIENCE.has(status) ? retryAfterSeconds(headers['retry-after'], at) : 0,
    isFinal: false,
    isOurs: false,
  }
}

/** No answer, or none we could read; the receiver may have acted. */
export function outcomeOfRefusal({ code, message }: Refusal): Outcome {
  return { ...NO_ANSWER, error: `${code}: ${message}` }
}

const NO_ANSWER = {
  status: null,
  response: null,
  durationMs: null,
  retryAfterSeconds: 0,
  isFinal: false,
  isOurs: false,
} as const

/** Nothing leaves unsigned (JP-169), so without a secret nothing leaves. */
export const WITHOUT_SECRET: Outcome = {
  ...NO_ANSWER,
  error: 'the recipient has no webhook secret',
  isFinal: true,
  isOurs: true,
}

/** `Retry-After` as seconds or as a date, counted from `at` on the real clock. Nonsense is no wish. */
export function retryAfterSeconds(header: string | undefined, at: Date): number {
  if (header === undefined) return 0
  const seconds = /^\d+$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - at.getTime()) / 1000)
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS)
}

/** Text for the log: PostgreSQL keeps no NUL. */
function excerpt(body: Buffer): string {
  return body.subarray(0, MAX_RESPONSE_CHARS).toString('utf8').replaceAll('\0', '\uFFFD').slice(0, MAX_RESPONSE_CHARS)
}
