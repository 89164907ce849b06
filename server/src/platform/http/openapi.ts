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
    transform: ({ schema, url, route }) => ({ schema: withSecurity(schema, route.config?.rules?.auth), url }),
  })
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...rules({ auth: 'public' }) }
    })
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { tryItOutEnabled: true } })
    scope.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
}

function withSecurity(schema: FastifySchema | undefined, auth: string | undefined): FastifySchema {
  if (auth === undefined || auth === 'public') return schema ?? {}
  const security: { [name: string]: readonly string[] }[] = [{ bearer: [] }, { apiKey: [] }]
  if (auth === 'optional') security.push({})
  return { ...schema, security }
}
