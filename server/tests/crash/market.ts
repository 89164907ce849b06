import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sql from 'sql-template-tag'
import type { Store } from '#platform/db'
import { openTestDatabase } from '#tests/database'
import { type DurableChain, openDurableChain } from './chain.ts'
import { prepareServer, type Role, type Server } from './server.ts'
import { until } from './until.ts'
import { type Ask, exchange, NoAnswer, type Reply } from './wire.ts'

/** A market of real processes: servers on one database and a chain on disk, each of which may be killed at any moment. */
export interface Market {
  readonly servers: readonly Server[]
  readonly chain: DurableChain
  /** For looking; whatever happens here happens through the doors. */
  readonly store: Store
  readonly operatorKey: string
  /** Asks the servers that have doors in turn, whether they live or not. Rejects with `NoAnswer`. */
  ask(ask: Ask): Promise<Reply>
  /** Answers that no caller should ever see: 500 and its like. */
  readonly faults: readonly string[]
  /** Asks again, each server in turn, until somebody answers something else than "not now". */
  insist(ask: Ask): Promise<Reply>
  /** Moves the market's clock; what becomes due is left to the servers. */
  pass(seconds: number): Promise<void>
  /** Waits until the servers have nothing left to do: no deadline missed, no payout under way, no webhook untried. */
  idle(): Promise<void>
  close(): Promise<void>
}

export interface MarketOptions {
  readonly roles?: readonly Role[]
  /** `SOUK_MARKET`. */
  readonly settings?: object
  /** An EVM chain to trade on as well; without it the market does without. */
  readonly evmRpcUrl?: string
}

const NOT_NOW = [500, 503]
const INSIST_FOR_MS = 60_000

const LOG_SHOWN_CHARS = 6000

/** A market for one test. What its servers had to say is shown when the test fails. */
export async function withMarket(options: MarketOptions, work: (market: Market) => Promise<void>): Promise<void> {
  const market = await openMarket(options)
  try {
    await work(market)
  } catch (error) {
    for (const { role, log } of market.servers) process.stderr.write(`\n[${role}] ${log().slice(-LOG_SHOWN_CHARS)}\n`)
    throw error
  } finally {
    await market.close()
  }
}

export async function openMarket({
  roles = ['all'],
  settings = {},
  evmRpcUrl = 'off',
}: MarketOptions = {}): Promise<Market> {
  const dataDir = await mkdtemp(join(tmpdir(), 'souk-market-'))
  const [database, chain] = await Promise.all([openTestDatabase(), openDurableChain(join(dataDir, 'solana'))])
  const operatorKey = `op_${randomBytes(24).toString('hex')}`
  const common = {
    DATABASE_URL: database.url,
    SOLANA_RPC_URL: chain.rpcUrl,
    EVM_RPC_URL: evmRpcUrl,
    SOUK_DATA_DIR: dataDir,
    SOUK_LIMITS: 'off',
    SOUK_MASTER_SECRET: randomBytes(32).toString('hex'),
    SOUK_OPERATOR_KEY: operatorKey,
    SOUK_MARKET: JSON.stringify(settings),
    LOG_LEVEL: 'warn',
  }
  const servers = await Promise.all(roles.map((role) => prepareServer(role, common)))
  const close = async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await chain.close()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    // One after another: the first one brings the database up to date.
    for (const server of servers) await server.start()
  } catch (error) {
    await close()
    throw error
  }
  const doors = servers.filter(({ role }) => role !== 'worker')
  let turn = 0
  const faults: string[] = []
  const ask = async (one: Ask) => {
    const reply = await exchange((doors[turn++ % doors.length] as Server).url, one)
    if (reply.status >= 500 && reply.status !== 503) faults.push(`${one.method} ${one.path}: ${reply.text}`)
    return reply
  }
  const { store } = database
  return {
    ...{ servers, chain, store, operatorKey, ask, faults, close },
    insist: (one) => insist(ask, one),
    pass: async (seconds) => {
      await store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
    },
    idle: () => idle(store),
  }
}

async function insist(ask: (one: Ask) => Promise<Reply>, one: Ask): Promise<Reply> {
  let last = 'nobody answered'
  const attempt = async () => {
    try {
      const reply = await ask(one)
      if (!NOT_NOW.includes(reply.status)) return reply
      last = `${reply.status} ${reply.text}`
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      last = error.message
    }
    return undefined
  }
  return until(attempt, { what: () => `an answer to ${one.method} ${one.path}: ${last}`, withinMs: INSIST_FOR_MS })
}

interface Work {
  readonly due: number
  readonly payouts: number
  readonly deliveries: number
  readonly readers: number
}

/** A chain that lost a transaction is given up on only after seconds, three times over in the worst of lucks. */
const IDLE_WITHIN_MS = 90_000

async function idle(store: Store): Promise<void> {
  let last: Work | undefined
  const isIdle = async () => {
    last = await store.read.one<Work>(sql`
      select
        (select count(*)::int from orders where due_at <= ${await store.now()}) as due,
        (select count(*)::int from payout where ended_at is null) as payouts,
        (select count(*)::int from delivery where state = 'pending' and attempts = 0) as deliveries,
        (select count(*)::int from event_reader as reader where exists (
          select 1 from event where (event.xid, event.id) > (reader.xid, reader.event_id))) as readers`)
    return last !== undefined && Object.values(last).every((count) => count === 0)
  }
  await until(isIdle, {
    what: () => `rest; left to do: ${JSON.stringify(last)}`,
    withinMs: IDLE_WITHIN_MS,
    everyMs: 50,
  })
}
