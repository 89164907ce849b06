import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { canonicalJson } from '#platform/canonical-json'

/** What a buyer says to what he buys. */
export interface Input {
  readonly query: Record<string, unknown>
  readonly body: unknown
}

/** The body, or the query where there is none: what is checked against the schema is all that is sent. */
export function inputOf({ query, body }: FastifyRequest): Input {
  return body === undefined || body === null
    ? { query: { ...(query as Record<string, unknown>) }, body: null }
    : { query: {}, body }
}

/** What a payment is bound to: with another offer or other words it is a payment for something else (D-16). */
export function fingerprintOf(offer: string, input: Input): Buffer {
  return createHash('sha256').update(canonicalJson({ offer, input })).digest()
}
