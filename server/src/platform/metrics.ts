import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Sweeper } from './sweeps.ts'

export interface Metrics {
  /** Counts and times every request of this app, by route and not by path, so that ids never become labels. */
  watch(app: FastifyInstance): void
  /** Shows how old each background loop's last success is. */
  watchSweeps(sweeper: Sweeper): void
  text(): Promise<string>
  readonly contentType: string
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const labelNames = ['method', 'route', 'status'] as const
  const registers = [registry]
  const requests = new Counter({ name: 'souk_http_requests_total', help: 'Requests answered', labelNames, registers })
  const duration = new Histogram({
    name: 'souk_http_request_seconds',
    help: 'Time to answer',
    labelNames: ['method', 'route'] as const,
    buckets: SECONDS,
    registers,
  })
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    watch: (app) => {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none'
        requests.inc({ method: request.method, route, status: reply.statusCode })
        duration.observe({ method: request.method, route }, reply.elapsedTime / 1000)
      })
    },
    watchSweeps: (sweeper) => {
      const age = new Gauge({
        name: 'souk_sweep_age_seconds',
        help: 'Seconds since a background loop last ended well',
        labelNames: ['sweep'] as const,
        registers,
        collect: () => {
          for (const [sweep, { lastRunAt }] of Object.entries(sweeper.health())) {
            if (lastRunAt) age.set({ sweep }, (Date.now() - lastRunAt.getTime()) / 1000)
          }
        },
      })
    },
  }
}
