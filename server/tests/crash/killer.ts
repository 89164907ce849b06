import { setTimeout as pause } from 'node:timers/promises'
import sql, { type Sql } from 'sql-template-tag'
import type { Diary } from './diary.ts'
import type { Dice } from './dice.ts'
import type { Market } from './market.ts'
import type { Server } from './server.ts'
import { until } from './until.ts'

/** Moments at which a death hurts most, found by watching the database from outside. */
const MOMENTS = {
  'a payout is asked for and not yet signed': sql`select 1 from payout where state = 'requested' and lease is not null limit 1`,
  'a payout is signed and not yet sent': sql`select 1 from payout where state = 'signed' and kind <> 'sweep' limit 1`,
  'a payout is on its way': sql`select 1 from payout where state = 'sent' and kind <> 'sweep' limit 1`,
  'a sweep is on its way': sql`select 1 from payout where state in ('signed', 'sent') and kind = 'sweep' limit 1`,
  'a deposit was credited and nobody told': sql`select 1 from deposit where reported_at is null limit 1`,
  'a job waits in line': sql`select 1 from orders where state = 'queued' limit 1`,
} satisfies Record<string, Sql>

const WATCH_FOR_MS = 2500
const WATCH_EVERY_MS = 2

/** Lets the market live for a while, then waits for the moment the dice choose; not for long, when it does not come. */
export async function fatalMoment(
  market: Market,
  { dice, diary }: { dice: Dice; diary: Pick<Diary, 'entries'> },
): Promise<void> {
  const deeds = diary.entries.length + dice.int(10, 150)
  await until(() => diary.entries.length >= deeds, { what: 'traders to trade' })
  if (dice.chance(0.3)) return
  const watched = MOMENTS[dice.pick(Object.keys(MOMENTS) as (keyof typeof MOMENTS)[])]
  const givenUpAt = Date.now() + WATCH_FOR_MS
  while (Date.now() < givenUpAt && !(await market.store.read.one(watched))) await pause(WATCH_EVERY_MS)
  await pause(dice.int(0, 8))
}

export interface Death {
  /** Killed without a word, or asked to stop as Ctrl-C does. */
  readonly server: 'killed' | 'stopped' | 'alive'
  readonly chain: 'killed' | 'alive'
}

/** What dies: mostly a server, sometimes the chain, sometimes both. */
export function chooseDeath(dice: Dice): Death {
  const what = dice.weighted({ server: 5, chain: 2, both: 2, stop: 2 })
  if (what === 'stop') return { server: 'stopped', chain: 'alive' }
  return { server: what === 'chain' ? 'alive' : 'killed', chain: what === 'server' ? 'alive' : 'killed' }
}

/** An end, some time of being dead, and back again. The chain first: no server starts without one. */
export async function killAndRevive(market: Market, { dice, death }: { dice: Dice; death: Death }): Promise<void> {
  const { servers, chain } = market
  const victim: Server = dice.pick(servers)
  const end = { killed: victim.kill, stopped: victim.stop, alive: async () => {} }[death.server]
  await Promise.all([end(), death.chain === 'killed' ? chain.kill() : undefined])
  await pause(dice.int(0, 400))
  await chain.revive()
  if (death.server !== 'alive') await victim.start()
}
