import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { rules } from '#platform/http/rules'
import type { Metrics } from '#platform/metrics'

/** A part the market cannot work without; `check` throws what is wrong with it. */
export interface Vital {
  readonly name: string
  readonly check: () => Promise<void>
}

export interface HealthDeps {
  readonly version: string
  readonly mode: string
  readonly vitals: readonly Vital[]
  readonly metrics: Metrics
}

const Health = Type.Object({ status: Type.Literal('ok'), version: Type.String(), mode: Type.String() })

const Readiness = Type.Object({
  ready: Type.Boolean(),
  parts: Type.Record(Type.String(), Type.Object({ ok: Type.Boolean(), error: Type.Optional(Type.String()) })),
})

const tags = ['System']
const CHECK_WITHIN_MS = 3000

/** `/health`: the process lives. `/ready`: it can serve. `/metrics`: how it fares. */
export const healthRoutes =
  ({ version, mode, vitals, metrics }: HealthDeps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = rules({ auth: 'public', limit: 'none' })
    const alive = { tags, summary: 'The process lives', response: { 200: Health } }
    app.get('/health', { config, schema: alive }, async () => ({ status: 'ok' as const, version, mode }))

    const able = { tags, summary: 'Database, chains and worker answer', response: { 200: Readiness, 503: Readiness } }
    app.get('/ready', { config, schema: able }, async (_request, reply) => {
      const parts = Object.fromEntries(await Promise.all(vitals.map(examine)))
      const ready = Object.values(parts).every(({ ok }) => ok)
      return reply.code(ready ? 200 : 503).send({ ready, parts })
    })

    app.get('/metrics', { config, schema: { tags, summary: 'Prometheus metrics' } }, async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    )
  }

async function examine({ name, check }: Vital): Promise<[string, { ok: boolean; error?: string }]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('did not answer in time')), CHECK_WITHIN_MS)
  })
  try {
    await Promise.race([check(), late])
    return [name, { ok: true }]
  } catch (error) {
    return [name, { ok: false, error: (error as Error).message }]
  } finally {
    clearTimeout(timer)
  }
}
