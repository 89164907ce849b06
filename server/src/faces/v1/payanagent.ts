import { Type } from 'typebox'
import { type RouteRules, rules } from '#platform/http/rules'

const UNAUTHORIZED = 'Unauthorized. Provide a valid API key in Authorization: Bearer <key>'

/** What PayanAgent's contract says in words of its own (PA-63). */
export const PAYAN_WORDS = {
  key_missing: UNAUTHORIZED,
  key_invalid: UNAUTHORIZED,
  invalid_request: 'Validation failed',
  too_many_requests: 'Rate limit exceeded',
}

/** Rules of a route that only PayanAgent has: its words, and its limits unless another is named (PA-61, PA-62). */
export function payanRules(route: RouteRules): { rules: RouteRules } {
  return rules({ limit: route.auth === 'public' ? 'payanPublic' : 'payanKey', words: PAYAN_WORDS, ...route })
}

const [DEFAULT_LIMIT, MAX_LIMIT] = [50, 200]

/** `limit` as text: whatever cannot be read is no fault, but the default. */
export const LimitQuery = Type.Object({
  limit: Type.Optional(
    Type.String({ maxLength: 100, description: `${DEFAULT_LIMIT} unless said; brought to 1 to ${MAX_LIMIT}` }),
  ),
})

export function limitOf({ limit = '' }: { limit?: string }): number {
  if (!/^-?\d+$/.test(limit)) return DEFAULT_LIMIT
  return Math.min(Math.max(Number(limit), 1), MAX_LIMIT)
}

/** Ids are UUIDs; anything else is a 400 in PayanAgent's contract, not a 404. */
export const IdParams = Type.Object({ id: Type.String({ format: 'uuid' }) })
