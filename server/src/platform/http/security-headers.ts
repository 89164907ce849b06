import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'

const OF_THE_ANSWER = ['connection', 'content-length', 'content-type', 'date']

/** Helmet's headers on every answer. It is asked once, as it would work out the same text for each request. */
export async function secureHeaders(app: FastifyInstance, publicUrl: string): Promise<void> {
  const asked = Fastify()
  await asked.register(helmet, {
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null, 'img-src': ["'self'", 'data:'] } },
    hsts: publicUrl.startsWith('https:'),
  })
  asked.get('/', async () => '')
  const { headers } = await asked.inject('/')
  const fixed = Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_ANSWER.includes(name)))
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(fixed)
    done()
  })
}
