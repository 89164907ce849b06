import { randomBytes } from 'node:crypto'
import type { LightMyRequestResponse as Reply } from 'fastify'
import pg from 'pg'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import { defineRefusals } from '#kernel/refusal'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import type { Tx } from '../db.ts'
import { buildHttp, type Http } from './app.ts'
import { SCOPES } from './caller.ts'
import { type AnswerBook, createAnswer, createAnswerBook } from './idempotency.ts'
import { rules } from './rules.ts'

const refusals = defineRefusals({ sold_out: ['conflict', 'There is nothing left', 'Come back tomorrow.'] })

let db: TestDatabase
let app: Http
let book: AnswerBook
/** What the route does; a test may put something else in its place. */
let work: (tx: Tx, body: unknown) => Promise<unknown>
const buy = async (tx: Tx, body: unknown) => {
  await tx.run(sql`insert into effect (body) values (${JSON.stringify(body)})`)
  return { bought: body, receipt: newId() }
}

beforeAll(async () => {
  db = await openTestDatabase()
  await db.store.transact((tx) => tx.run(sql`create table effect (body text)`))
  book = createAnswerBook(db.store, randomBytes(32))
  const answer = createAnswer(db.store, book)
  app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl: 'http://localhost',
    version: '0',
    authenticate: async (key) =>
      key.startsWith('key-of-')
        ? { partyId: key.slice(7), keyId: key, name: key, activated: true, scopes: SCOPES }
        : undefined,
    operatorKey: 'operator',
    limits: 'off',
    trustProxy: false,
  })
  app.post('/buy', { config: rules({ auth: 'optional' }) }, (request, reply) =>
    answer(request, reply, 201, (tx) => work(tx, request.body)),
  )
  app.post('/sell', { config: rules({ auth: 'optional' }) }, (request, reply) =>
    answer(request, reply, 200, (tx) => work(tx, request.body)),
  )
  await app.ready()
})
beforeEach(async () => {
  work = buy
  await db.store.transact((tx) => tx.run(sql`truncate effect, idempotency`))
})
afterAll(async () => {
  await app.close()
  await db.close()
})

interface Ask {
  readonly url?: string
  readonly body?: unknown
  readonly caller?: string | null
  readonly headers?: Record<string, string>
}

function ask(
  key: string | null,
  { url = '/buy', body = { n: 1 }, caller = 'alice', headers = {} }: Ask = {},
): Promise<Reply> {
  return app.inject({
    method: 'POST',
    url,
    payload: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(caller === null ? {} : { 'x-api-key': `key-of-${caller}` }),
      ...headers,
    },
  })
}

async function effects(): Promise<number> {
  return (await db.store.read.rows(sql`select 1 from effect`)).length
}

test('D-14 a retry gets the first answer again, word for word, and changes nothing', async () => {
  const first = await ask('one')
  const again = await ask('one')
  expect([first.statusCode, again.statusCode]).toEqual([201, 201])
  expect(again.json()).toEqual(first.json())
  expect([first, again].map(({ headers }) => headers['idempotent-replayed'])).toEqual([undefined, 'true'])
  expect(await effects()).toBe(1)
})

test('without a key every request is an action of its own', async () => {
  await ask(null)
  await ask(null)
  expect(await effects()).toBe(2)
})

test('the same key with another body is refused with 422 and changes nothing', async () => {
  await ask('one', { body: { n: 1, m: 2 } })
  const other = await ask('one', { body: { n: 2 } })
  expect(other.statusCode).toBe(422)
  expect(other.json()).toMatchObject({ code: 'idempotency_key_reused' })
  // The same value spelled otherwise is the same body.
  expect((await ask('one', { body: { m: 2, n: 1 } })).statusCode).toBe(201)
  expect(await effects()).toBe(1)
})

test('a key belongs to its caller and to its route', async () => {
  await ask('one')
  expect((await ask('one', { caller: 'bob' })).headers['idempotent-replayed']).toBeUndefined()
  expect((await ask('one', { url: '/sell' })).headers['idempotent-replayed']).toBeUndefined()
  expect((await ask('one', { url: '/buy/' })).headers['idempotent-replayed']).toBe('true')
  expect(await effects()).toBe(3)
})

test('twenty twins at once have one effect and one answer', async () => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => ask('twins')))
  expect(replies.map(({ statusCode }) => statusCode)).toEqual(replies.map(() => 201))
  expect(new Set(replies.map(({ body }) => body)).size).toBe(1)
  expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)
  expect(await effects()).toBe(1)
})

test('twins with different bodies: one goes through, the others are told', async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, (_, n) => ask('rivals', { body: { n } })))
  const codes = replies.map(({ statusCode }) => statusCode).sort()
  expect(codes).toEqual([201, 422, 422, 422, 422, 422, 422, 422])
  expect(await effects()).toBe(1)
})

test('a refusal is not kept: the same request may succeed later', async () => {
  work = async () => {
    throw refusals.sold_out()
  }
  expect((await ask('one')).statusCode).toBe(409)
  work = buy
  expect((await ask('one')).statusCode).toBe(201)
})

test('who is refused because a twin has just succeeded gets the answer of the twin', async () => {
  let [arrived, release] = [0, () => {}]
  const bothIn = new Promise<void>((resolve) => (release = resolve))
  // One piece is for sale; both look before either has bought.
  work = async (tx, body) => {
    if (++arrived === 2) release()
    await bothIn
    await tx.rows(sql`select pg_advisory_xact_lock(7)`)
    if ((await tx.rows(sql`select 1 from effect`)).length > 0) throw refusals.sold_out()
    return buy(tx, body)
  }
  const [one, two] = await Promise.all([ask('pair'), ask('pair')])
  expect([one.statusCode, two.statusCode]).toEqual([201, 201])
  expect(one.json()).toEqual(two.json())
  expect(await effects()).toBe(1)
})

test('an answer without a body is kept too', async () => {
  work = async () => undefined
  const [first, again] = [await ask('none'), await ask('none')]
  expect([first.statusCode, again.statusCode]).toEqual([201, 201])
  expect(again.headers['idempotent-replayed']).toBe('true')
})

test('keys are printable, at most 255 long, and long enough where nobody says who they are', async () => {
  for (const key of ['', ' ', 'a b', 'é', 'x'.repeat(256)]) expect((await ask(key)).statusCode).toBe(400)
  expect((await ask('x'.repeat(255))).statusCode).toBe(201)
  expect((await ask('short', { caller: null })).statusCode).toBe(400)
  expect((await ask('x'.repeat(20), { caller: null })).statusCode).toBe(201)
  expect(await effects()).toBe(2)
})

test('a quoted key is the same key, and x-idempotency-key is heard too', async () => {
  await ask('one')
  expect((await ask('"one"')).headers['idempotent-replayed']).toBe('true')
  const other = await ask(null, { headers: { 'x-idempotency-key': 'one' } })
  expect(other.headers['idempotent-replayed']).toBe('true')
})

test('kept answers are sealed and forgotten after a week', async () => {
  work = async () => ({ secret: 'shown only once' })
  await ask('one')
  const kept = await db.store.read.rows<{ response: string }>(sql`select response from idempotency`)
  expect(kept).toHaveLength(1)
  expect(kept[0]?.response).not.toContain('shown')
  expect(await book.purge()).toBe(0)
  // The sandbox's clock moves none of this: an old retry must not act again because a deadline was tried out.
  await db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = ${8 * 86_400_000}`))
  expect(await book.purge()).toBe(0)
  await db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = 0`))
  await db.store.transact((tx) => tx.run(sql`update idempotency set created_at = created_at - interval '8 days'`))
  expect(await book.purge()).toBe(1)
})

test('answers kept together: a twin in the same unit of work is taken, and so is one that came first', async () => {
  const claim = (key: string) => ({ scope: 'alice POST /buy', key, fingerprint: Buffer.from('00', 'hex') })
  const answer = { status: 201, body: {} }
  const [old, one, twin, other] = [claim('old'), claim('one'), claim('one'), claim('other')]
  await db.store.transact((tx) => book.keep(tx, [{ claim: claim('old'), answer }]))
  const taken = await db.store.transact((tx) =>
    book.keep(
      tx,
      [old, one, twin, other].map((each) => ({ claim: each, answer })),
    ),
  )
  expect([old, one, twin, other].map((each) => taken.has(each))).toEqual([true, false, true, false])
})

test('outcome_unknown: D-28 a lost answer of the database is a 503, and the same request again takes effect once', async () => {
  const other = new pg.Client({ connectionString: db.url })
  await other.connect()
  // A commit waits as long as somebody holds lock 1.
  await other.query(`
    create function at_commit() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(1); return null; end $$;
    create constraint trigger effect_at_commit after insert on effect deferrable initially deferred
      for each row execute function at_commit();
    select pg_advisory_lock(1)`)
  const asked = ask('lost')
  await vi.waitFor(async () => {
    const { rowCount } = await other.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query ilike 'commit%' and state = 'active' and wait_event_type = 'Lock'`)
    expect(rowCount).toBe(1)
  }, 15_000)
  const lost = await asked
  await other.end()
  expect(lost.statusCode).toBe(503)
  expect(lost.json()).toMatchObject({ code: 'outcome_unknown', fix: expect.stringContaining('Idempotency-Key') })
  expect(Number(lost.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask('lost')).statusCode).toBe(201)
  expect((await ask('lost')).headers['idempotent-replayed']).toBe('true')
  expect(await effects()).toBe(1)
})
