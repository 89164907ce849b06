import fc from 'fast-check'
import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { partyOfWallet } from '#identity'
import { createOutbound, type Outbound } from '#platform/outbound/index'
import { type Bazaar, resource, startBazaar } from '#tests/bazaar'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { addSource, type ImportDeps, importSweep, sourcesOf } from './index.ts'
import { readItem } from './item.ts'

let db: TestDatabase
let bazaar: Bazaar
let outbound: Outbound

beforeAll(() => {
  outbound = createOutbound({ allowLoopback: true, ownPorts: () => [] })
})
beforeEach(async () => {
  db = await openTestDatabase()
  bazaar = await startBazaar()
})
afterEach(async () => {
  bazaar.close()
  await db.drop()
})
afterAll(() => outbound.close())

const reading = { sandbox: true, ours: [], publicUrl: 'http://localhost:3000' }

function importer(change: Partial<ImportDeps> = {}) {
  return importSweep({ store: db.store, outbound, reading, sellerOf: partyOfWallet, ...change })
}

async function offers(): Promise<number> {
  const row = await db.store.read.one<{ n: bigint }>(sql`select count(*) as n from offer where active`)
  return Number(row?.n)
}

test('many processes that read one source at once read each page once, and import everything once', async () => {
  bazaar.items = Array.from({ length: 730 }, (_, n) => resource(n))
  await db.store.transact((tx) => addSource(tx, { url: bazaar.url }))
  const processes = Array.from({ length: 6 }, () => importer())
  const [source] = await sourcesOf(db.store.read)
  for (let passes = 0; passes < 1; ) {
    await Promise.all(processes.map((each) => each.run()))
    passes = Number((await sourcesOf(db.store.read))[0]?.pass ?? 1n) - 1
  }
  expect(source?.completedAt).toBeNull()
  const [done] = await sourcesOf(db.store.read)
  expect(done?.lastCounts).toMatchObject({ read: 730, added: 730, unchanged: 0, skipped: {} })
  expect([await offers(), bazaar.asked.length]).toEqual([730, 8])
})

test('who dies after it has asked has taken in nothing, and the page is read again by the next when its lease has ended', async () => {
  bazaar.items = Array.from({ length: 150 }, (_, n) => resource(n))
  await db.store.transact((tx) => addSource(tx, { url: bazaar.url }))
  const settings = { leaseMs: 300 }
  expect(await importer({ settings }).run()).toBe(1)
  const dying: Pick<Outbound, 'fetch'> = {
    fetch: async (request) => {
      await outbound.fetch(request)
      throw new Error('killed')
    },
  }
  await expect(importer({ settings, outbound: dying }).run()).rejects.toThrow('killed')
  expect(await importer({ settings }).run()).toBe(0)
  const until = Date.now() + 10_000
  while ((await importer({ settings }).run()) === 0 && Date.now() < until)
    await new Promise((done) => setTimeout(done, 20))
  const [source] = await sourcesOf(db.store.read)
  expect(source).toMatchObject({ pass: 2n, lastCounts: { read: 150, added: 150 } })
  expect(await offers()).toBe(150)
})

test('who has lost its lease takes in nothing: another has read that page meanwhile', async () => {
  bazaar.items = Array.from({ length: 120 }, (_, n) => resource(n))
  await db.store.transact((tx) => addSource(tx, { url: bazaar.url }))
  const slow: Pick<Outbound, 'fetch'> = {
    fetch: async (request) => {
      const answer = await outbound.fetch(request)
      // Its lease has no length, so others are at it while it waits.
      expect(await importer().run()).toBe(1)
      return answer
    },
  }
  await importer({ outbound: slow, settings: { leaseMs: 0 } }).run()
  expect((await sourcesOf(db.store.read))[0]).toMatchObject({ nextOffset: 100n, counts: { read: 100, added: 100 } })
  await importer().run()
  expect((await sourcesOf(db.store.read))[0]?.lastCounts).toMatchObject({ read: 120, added: 120, unchanged: 0 })
})

/** An item as it should be, with anything at all in the place of some of it. */
const mangled = fc
  .record({
    path: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
    value: fc.jsonValue(),
    key: fc.string({ unit: 'binary' }),
  })
  .map(({ path, value, key }) => {
    const bazaar = {
      info: { input: { type: 'http', method: 'GET' } },
      schema: { properties: { input: { properties: {} } } },
    }
    const item: Record<string, unknown> = resource(1, {
      extensions: { bazaar },
      metadata: { title: key, category: key },
    })
    let place = item
    for (const step of path.slice(0, -1)) {
      const inner = Object.values(place).filter((each) => typeof each === 'object' && each !== null)
      place = (inner[step % Math.max(inner.length, 1)] as Record<string, unknown> | undefined) ?? place
    }
    const names = [...Object.keys(place), key]
    place[names[(path.at(-1) ?? 0) % names.length] ?? key] = value
    return item
  })

test('no item of a stranger’s, whatever it is, is worse than left out, and what is let in can be stored', async () => {
  const lists = await fc.sample(fc.oneof(mangled, fc.jsonValue()), 400)
  for (const item of lists) expect(['string', 'object']).toContain(typeof readItem(item, reading))
  bazaar.items = lists.map((item, n) => (typeof item === 'object' && item !== null ? spread(item, n) : item))
  await db.store.transact((tx) => addSource(tx, { url: bazaar.url }))
  for (let pages = 0; pages < 4; pages++) expect(await importer().run()).toBe(1)
  const [source] = await sourcesOf(db.store.read)
  const { read, added, skipped } = source?.lastCounts ?? { read: 0, added: 0, skipped: {} }
  expect([source?.fault, read]).toEqual([null, 400])
  expect(added).toBeGreaterThan(50)
  expect(Object.values(skipped).reduce((sum, count) => sum + count, added)).toBe(400)
})

/** Each a resource of its own, where it has any that could be called. */
function spread(item: object, n: number): object {
  const { resource: url } = item as { resource?: unknown }
  return typeof url === 'string' && URL.canParse(url) ? { ...item, resource: `${url}/${n}` } : item
}
