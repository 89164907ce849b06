import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { plainPath } from '../log.ts'
import { openToBrowsers } from './browsers.ts'
import type { Authenticate } from './caller.ts'
import { guardRoutes } from './guard.ts'
import { createLimiter, type Limits } from './limits.ts'
import { describeRoutes } from './openapi.ts'
import { refusePaths, sendRefusals } from './refusals.ts'
import { secureHeaders } from './security-headers.ts'
import { readJsonStrictly, validateStrictly } from './validation.ts'

export interface HttpOptions {
  readonly log: FastifyBaseLogger
  readonly publicUrl: string
  readonly version: string
  readonly authenticate: Authenticate
  readonly operatorKey: string
  readonly limits: Limits | 'off'
  readonly trustProxy: boolean | number | readonly string[]
}

export type Http = FastifyInstance

const BODY_LIMIT_BYTES = 256 * 1024
const REQUEST_TIMEOUT_MS = 60_000
const CLOSE_WITHIN_MS = 10_000
const REQUEST_ID = /^[\w.:-]{1,100}$/

/** The HTTP server before anybody has hung a route on it: strict input, guarded routes, helpful errors. */
export async function buildHttp(options: HttpOptions): Promise<Http> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    // A HEAD must never claim or read anything by accident (D-1).
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    exposeHeadRoutes: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    frameworkErrors: refusePaths(options.publicUrl),
    trustProxy: trusted(options.trustProxy),
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  sendRefusals(app as unknown as FastifyInstance, options.publicUrl)
  validateStrictly(app as unknown as FastifyInstance)
  readJsonStrictly(app as unknown as FastifyInstance)
  await secureHeaders(app as unknown as FastifyInstance, options.publicUrl)
  openToBrowsers(app as unknown as FastifyInstance)
  await describeRoutes(app as unknown as FastifyInstance, options)
  guardRoutes(app as unknown as FastifyInstance, { ...options, limiter: createLimiter(options.limits) })
  logRequests(app as unknown as FastifyInstance)
  closeQuickly(app as unknown as FastifyInstance)
  return app as unknown as Http
}

/** While closing, an answer ends its connection too; who keeps one busy longer than this is cut off. */
function closeQuickly(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN_MS).unref()
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}

/** One line a request, with its id and without its secrets. */
function logRequests(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: plainPath(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        party: request.caller?.partyId,
      },
      'request',
    )
  })
}

/** Fastify takes a number of proxies too; its types have forgotten, and ask for an array they may change. */
function trusted(trustProxy: HttpOptions['trustProxy']): boolean | string[] {
  return trustProxy as boolean | string[]
}
