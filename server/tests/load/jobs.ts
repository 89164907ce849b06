import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sql from 'sql-template-tag'
import { available, balanceOf } from '#ledger'
import { openStore, type Store } from '#platform/db'
import { settleDatabase, totalsOf, wrongAccounts } from './books.ts'
import { type LoadProcess, type ServerProcess, startLoad, startServer } from './children.ts'
import type { Ground } from './ground.ts'
import { fillJobs } from './job-history.ts'
import type { JobLoad } from './job-load.ts'
import { openMarket, PRICE } from './market.ts'
import type { BenchOptions } from './options.ts'
import type { Peer } from './peer.ts'
import type { CaseReport } from './report.ts'
import { compare, type Slice } from './rounds.ts'

const CALLERS = 32
const JOB_LOAD = fileURLToPath(new URL('./job-load.ts', import.meta.url))
/** Jobs a second, in multiples of the peer's transactions. */
const GOAL = 0.4
const TRANSFERS_A_JOB = 2
/** A server in its first seconds is still being compiled. */
const WARM_UP_SECONDS = 6
const CAUGHT_UP_WITHIN_MS = 120_000

/** Whole direct jobs over HTTP (hire, deliver, take the delivery) against the peer's transactions. */
export async function benchJobs(ground: Ground, peer: Peer, options: BenchOptions): Promise<CaseReport[]> {
  const reports: CaseReport[] = []
  for (const existing of options.existing) reports.push(await benchCase(ground, { peer, options, existing }))
  return reports
}

interface Case {
  readonly peer: Peer
  readonly options: BenchOptions
  readonly existing: number
}

async function benchCase(ground: Ground, { peer, options, existing }: Case): Promise<CaseReport> {
  const about = { bench: 'jobs', name: `jobs over HTTP, ${CALLERS} callers`, callers: CALLERS, existing, goal: GOAL }
  process.stderr.write(`${about.name}, ${existing} transfers `)
  const url = await ground.makeMarket('jobs')
  const store = openStore({ url, maxConnections: 4 })
  const server = await startServer({ databaseUrl: url, dataDir: join(ground.folder, `server-${existing}`) })
  let load: LoadProcess | undefined
  try {
    const market = await openMarket(server.url, store)
    await fillJobs(store, { market, jobs: existing / TRANSFERS_A_JOB })
    await settleDatabase(store)
    const told: JobLoad = {
      ...{ host: server.url.hostname, port: Number(server.url.port), callers: CALLERS, idempotent: false },
      ...{ serviceId: market.serviceId, sellerKey: market.seller.apiKey },
      buyerKeys: market.buyers.map(({ apiKey }) => apiKey),
    }
    load = await startLoad(JOB_LOAD, told)
    const running = { load, server, store, sellerId: market.seller.agentId }
    const subject = { warmUpSeconds: WARM_UP_SECONDS, run: (seconds: number) => slice(running, seconds) }
    const comparison = await compare({ peer, subject }, options)
    if ((await wrongAccounts(store.read)) !== 0n) throw new Error('balances and entries differ')
    return { ...about, ...comparison, transfersAtEnd: Number((await totalsOf(store.read)).transfers) }
  } finally {
    await load?.close()
    await server.close()
    await store.close()
    await ground.dropDatabase(url)
  }
}

interface Running {
  readonly load: LoadProcess
  readonly server: ServerProcess
  readonly store: Store
  readonly sellerId: string
}

/** One slice, and proof that every acknowledged job is completed, paid and receipted. */
async function slice({ load, server, store, sellerId }: Running, seconds: number): Promise<Slice> {
  const before = await outcomeOf(store, sellerId)
  const cpu = server.cpuMicros()
  const { slice: driven, acts: jobs } = await load.run(seconds)
  const from = performance.now()
  // What the server still does in the background belongs to its own slice, not to the peer's.
  await backgroundDone(store)
  const afterwardsMs = performance.now() - from
  const serverCpuMicrosEach = cpu === null ? 0 : ((server.cpuMicros() ?? 0) - cpu) / jobs
  const after = await outcomeOf(store, sellerId)
  const expected = { completed: BigInt(jobs), open: 0n, receipts: BigInt(jobs), earned: BigInt(jobs) * PRICE }
  for (const [name, value] of Object.entries(expected) as [keyof Outcome, bigint][]) {
    const gained = after[name] - before[name]
    if (gained !== value)
      throw new Error(`${jobs} jobs were acknowledged, but ${name} grew by ${gained} and not ${value}`)
  }
  return { ...driven, figures: { ...driven.figures, serverCpuMicrosEach, afterwardsMs } }
}

interface Outcome {
  readonly completed: bigint
  readonly open: bigint
  readonly receipts: bigint
  readonly earned: bigint
}

async function outcomeOf(store: Store, sellerId: string): Promise<Outcome> {
  const counts = await store.read.one<Omit<Outcome, 'earned'>>(sql`
    select count(*) filter (where state = 'completed') as completed, count(*) filter (where closed_at is null) as open,
      (select count(*) from receipt) as receipts
    from orders`)
  if (!counts) throw new Error('there is nothing to count')
  return { ...counts, earned: await balanceOf(store.read, available('USDC', sellerId)) }
}

/** Until every reader of events has heard everything. */
async function backgroundDone(store: Store): Promise<void> {
  const deadline = performance.now() + CAUGHT_UP_WITHIN_MS
  for (;;) {
    const row = await store.read.one<{ behind: boolean }>(sql`
      select exists (
        select 1 from event_reader as reader
        where (select (xid, id) from event order by xid desc, id desc limit 1) > (reader.xid, reader.event_id)
      ) as behind`)
    if (!row?.behind) return
    if (performance.now() > deadline) throw new Error('the readers of events do not catch up')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
