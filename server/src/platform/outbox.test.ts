import sql from 'sql-template-tag'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { openStore, type Store, type Tx } from './db.ts'
import { type EventReader, type OutboxEvent, readerSweep, registerReaders } from './outbox.ts'
import { createSweeper } from './sweeps.ts'

let db: TestDatabase
beforeEach(async () => {
  db = await openTestDatabase()
  await db.store.transact((tx) => tx.run(sql`create table heard (reader text, subject text)`))
})
afterEach(() => db.close())

/** A reader that writes down what it hears, in the unit of work it is given. */
const scribe = (name: string, more: Partial<EventReader> = {}): EventReader => ({
  name,
  hears: () => true,
  handle: async (tx, events) => {
    await tx.run(sql`insert into heard select ${name}, unnest(${events.map(({ subject }) => subject)}::text[])`)
  },
  ...more,
})

const say = (tx: Tx, subject: string, name = 'said') => tx.emit({ name, subject, payload: {} })
const sayOne = (subject: string, name?: string) => db.store.transact(async (tx) => say(tx, subject, name))

async function heardBy(reader: string): Promise<string[]> {
  const rows = await db.store.read.rows<{ subject: string }>(sql`select subject from heard where reader = ${reader}`)
  return rows.map(({ subject }) => subject)
}

/** Until everything is heard; transactions of other databases of the cluster hold the horizon back for a moment. */
async function drain(store: Store, reader: EventReader): Promise<void> {
  await createSweeper([readerSweep(store, reader)], { error: () => {} }).runUntilIdle()
}

/** A unit of work that stays open until it is told to commit. */
async function openUnit(subject: string) {
  let commit = () => {}
  let isOpen = () => {}
  const opened = new Promise<void>((resolve) => (isOpen = resolve))
  const done = db.store.transact(async (tx) => {
    // The id is drawn here: lower than those of units that begin later and commit sooner.
    await tx.run(
      sql`insert into event (era, name, subject, payload, at) values (0, 'said', ${subject}, '{}', ${tx.now})`,
    )
    isOpen()
    await new Promise<void>((resolve) => (commit = resolve))
  })
  await opened
  return {
    commit: () => {
      commit()
      return done
    },
  }
}

test('a reader hears every event once, oldest first, from the first there ever was', async () => {
  for (const subject of ['a', 'b', 'c']) await sayOne(subject)
  const reader = scribe('late')
  await registerReaders(db.store, [reader])
  await registerReaders(db.store, [reader])
  await drain(db.store, reader)
  await sayOne('d')
  await drain(db.store, reader)
  await drain(db.store, reader)
  expect(await heardBy('late')).toEqual(['a', 'b', 'c', 'd'])
})

test('a reader hears only what it asked for, and its cursor passes over the rest', async () => {
  const heard: OutboxEvent[] = []
  const reader: EventReader = {
    name: 'picky',
    hears: (name) => name === 'wanted',
    handle: async (_tx, events) => void heard.push(...events),
  }
  await registerReaders(db.store, [reader])
  await sayOne('noise')
  await sayOne('signal', 'wanted')
  await drain(db.store, reader)
  expect(heard).toMatchObject([{ name: 'wanted', subject: 'signal', payload: {} }])
  expect(await readerSweep(db.store, reader).isBehind?.()).toBe(false)
})

test('D-29 a slow writer loses nothing: what committed later but began earlier is heard too, once', async () => {
  const reader = scribe('patient')
  await registerReaders(db.store, [reader])
  const { run } = readerSweep(db.store, reader)
  const slow = await openUnit('slow')
  await sayOne('quick')
  expect(await run()).toBe(0)
  expect(await heardBy('patient')).toEqual([])
  await slow.commit()
  await drain(db.store, reader)
  expect(await heardBy('patient')).toEqual(['slow', 'quick'])
})

test('D-29 many writers of all speeds and two processes reading: nothing is lost, nothing twice', async () => {
  const reader = scribe('many')
  await registerReaders(db.store, [reader])
  const second = openStore({ url: db.url, maxConnections: 2 })
  let writing = true
  const reading = [db.store, second].map(async (store) => {
    const { run } = readerSweep(store, reader)
    while (writing) await run()
  })
  const subjects = Array.from({ length: 150 }, (_, n) => `event ${n}`)
  const queue = [...subjects]
  const writers = Array.from({ length: 4 }, async () => {
    for (let subject = queue.shift(); subject; subject = queue.shift()) {
      const unit = await openUnit(subject)
      if (Math.random() < 0.3) await new Promise((resolve) => setTimeout(resolve, Math.random() * 8))
      await unit.commit()
    }
  })
  await Promise.all(writers)
  writing = false
  await Promise.all(reading)
  await drain(db.store, reader)
  await second.close()
  expect((await heardBy('many')).sort()).toEqual(subjects.sort())
})

test('two processes share one cursor: while one is at work the other goes on without waiting', async () => {
  let release = () => {}
  let isAtWork = () => {}
  const atWork = new Promise<void>((resolve) => (isAtWork = resolve))
  const slow = scribe('shared', {
    handle: async (tx, events) => {
      isAtWork()
      await new Promise<void>((resolve) => (release = resolve))
      await scribe('shared').handle(tx, events)
    },
  })
  await registerReaders(db.store, [slow])
  await sayOne('a')
  const first = drain(db.store, slow)
  await atWork
  expect(await readerSweep(db.store, scribe('shared')).run()).toBe(0)
  release()
  await first
  expect(await readerSweep(db.store, scribe('shared')).run()).toBe(0)
  expect(await heardBy('shared')).toEqual(['a'])
})

test('what a handler wrote before it failed is undone, and the events come again', async () => {
  let tries = 0
  const shaky = scribe('shaky', {
    handle: async (tx, events) => {
      await scribe('shaky').handle(tx, events)
      if (++tries === 1) throw new Error('no')
    },
  })
  await registerReaders(db.store, [shaky])
  await sayOne('a')
  await expect(drain(db.store, shaky)).rejects.toThrow('no')
  expect(await heardBy('shaky')).toEqual([])
  await drain(db.store, shaky)
  expect(await heardBy('shaky')).toEqual(['a'])
})

test('more events than one batch holds are heard batch by batch, also when one unit made them all', async () => {
  const reader = scribe('long')
  await registerReaders(db.store, [reader])
  const subjects = Array.from({ length: 1201 }, (_, n) => `event ${n}`)
  await db.store.transact(async (tx) => {
    for (const subject of subjects) say(tx, subject)
  })
  await drain(db.store, reader)
  expect(await heardBy('long')).toEqual(subjects)
})
