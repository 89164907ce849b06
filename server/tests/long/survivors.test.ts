import sql from 'sql-template-tag'
import { expect, test } from 'vitest'
import { openReceiver, type Receiver } from '#tests/contracts/webhook-world'
import { openDiary } from '#tests/crash/diary'
import { diceOf, seeds } from '#tests/crash/dice'
import { chooseDeath, fatalMoment, killAndRevive } from '#tests/crash/killer'
import { openLoad } from '#tests/crash/load'
import { type Market, withMarket } from '#tests/crash/market'
import type { Role } from '#tests/crash/server'
import { judge, windDown } from '#tests/crash/verdict'
import { watchCapacity } from '#tests/crash/watch'

const DEATHS = 5
const CROWDS: readonly (readonly Role[])[] = [
  ['all', 'all', 'all'],
  ['web', 'web', 'worker', 'worker'],
]
const rounds = seeds(1, 25).flatMap((seed) => CROWDS.map((roles) => [roles.join(' + '), seed, roles] as const))

test.each(rounds)(
  'D-14 D-15 D-28 whoever survives goes on where another one died: %s (seed %i)',
  { timeout: 300_000 },
  async (_, seed, roles) => {
    const receiver = await openReceiver()
    await withMarket({ roles }, async (market) => {
      const dice = diceOf(seed)
      const diary = openDiary()
      const load = await openLoad({ market, diary, receiverUrl: receiver.url }, { dice: dice.fork(), size: 8 })
      const capacity = watchCapacity(market.store)
      load.start()
      for (let deaths = 0; deaths < DEATHS; deaths++) {
        await fatalMoment(market, { dice, diary })
        if (dice.chance(0.4)) await market.pass(dice.int(100, 400))
        await killAndRevive(market, { dice, death: chooseDeath(dice) })
      }
      await load.stop()
      await windDown(market, load)
      expect((await capacity.stop()).exceeded).toEqual([])
      await judge(market, { load, diary })
      await eachWebhookAtLeastOnce(market, receiver)
    }).finally(() => void receiver.close())
  },
)

/** Who was killed between sending and writing down sends again, under the same id and with the same words (D-25). */
async function eachWebhookAtLeastOnce({ store }: Market, { received }: Receiver): Promise<void> {
  const made = await store.read.rows<{ id: string; body: string; state: string }>(
    sql`select notice_id as id, body, state from delivery`,
  )
  expect(made.filter(({ state }) => state !== 'delivered')).toEqual([])
  const bodies = new Map(made.map(({ id, body }) => [id, body]))
  const arrived = received.map(({ headers, body }) => ({ id: String(headers['webhook-id']), body }))
  expect(arrived.filter(({ id, body }) => bodies.get(id) !== body)).toEqual([])
  expect(new Set(arrived.map(({ id }) => id)).size).toBe(made.length)
}
