import { setTimeout as pause } from 'node:timers/promises'
import sql from 'sql-template-tag'
import { expect, test } from 'vitest'
import { openReceiver, type Receiver } from '#tests/contracts/webhook-world'
import { openDiary } from './diary.ts'
import { diceOf, LONG, seeds } from './dice.ts'
import { openLoad } from './load.ts'
import { type Market, withMarket } from './market.ts'
import type { Role } from './server.ts'
import { judge, windDown } from './verdict.ts'
import { watchCapacity } from './watch.ts'

const TRADERS = 6
const LOAD_MS = LONG ? 10_000 : 4000
const CROWDS: readonly (readonly Role[])[] = [
  ['all', 'all'],
  ['web', 'web', 'worker', 'worker'],
]
const rounds = seeds(1, 25).flatMap((seed) => CROWDS.map((roles) => [roles.join(' + '), seed, roles] as const))

test.each(rounds)(
  'several servers on one database act as one: %s (seed %i)',
  { timeout: LONG ? 300_000 : 150_000 },
  async (_, seed, roles) => {
    const receiver = await openReceiver()
    await withMarket({ roles }, async (market) => {
      const dice = diceOf(seed)
      const diary = openDiary()
      const shared = { market, diary, receiverUrl: receiver.url }
      const load = await openLoad(shared, { dice: dice.fork(), size: TRADERS })
      const capacity = watchCapacity(market.store)
      load.start()
      for (let passed = 0; passed < LOAD_MS; passed += 1000) {
        await pause(1000)
        if (dice.chance(0.5)) await market.pass(dice.int(60, 400))
      }
      await load.stop()
      await windDown(market, load)
      const { looks, exceeded } = await capacity.stop()
      expect(exceeded).toEqual([])
      expect(looks).toBeGreaterThan(20)
      await judge(market, { load, diary })
      await eachWebhookOnce(market, receiver)
    }).finally(() => void receiver.close())
  },
)

/** Nobody died and nobody was slow, so at least once is exactly once (D-25). */
async function eachWebhookOnce({ store }: Market, { received }: Receiver): Promise<void> {
  const made = await store.read.rows<{ id: string; state: string }>(sql`select notice_id as id, state from delivery`)
  expect(made.filter(({ state }) => state !== 'delivered')).toEqual([])
  const ids = received.map(({ headers }) => String(headers['webhook-id']))
  expect(ids.toSorted()).toEqual(made.map(({ id }) => id).sort())
  const news = received.map(({ path, body }) => {
    const { event, data } = JSON.parse(body)
    return `${path} ${event} ${data.jobId ?? data.payoutId ?? data.txHash ?? body}`
  })
  const twice = news.filter((one, index) => news.indexOf(one) !== index)
  expect(twice).toEqual([])
}
