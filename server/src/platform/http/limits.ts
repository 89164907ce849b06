import type { FastifyReply, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { httpRefusals } from './errors.ts'

/** `requests` in `seconds`, per key or per address. */
export interface Limit {
  readonly requests: number
  readonly seconds: number
}

/**
 * `key`: any route, per API key. `address`: routes without a key, per IP. `register`: new identities, per IP.
 * `listing`: the public lists that the contracts bound to 30 a minute (JP-136, JP-162). `money`: moving money, per key.
 * `payanRegister`, `payanPublic`, `payanKey`: what only PayanAgent's contract has (PA-17, PA-61, PA-62): new agents per IP,
 * routes without a key per IP, routes with one per key. `webhooks`: having webhooks sent, per key. `paidCall`: buying, per wallet that has signed (PA-62).
 */
export const DEFAULT_LIMITS = {
  key: { requests: 1200, seconds: 60 },
  address: { requests: 300, seconds: 60 },
  register: { requests: 30, seconds: 3600 },
  listing: { requests: 30, seconds: 60 },
  money: { requests: 60, seconds: 60 },
  payanRegister: { requests: 5, seconds: 3600 },
  payanPublic: { requests: 30, seconds: 60 },
  payanKey: { requests: 120, seconds: 60 },
  webhooks: { requests: 30, seconds: 60 },
  paidCall: { requests: 60, seconds: 60 },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof DEFAULT_LIMITS
export type Limits = Readonly<Record<LimitName, Limit>>

export interface Limiter {
  /** Counts one request against a limit; throws `too_many_requests` with `Retry-After` when it is used up. */
  count(name: LimitName, who: string, request: FastifyRequest, reply: FastifyReply): Promise<void>
}

/** Of the eight groups of an IPv6 address those that name the network. */
const IPV6_NETWORK_GROUPS = 4

/** Limits are counted per process; a market of several processes allows that many times as much. */
export function createLimiter(limits: Limits | 'off'): Limiter {
  if (limits === 'off') return { count: async () => {} }
  const limiters = new Map(
    Object.entries(limits).map(([name, { requests, seconds }]) => [
      name,
      new RateLimiterMemory({ keyPrefix: name, points: requests, duration: seconds }),
    ]),
  )
  return {
    count: async (name, who, _request, reply) => {
      const { requests, seconds } = limits[name]
      reply.header('ratelimit-policy', `"${name}";q=${requests};w=${seconds}`)
      try {
        const left = await (limiters.get(name) as RateLimiterMemory).consume(who)
        reply.header('ratelimit', `"${name}";r=${left.remainingPoints};t=${Math.ceil(left.msBeforeNext / 1000)}`)
      } catch (spent) {
        if (!(spent instanceof RateLimiterRes)) throw spent
        const retryAfter = Math.max(1, Math.ceil(spent.msBeforeNext / 1000))
        reply.header('ratelimit', `"${name}";r=0;t=${retryAfter}`).header('retry-after', retryAfter)
        throw httpRefusals.too_many_requests({ retry_after: retryAfter })
      }
    },
  }
}

/** An IPv6 customer owns a whole /64, so that is what is counted. */
export function addressOf(request: Pick<FastifyRequest, 'ip'>): string {
  const { ip } = request
  if (!ipaddr.isValid(ip)) return ip
  // Read, not cut: `2001:db8::1` leaves groups out, so that its text says nothing of where the network ends.
  const address = ipaddr.process(ip)
  if (!(address instanceof ipaddr.IPv6)) return address.toString()
  const groups = address.parts.slice(0, IPV6_NETWORK_GROUPS).map((group) => group.toString(16))
  return groups.join(':')
}
