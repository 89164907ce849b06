import type { FastifyInstance } from 'fastify'

/** What is for everybody: who asks is told by a key or by a payment, never by a cookie of the browser. */
const OPEN = /^\/(x402|api\/v1|facilitator|discovery|\.well-known|openapi\.json)(?=[/?]|$)/
/** An operator's browser is no place to ask from, whatever else is open in it. */
const CLOSED = /^\/api\/v1\/admin(?=[/?]|$)/

const EXPOSED = [
  ...[
    'PAYMENT-REQUIRED',
    'PAYMENT-RESPONSE',
    'X-PAYMENT-RESPONSE',
    'X-Receipt-Id',
    'X-Tx-Hash',
    'X-Purchase-Id',
    'X-Job-Id',
  ],
  // By the last one clients tell whether a payment has expired.
  ...['Retry-After', 'RateLimit', 'RateLimit-Policy', 'X-Request-Id', 'Location', 'Date'],
].join(', ')
const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const REMEMBER_SECONDS = '7200'
const HEADER_NAMES = /^[\w-]{1,64}(\s*,\s*[\w-]{1,64}){0,31}$/

/**
 * Lets pages of every origin call the market (CORS), without credentials. Clients of x402 send headers of many names, some of
 * their own, so those that are asked for are allowed.
 */
export function openToBrowsers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { method, url, headers } = request
    if (!OPEN.test(url) || CLOSED.test(url)) return
    reply.headers({ 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED })
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return
    const asked = headers['access-control-request-headers']
    reply.headers({ 'access-control-allow-methods': METHODS, 'access-control-max-age': REMEMBER_SECONDS })
    if (asked !== undefined && HEADER_NAMES.test(asked)) reply.header('access-control-allow-headers', asked)
    return reply.header('vary', 'Access-Control-Request-Headers').code(204).send()
  })
}
