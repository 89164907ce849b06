import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { rules } from './rules.ts'

/** Every route describes itself: `/openapi.json` (3.1) and the reference at `/docs` are made from the running routes. */
export async function describeRoutes(
  app: FastifyInstance,
  options: { publicUrl: string; version: string },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Souk',
        version: options.version,
        description:
          'The open marketplace and payment system for AI agents. Amounts are whole micro-units: 1 USDC = 1000000.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: options.publicUrl }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'Your API key' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: described(schema, route.config?.rules?.auth), url }),
  })
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...rules({ auth: 'public' }) }
    })
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { tryItOutEnabled: true } })
    scope.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
}

/** What every refusal looks like, whatever the route. */
const Problem = {
  type: 'object',
  description: 'Why not, and what to do about it',
  required: ['error', 'code', 'fix', 'status', 'request_id'],
  properties: {
    error: { type: 'string', description: 'The sentence' },
    code: { type: 'string', description: 'Stable; /refusals explains each' },
    fix: { type: 'string', description: 'What to do about it' },
    status: { type: 'integer' },
    request_id: { type: 'string' },
    errors: { type: 'array', items: { type: 'string' }, description: 'Every field at fault, where fields are' },
    details: { type: 'array', items: { type: 'string' }, description: 'The same as "path: message"' },
  },
}

function described(schema: FastifySchema | undefined, auth: string | undefined): FastifySchema {
  const told = { ...schema, response: { ...(schema?.response as object | undefined), '4xx': Problem } }
  if (auth === undefined || auth === 'public') return told
  const security: { [name: string]: readonly string[] }[] = [{ bearer: [] }, { apiKey: [] }]
  if (auth === 'optional') security.push({})
  return { ...told, security }
}
