import pg from 'pg'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import { Refusal } from '#kernel/refusal'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { UnknownOutcome } from './db/outcome.ts'
import { openStore, type Tx } from './db.ts'

/** A busy machine, or a transaction of another database of the cluster, may hold things up. */
const PATIENCE = { timeout: 15_000 }

let db: TestDatabase
/** Another connection, for what nobody does in production. */
let other: pg.Client

beforeAll(async () => {
  db = await openTestDatabase()
  other = new pg.Client({ connectionString: db.url })
  await other.connect()
  // A commit waits as long as somebody holds lock 1, and fails for a row that says so.
  await other.query(`
    create table note (id text primary key, text text not null);
    create function at_commit() returns trigger language plpgsql as $$
    begin
      if new.text = 'refused at commit' then raise exception 'refused at commit'; end if;
      if new.text = 'slow' then perform pg_advisory_xact_lock_shared(1); end if;
      return null;
    end $$;
    create constraint trigger note_at_commit after insert on note deferrable initially deferred
      for each row execute function at_commit()`)
})
beforeEach(() => other.query('truncate note'))
afterAll(async () => {
  await other.end()
  await db.close()
})

const write = (tx: Tx, id: string, text = 'plain') => tx.run(sql`insert into note (id, text) values (${id}, ${text})`)
const notes = async () =>
  (await db.store.read.rows<{ id: string }>(sql`select id from note order by id`)).map(({ id }) => id)
const lockRow = (tx: Tx, id: string) => tx.rows(sql`select 1 from note where id = ${id} for update`)

/** Waits until a backend of the store is busy with such a query, and ends it. */
async function killBackendAt(query: string): Promise<void> {
  const killed = await vi.waitFor(async () => {
    const { rows } = await other.query(
      `select pg_terminate_backend(pid) as killed from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and query ilike $1 and state = 'active' and wait_event_type = 'Lock'`,
      [`${query}%`],
    )
    expect(rows).toHaveLength(1)
    return rows[0].killed
  }, PATIENCE)
  expect(killed).toBe(true)
}

test('rows, events and their order commit together, at one instant', async () => {
  const heard = vi.fn()
  db.store.onCommit(heard)
  const now = await db.store.transact(async (tx) => {
    await write(tx, 'a')
    tx.emit({ name: 'note.written', subject: 'a', payload: { n: 1 } })
    tx.emit({ name: 'note.read', subject: 'a', payload: ['any', { json: null }] })
    return tx.now
  })
  expect(heard).toHaveBeenCalledTimes(1)
  const events = await db.store.read.rows(sql`select name, payload, at from event where subject = 'a' order by id`)
  expect(events).toEqual([
    { name: 'note.written', payload: { n: 1 }, at: now },
    { name: 'note.read', payload: ['any', { json: null }], at: now },
  ])
})

test('what throws leaves nothing behind and tells nobody', async () => {
  const heard = vi.fn()
  db.store.onCommit(heard)
  const failed = db.store.transact(async (tx) => {
    await write(tx, 'a')
    tx.emit({ name: 'note.lost', subject: 'a', payload: null })
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  expect(await notes()).toEqual([])
  expect(await db.store.read.rows(sql`select 1 from event where name = 'note.lost'`)).toEqual([])
  expect(heard).not.toHaveBeenCalled()
})

test('an error that was swallowed inside the unit cannot commit half of it', async () => {
  const half = db.store.transact(async (tx) => {
    await write(tx, 'a')
    await tx.run(sql`insert into note (id, text) values ('b', ${null})`).catch(() => {})
  })
  await expect(half).rejects.toThrow(/rolled the unit of work back/)
  expect(await notes()).toEqual([])
})

test('D-26 a unit of work has one instant: the database clock plus the offset of the sandbox', async () => {
  await db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = 86400000`))
  const [now, at] = [await db.store.now(), await db.store.transact(async (tx) => tx.now)]
  await db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = 0`))
  const row = await db.store.read.one<{ now: Date }>(sql`select clock_timestamp() as now`)
  for (const shifted of [now, at]) {
    const ahead = shifted.getTime() - (row?.now.getTime() ?? 0)
    expect(Math.abs(ahead - 86_400_000)).toBeLessThan(10_000)
  }
})

test('bigints come and go exactly', async () => {
  const big = 9_223_372_036_854_775_807n
  const rows = await db.store.read.rows(
    sql`select n, ${big}::bigint - n as rest from unnest(${[big, 0n, 1n]}::bigint[]) as n`,
  )
  expect(rows).toEqual([
    { n: big, rest: 0n },
    { n: 0n, rest: big },
    { n: 1n, rest: big - 1n },
  ])
})

test('a deadlock is tried again until both units are through', async () => {
  await db.store.transact(async (tx) => {
    await write(tx, 'a')
    await write(tx, 'b')
  })
  let runs = 0
  const both = (first: string, second: string) =>
    db.store.transact(async (tx) => {
      runs++
      await lockRow(tx, first)
      await vi.waitFor(() => expect(runs).toBeGreaterThan(1), PATIENCE)
      await lockRow(tx, second)
      await tx.run(sql`update note set text = text || '+' where id = any(${[first, second]})`)
    })
  await Promise.all([both('a', 'b'), both('b', 'a')])
  // One of them was rolled back and ran again; a slow machine may need another round.
  expect(runs).toBeGreaterThanOrEqual(3)
  expect(await db.store.read.rows(sql`select text from note`)).toEqual([{ text: 'plain++' }, { text: 'plain++' }])
})

test('a lock that others hold for too long is a refusal that says to come again', async () => {
  await db.store.transact((tx) => write(tx, 'a'))
  const hasty = openStore({ url: `${db.url}?options=-c%20lock_timeout%3D50ms`, maxConnections: 1 })
  await db.store.transact(async (tx) => {
    await lockRow(tx, 'a')
    const refused = await hasty.transact((late) => lockRow(late, 'a')).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Refusal)
    expect(refused).toMatchObject({ code: 'busy', kind: 'conflict' })
  })
  // The connection that gave up is as good as new.
  expect(await hasty.transact(async (tx) => tx.one(sql`select 1 as one`))).toEqual({ one: 1 })
  await hasty.close()
})

test('D-28 a commit whose answer was lost is an unknown outcome, and nothing is tried again', async () => {
  await other.query('select pg_advisory_lock(1)')
  let runs = 0
  const id = newId()
  const outcome = db.store
    .transact(async (tx) => {
      runs++
      await write(tx, id, 'slow')
    })
    .catch((error: unknown) => error)
  await killBackendAt('commit')
  expect(await outcome).toBeInstanceOf(UnknownOutcome)
  await other.query('select pg_advisory_unlock(1)')
  expect(runs).toBe(1)
  // The broken connection is not used again.
  await Promise.all(Array.from({ length: 10 }, (_, n) => db.store.transact((tx) => write(tx, `after ${n}`))))
  expect((await notes()).length).toBe(10)
})

test('a commit that the database refuses is known to have failed', async () => {
  const refused = await db.store.transact((tx) => write(tx, 'a', 'refused at commit')).catch((error: unknown) => error)
  expect(refused).not.toBeInstanceOf(UnknownOutcome)
  expect((refused as Error).message).toBe('refused at commit')
  expect(await notes()).toEqual([])
})

test('a connection lost before the commit is known to have done nothing', async () => {
  await db.store.transact((tx) => write(tx, 'a'))
  const blocker = db.store.transact(async (tx) => {
    await lockRow(tx, 'a')
    const lost = db.store
      .transact(async (victim) => {
        await write(victim, 'b')
        await lockRow(victim, 'a')
      })
      .catch((error: unknown) => error)
    await killBackendAt('select 1 from note')
    expect(await lost).toMatchObject({ code: 'unavailable', kind: 'unknown' })
  })
  await blocker
  expect(await notes()).toEqual(['a'])
})

test('a connection that died between two statements is a refusal too', async () => {
  const single = openStore({ url: db.url, maxConnections: 1, applicationName: 'single' })
  const lost = await single
    .transact(async (tx) => {
      await write(tx, 'a')
      await other.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'single'`)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await write(tx, 'b')
    })
    .catch((error: unknown) => error)
  expect(lost).toMatchObject({ code: 'unavailable' })
  await single.transact((tx) => write(tx, 'c'))
  expect(await notes()).toEqual(['c'])
  await single.close()
})

test('a database that is not there is a refusal, not a fault', async () => {
  const nowhere = openStore({ url: 'postgres://postgres@127.0.0.1:1/nothing' })
  await expect(nowhere.transact(async () => {})).rejects.toMatchObject({ code: 'unavailable' })
  await expect(nowhere.read.one(sql`select 1`)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(nowhere.now()).rejects.toMatchObject({ code: 'unavailable' })
  await nowhere.close()
})

test('a snapshot sees one instant of the whole database and cannot write', async () => {
  await db.store.transact((tx) => write(tx, 'a'))
  const count = sql`select count(*) as n from note`
  const seen = await db.store.snapshot(async (frozen) => {
    const before = await frozen.one(count)
    await db.store.transact((tx) => write(tx, 'b'))
    return [before, await frozen.one(count)]
  })
  expect(seen).toEqual([{ n: 1n }, { n: 1n }])
  const writing = db.store.snapshot((frozen) => frozen.rows(sql`insert into note (id, text) values ('c', '')`))
  await expect(writing).rejects.toThrow(/read-only/)
  expect(await notes()).toEqual(['a', 'b'])
})

test('what a unit opens with is locked in it, and its reads are handed over', async () => {
  await db.store.transact((tx) => write(tx, 'a'))
  const seen = await db.store.transactWith(
    (opening) => opening.rows(sql`select id from note where id = 'a' for update`),
    async (_tx, opened) => {
      const free = await db.store.read.rows(sql`select id from note for update skip locked`)
      return { opened, free }
    },
  )
  expect(seen).toEqual({ opened: [{ id: 'a' }], free: [] })
})

test('a write nobody waits for is in the commit, and seen by what is read after it', async () => {
  const seen = await db.store.transact(async (tx) => {
    tx.later(write(tx, 'a'))
    return tx.rows(sql`select id from note`)
  })
  expect(seen).toEqual([{ id: 'a' }])
  expect(await notes()).toEqual(['a'])
})

test.each(['ends', 'reads on', 'is refused'])(
  'a write nobody waits for that fails undoes a unit that %s',
  async (how) => {
    const unit = db.store.transact(async (tx) => {
      await write(tx, 'a')
      tx.later(write(tx, 'a'))
      if (how === 'reads on') await tx.rows(sql`select id from note`)
      if (how === 'is refused') throw new Error('refused')
    })
    await expect(unit).rejects.toThrow(how === 'is refused' ? 'refused' : 'duplicate key')
    expect(await notes()).toEqual([])
  },
)
