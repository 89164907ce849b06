import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Authenticate, type Caller, keyIn } from './caller.ts'
import { httpRefusals } from './errors.ts'
import { addressOf, type Limiter } from './limits.ts'
import type { RouteRules } from './rules.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** For what only the route can tell who asks: a payment's wallet, say. */
    limiter: Limiter
  }
}

export interface GuardOptions {
  readonly authenticate: Authenticate
  readonly operatorKey: string
  readonly limiter: Limiter
}

/** Deny first: a route without rules does not start. Then key, limits, activation and scope, before any body is read. */
export function guardRoutes(app: FastifyInstance, { authenticate, operatorKey, limiter }: GuardOptions): void {
  app.addHook('onRoute', (route) => {
    if (!route.config?.rules) throw new Error(`${String(route.method)} ${route.url} has no rules`)
  })
  app.decorateRequest('caller', undefined)
  app.decorate('limiter', limiter)
  const known = digest(operatorKey)

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const rules = request.routeOptions.config.rules
    if (!rules) return limiter.count('address', addressOf(request), request, reply)
    if (rules.auth === 'operator') return requireOperator(request, reply)
    if (rules.limit === 'none') return
    const caller = rules.auth === 'public' ? undefined : await identify(request, reply, rules)
    request.caller = caller
    const who = caller?.keyId ?? addressOf(request)
    await limiter.count(caller ? 'key' : 'address', who, request, reply)
    if (rules.limit) await limiter.count(rules.limit, who, request, reply)
    // Counted first: a request that is refused costs us as much as another.
    if (caller) permit(caller, rules)
  })

  async function identify(
    request: FastifyRequest,
    reply: FastifyReply,
    rules: RouteRules,
  ): Promise<Caller | undefined> {
    const key = keyIn(request)
    if (!key && rules.auth === 'optional') return undefined
    const caller = key ? await authenticate(key) : undefined
    if (!caller) {
      await limiter.count('address', addressOf(request), request, reply)
      throw key ? httpRefusals.key_invalid() : httpRefusals.key_missing()
    }
    return caller
  }

  async function requireOperator(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const key = keyIn(request)
    if (key && timingSafeEqual(digest(key), known)) return
    await limiter.count('address', addressOf(request), request, reply)
    throw key ? httpRefusals.operator_only() : httpRefusals.key_missing()
  }
}

function permit(caller: Caller, rules: RouteRules): void {
  if (rules.auth === 'activated' && !caller.activated) throw httpRefusals.not_activated()
  const scope = rules.scope ?? 'read'
  if (!caller.scopes.includes(scope)) throw httpRefusals.scope_missing({ scope })
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
