import type { Writable } from 'node:stream'
import pg from 'pg'
import type { Sql } from 'sql-template-tag'
import { classify, isAborted, isCertain, isRetryable, UnknownOutcome } from './db/outcome.ts'
import { nameOf } from './db/prepared.ts'
import { type DomainEvent, insertEvents } from './events.ts'

pg.types.setTypeParser(pg.types.builtins.INT8, BigInt)

/** Reads, outside or inside a unit of work. Writing through a bare `Db` is a mistake: writes take a `Tx`. */
export interface Db {
  rows<Row>(query: Sql): Promise<Row[]>
  one<Row>(query: Sql): Promise<Row | undefined>
}

/** One unit of work: its rows, its instant and its events commit together or not at all. */
export interface Tx extends Db {
  /** The database's clock plus the sandbox's offset, one instant for the whole unit (D-26). */
  readonly now: Date
  /** Runs a writing statement; answers how many rows it touched. */
  run(query: Sql): Promise<number>
  /** Into the outbox, in this very commit. */
  emit(event: DomainEvent): void
  /**
   * Takes writes that are on their way and of which nothing more is wanted than that they succeed: asked for together
   * with the commit. What is read afterwards sees them, as a connection runs its statements in order.
   */
  later(written: Promise<unknown>): void
}

export interface Store {
  readonly read: Db
  /** Runs `work` in one READ COMMITTED transaction; deadlocks are retried, so `work` acts on nothing but `tx`. */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** The same where it is known beforehand what is read first: `open` is sent along with the beginning. */
  transactWith<T, Opened>(open: (db: Db) => Promise<Opened>, work: (tx: Tx, opened: Opened) => Promise<T>): Promise<T>
  /** Runs reads that all see the database as it was at one instant; nothing can be written (REPEATABLE READ, READ ONLY). */
  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** The market's clock: the database's plus the sandbox's offset. */
  now(): Promise<Date>
  /** Called after every commit of this process that emitted events, with these. */
  onCommit(listener: (events: readonly DomainEvent[]) => void): void
  close(): Promise<void>
}

const BEGIN = 'begin isolation level read committed'
const CLOCK = `select clock_timestamp() + (select offset_ms from sandbox_clock) * interval '1 ms' as now`
/** The unit's instant, and its transaction id made known to readers of events before anything is written. */
const INSTANT = { name: 'instant', text: `${CLOCK}, pg_current_xact_id()` }
/** A pool that is used up answers "not now" instead of letting requests pile up without bound. */
const CONNECT_WITHIN_MS = 10_000
/** SQLSTATE of a plain warning; a commit has no other reason to send one. */
const WARNING = '01000'
const MAX_TRIES = 4

export interface StoreOptions {
  readonly url: string
  readonly maxConnections?: number
  readonly applicationName?: string
}

export function openStore({ url, maxConnections = 10, applicationName = 'souk' }: StoreOptions): Store {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    application_name: applicationName,
    // Statements that do not wait for one another travel together.
    pipeline: true,
    options: '-c lock_timeout=5s -c idle_in_transaction_session_timeout=30s -c timezone=UTC',
  })
  // A broken idle connection is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {})
  const committed: CommitListener[] = []
  const read = dbOver(pool)
  const transactWith: Store['transactWith'] = async (open, work) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await unitOfWork(pool, { open, work }, committed)
      } catch (error) {
        if (attempt >= MAX_TRIES || !isRetryable(error)) throw error
      }
    }
  }
  return {
    read,
    transact: (work) => transactWith(async () => {}, work),
    transactWith,
    snapshot: (work) => snapshot(pool, work),
    now: async () => {
      const result = await pool.query<{ now: Date }>({ name: 'clock', text: CLOCK }).catch(classify)
      return result.rows[0]?.now as Date
    },
    onCommit: (listener) => {
      committed.push(listener)
    },
    close: () => pool.end(),
  }
}

type CommitListener = (events: readonly DomainEvent[]) => void

interface Unit<T, Opened> {
  readonly open: (db: Db) => Promise<Opened>
  readonly work: (tx: Tx, opened: Opened) => Promise<T>
}

async function unitOfWork<T, Opened>(
  pool: pg.Pool,
  { open, work }: Unit<T, Opened>,
  committed: readonly CommitListener[],
): Promise<T> {
  const events: DomainEvent[] = []
  const written: Promise<unknown>[] = []
  const result = await withClient(pool, async (client) => {
    const [now, opened] = await Promise.all([begin(client), open(dbOver(client))])
    const tx = txOver(client, { now, events, written })
    const result = await work(tx, opened).catch((error) => explainAbort(error, written))
    if (events.length > 0) tx.later(insertEvents(tx, events))
    await finish(client, written)
    return result
  })
  if (events.length > 0) for (const listener of committed) listener(events)
  return result
}

function snapshot<T>(pool: pg.Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return withClient(pool, async (client) => {
    await client.query('begin isolation level repeatable read read only').catch(classify)
    const result = await work(dbOver(client))
    await client.query('commit').catch(classify)
    return result
  })
}

/** Lends a connection. What throws is rolled back; a connection of which nobody knows the state is not used again. */
async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(classify)
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    return await work(client)
  } catch (error) {
    if (error instanceof UnknownOutcome) broken = error
    else await client.query('rollback').catch(onError)
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** Begins, and fixes the unit's instant and transaction id in the same round trip. */
async function begin(client: pg.PoolClient): Promise<Date> {
  const [, clock] = await Promise.all([ask(client, BEGIN), ask<{ now: Date }>(client, INSTANT)]).catch(classify)
  const row = clock.rows[0]
  if (!row) throw new Error('the database did not answer its clock')
  return row.now
}

/** "Current transaction is aborted" only says that an earlier statement failed: the one whose failure nobody had asked for yet. */
async function explainAbort(error: unknown, written: readonly Promise<unknown>[]): Promise<never> {
  if (isAborted(error)) await Promise.all(written)
  throw error
}

/** The last writes and the commit travel together. A commit nobody answered for is unknown, whatever else was lost with it (D-28). */
async function finish(client: pg.PoolClient, written: readonly Promise<unknown>[]): Promise<void> {
  const committing = commit(client)
  const [done, ...told] = await Promise.allSettled([committing, ...written])
  if (done.status === 'rejected' && done.reason instanceof UnknownOutcome) throw done.reason
  const failed = told.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  if (done.status === 'rejected') throw done.reason
}

/**
 * After `commit` was sent, a lost connection means nobody knows: never reported as failure (D-28). Nor does a commit count
 * that was not waited for on a synchronous standby: the server calls it done, with a warning that it may be lost.
 */
async function commit(client: pg.PoolClient): Promise<void> {
  let warning: Error | undefined
  const onNotice = (notice: Error & { code?: string }) => {
    if (notice.code === WARNING) warning = notice
  }
  client.on('notice', onNotice as (notice: unknown) => void)
  const done = await ask(client, 'commit')
    .catch((error: Error) => {
      if (isCertain(error)) throw error
      throw new UnknownOutcome(error)
    })
    .finally(() => client.off('notice', onNotice as (notice: unknown) => void))
  if (warning) throw new UnknownOutcome(warning)
  // A transaction that failed answers "ROLLBACK" to a commit; nothing of it exists.
  if (done.command !== 'COMMIT') throw new Error('the database rolled the unit of work back')
}

type Queryable = Pick<pg.Pool, 'query'>

function dbOver(client: Queryable): Db {
  const query = async <Row extends pg.QueryResultRow>(statement: Sql) => {
    const { text, values } = statement
    return ask<Row>(client, { ...nameOf(statement), text, values }).catch(classify)
  }
  return {
    rows: async <Row>(statement: Sql) => (await query(statement)).rows as Row[],
    one: async <Row>(statement: Sql) => (await query(statement)).rows[0] as Row | undefined,
  }
}

interface Parts {
  readonly now: Date
  readonly events: DomainEvent[]
  readonly written: Promise<unknown>[]
}

function txOver(client: pg.PoolClient, { now, events, written }: Parts): Tx {
  const db = dbOver(client)
  return {
    ...db,
    now,
    run: async (statement) => {
      const { text, values } = statement
      const result = await ask(client, { ...nameOf(statement), text, values }).catch(classify)
      return result.rowCount ?? 0
    },
    emit: (event) => {
      events.push(event)
    },
    later: (promise) => {
      // Its failure is asked for at the commit; until then it is nobody's.
      promise.catch(() => {})
      written.push(promise)
    },
  }
}

/** Statements asked for in one turn leave in one packet: every packet of its own would wake the database once more. */
function ask<Row extends pg.QueryResultRow>(
  client: Queryable,
  query: string | pg.QueryConfig,
): Promise<pg.QueryResult<Row>> {
  const stream = (client as { connection?: { stream?: Writable } }).connection?.stream
  if (stream) {
    stream.cork()
    process.nextTick(() => stream.uncork())
  }
  return client.query<Row>(query)
}
