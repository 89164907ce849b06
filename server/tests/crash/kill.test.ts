import { expect, test } from 'vitest'
import { openDiary } from './diary.ts'
import { diceOf, LONG, seeds } from './dice.ts'
import { chooseDeath, fatalMoment, killAndRevive } from './killer.ts'
import { openLoad } from './load.ts'
import { withMarket } from './market.ts'
import { judge, windDown } from './verdict.ts'

const TRADERS = 6
const DEATHS = 3
const PATIENCE_MS = LONG ? 300_000 : 150_000

test.each(seeds(3, 50))(
  'D-14 D-15 D-17 D-28 a market that is killed again and again loses nothing it acknowledged and pays nothing twice (seed %i)',
  { timeout: PATIENCE_MS },
  (seed) =>
    withMarket({}, async (market) => {
      const dice = diceOf(seed)
      const diary = openDiary()
      const load = await openLoad({ market, diary }, { dice: dice.fork(), size: TRADERS })
      load.start()
      for (let deaths = 0; deaths < DEATHS; deaths++) {
        if (dice.chance(0.5))
          await market.chain.fault(dice.pick(['drop', 'accept-then-error', 'error']), dice.int(1, 3))
        await fatalMoment(market, { dice, diary })
        // Deadlines that fall due while nobody is there to see it.
        if (dice.chance(0.4)) await market.pass(dice.int(100, 400))
        const death = deaths === 0 ? ({ server: 'killed', chain: 'alive' } as const) : chooseDeath(dice)
        await killAndRevive(market, { dice, death })
      }
      await load.stop()
      expect(diary.entries.length).toBeGreaterThan(60)
      await windDown(market, load)
      await judge(market, { load, diary })
    }),
)
