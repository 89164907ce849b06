import pg from 'pg'
import { CLIENTS, type Peer, SCALE } from './peer.ts'

const ACCOUNTS = 100_000
const TELLERS = 10

const SETUP = [
  'create table pgbench_branches (bid int not null primary key, bbalance int, filler char(88)) with (fillfactor = 100)',
  'create table pgbench_tellers (tid int not null primary key, bid int, tbalance int, filler char(84)) with (fillfactor = 100)',
  'create table pgbench_accounts (aid int not null primary key, bid int, abalance int, filler char(84)) with (fillfactor = 100)',
  'create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))',
  `insert into pgbench_branches select n, 0, '' from generate_series(1, ${SCALE}) n`,
  `insert into pgbench_tellers select n, (n - 1) / ${TELLERS} + 1, 0, '' from generate_series(1, ${SCALE * TELLERS}) n`,
  `insert into pgbench_accounts select n, (n - 1) / ${ACCOUNTS} + 1, 0, '' from generate_series(1, ${SCALE * ACCOUNTS}) n`,
  'vacuum analyze',
]

/** A stand-in where pgbench is not installed: its transaction, statement by statement, over connections of our own. */
export async function openOwnTpcb(url: string): Promise<Peer> {
  const pool = new pg.Pool({ connectionString: url, max: CLIENTS })
  for (const statement of SETUP) await pool.query(statement)
  return {
    name: `our own TPC-B-like peer (NOT pgbench), scale ${SCALE}, ${CLIENTS} connections`,
    isPgbench: false,
    run: async (seconds) => {
      const from = performance.now()
      const until = from + seconds * 1000
      const counts = await Promise.all(Array.from({ length: CLIENTS }, () => client(pool, until)))
      const done = counts.reduce((sum, count) => sum + count, 0)
      return { perSecond: done / ((performance.now() - from) / 1000) }
    },
    close: () => pool.end(),
  }
}

async function client(pool: pg.Pool, until: number): Promise<number> {
  const connection = await pool.connect()
  let done = 0
  try {
    for (; performance.now() < until; done++) for (const statement of transaction()) await connection.query(statement)
  } finally {
    connection.release()
  }
  return done
}

function transaction(): string[] {
  const aid = upTo(SCALE * ACCOUNTS)
  const bid = upTo(SCALE)
  const tid = upTo(SCALE * TELLERS)
  const delta = upTo(10_001) - 5001
  return [
    'begin',
    `update pgbench_accounts set abalance = abalance + ${delta} where aid = ${aid}`,
    `select abalance from pgbench_accounts where aid = ${aid}`,
    `update pgbench_tellers set tbalance = tbalance + ${delta} where tid = ${tid}`,
    `update pgbench_branches set bbalance = bbalance + ${delta} where bid = ${bid}`,
    `insert into pgbench_history (tid, bid, aid, delta, mtime) values (${tid}, ${bid}, ${aid}, ${delta}, current_timestamp)`,
    'end',
  ]
}

function upTo(limit: number): number {
  return 1 + Math.floor(Math.random() * limit)
}
