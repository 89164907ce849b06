import type { Scope } from './caller.ts'
import type { LimitName } from './limits.ts'

/**
 * Who may call a route, and how often: data beside the route, so that nobody has to read its handler to know.
 * `optional` knows its caller when a key is sent; `activated` demands a key of an activated agent.
 */
export interface RouteRules {
  readonly auth: 'public' | 'optional' | 'key' | 'activated' | 'operator'
  /** What the key must be good for; `read` where nothing is said. */
  readonly scope?: Scope
  /** A limit besides the general one; `none` for what watchers ask all the time. */
  readonly limit?: LimitName | 'none'
  /** Whose retries get the kept answer: any key of the party, or, where it depends on the key that asked, only that key. */
  readonly replayTo?: 'party' | 'key'
  /** Sentences, by code, that the route's contract wants in the place of ours. */
  readonly words?: Readonly<Record<string, string>>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    rules?: RouteRules
  }
}

export function rules(rules: RouteRules): { rules: RouteRules } {
  return { rules }
}
