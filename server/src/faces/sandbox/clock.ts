import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Store } from '#platform/db'
import { advanceClock, clockOffsetMs } from './clock-store.ts'
import type { SandboxParts } from './index.ts'

const tags = ['Sandbox']
const MAX_ADVANCE_SECONDS = 10 * 365 * 86_400
/** Where others trade meanwhile there is always something more to do: no caller waits for them. */
const PATIENCE = { withinMs: 10_000 }

const ClockBody = Type.Object(
  { advanceSecs: Type.Integer({ minimum: 0, maximum: MAX_ADVANCE_SECONDS }) },
  { additionalProperties: false },
)
const ClockView = Type.Object({
  now: Type.String({ format: 'date-time' }),
  offsetSecs: Type.Number({ description: 'How far ahead of real time the market is.' }),
})

/** The market's clock: deadlines and windows follow it; chains, signatures and payouts under way keep real time (D-26). */
export const clockRoutes =
  ({ access, store, sweeper }: SandboxParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const look = { tags, summary: 'The time of the market', response: { 200: ClockView } }
    app.get('/clock', { config: access, schema: look }, async () => clockView(store))

    const summary = 'Let time pass; what has become due is done before this answers'
    const advance = { tags, summary, body: ClockBody, response: { 200: ClockView } }
    app.post('/clock', { config: access, schema: advance }, async (request) => {
      const { advanceSecs } = request.body
      await store.transact((tx) => advanceClock(tx, advanceSecs))
      await sweeper.runUntilIdle(PATIENCE)
      return clockView(store)
    })
  }

async function clockView(store: Store): Promise<Static<typeof ClockView>> {
  const [now, offsetMs] = await Promise.all([store.now(), clockOffsetMs(store.read)])
  return { now: now.toISOString(), offsetSecs: offsetMs / 1000 }
}
