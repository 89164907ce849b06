import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { defineRefusals } from '#kernel/refusal'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import type { Tx } from '../db.ts'
import { createDesk } from './desk.ts'
import { createAnswerBook } from './idempotency.ts'

const refusals = defineRefusals({ unlucky: ['conflict', 'Thirteen is refused', 'Choose another number.'] })

interface Sent {
  readonly status: number
  readonly body: unknown
  readonly replayed: boolean
}

const sealingKey = randomBytes(32)
let db: TestDatabase
let batches: number[]
beforeAll(async () => {
  db = await openTestDatabase()
  await db.store.transact((tx) => tx.run(sql`create table effect (n int)`))
})
beforeEach(async () => {
  batches = []
  await db.store.transact((tx) => tx.run(sql`truncate effect, idempotency`))
})
afterAll(() => db.close())

/** A desk that writes numbers down, refuses thirteen, and breaks on minus one. */
function openDesk() {
  const answers = createAnswerBook(db.store, sealingKey)
  const work = async (tx: Tx, items: readonly number[]) => {
    batches.push(items.length)
    if (items.includes(-1)) throw new Error('minus one')
    const good = items.filter((n) => n !== 13)
    await tx.run(sql`insert into effect select unnest(${good}::int[])`)
    return items.map((n) => (n === 13 ? { refused: refusals.unlucky() } : { done: n }))
  }
  const desk = createDesk<number, number, void>({ store: db.store, answers, open: async () => {}, work })
  return async (n: number, key?: string): Promise<Sent> => {
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    const routeOptions = { config: {} }
    const request = { method: 'POST', url: '/n', headers, body: { n }, caller: { partyId: 'alice' }, routeOptions }
    const sent = { status: 0, body: undefined as unknown, replayed: false }
    const note = (facts: Partial<Sent>) => {
      Object.assign(sent, facts)
      return reply
    }
    const reply = {
      header: () => note({ replayed: true }),
      code: (status: number) => note({ status }),
      send: (body: unknown) => note({ body }),
    }
    await desk(request as unknown as FastifyRequest, reply as unknown as FastifyReply, {
      item: n,
      status: 201,
      view: (result) => ({ result, id: newId() }),
    })
    return sent
  }
}

const effects = async () =>
  (await db.store.read.rows<{ n: number }>(sql`select n from effect order by n`)).map(({ n }) => n)

test('requests of one moment share a few units of work, each with its own answer', async () => {
  const ask = openDesk()
  const numbers = Array.from({ length: 64 }, (_, n) => n)
  const sent = await Promise.allSettled(numbers.map((n) => ask(n)))
  expect(batches.length).toBeLessThan(5)
  sent.forEach((one, n) => {
    if (n === 13) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unlucky' } })
    else expect(one).toMatchObject({ status: 'fulfilled', value: { status: 201, body: { result: n } } })
  })
  expect(await effects()).toEqual(numbers.filter((n) => n !== 13))
})

test('one that breaks the unit of work spoils nobody else', async () => {
  const ask = openDesk()
  const sent = await Promise.allSettled([1, 2, -1, 3].map((n) => ask(n)))
  expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(await effects()).toEqual([1, 2, 3])
})

test('D-14 twins in one unit of work have one effect and one answer', async () => {
  const ask = openDesk()
  const sent = await Promise.all(Array.from({ length: 10 }, () => ask(7, 'twins')))
  expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  expect(sent.filter(({ replayed }) => !replayed)).toHaveLength(1)
  expect(await effects()).toEqual([7])
})

test('twins of a request that is refused are all told why', async () => {
  const ask = openDesk()
  const sent = await Promise.allSettled(Array.from({ length: 3 }, () => ask(13, 'twins')))
  for (const one of sent) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unlucky' } })
})

test('D-14 twins at two processes have one effect, and their neighbours are not disturbed', async () => {
  const [here, there] = [openDesk(), openDesk()]
  const keys = Array.from({ length: 12 }, (_, n) => n)
  const sent = await Promise.all([
    ...keys.map((n) => here(n, `key-${n}`)),
    ...[...keys].reverse().map((n) => there(n, `key-${n}`)),
  ])
  expect(sent.every(({ status }) => status === 201)).toBe(true)
  expect(await effects()).toEqual(keys)
})
