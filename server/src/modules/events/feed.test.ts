import sql from 'sql-template-tag'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newId } from '#kernel/id'
import { openStore, type Store } from '#platform/db'
import { readerSweep, registerReaders } from '#platform/outbox'
import { createSweeper } from '#platform/sweeps'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { createFeed, type Feed, type FeedOptions } from './feed.ts'
import { createForgetting } from './forgetting.ts'
import { createEvents, type Follower, type NoticeFormat, noticesOf, placeToFollow } from './index.ts'
import { BEGINNING } from './store.ts'

const log = { error: () => {} } as FeedOptions['log']
const PLAIN: NoticeFormat = {
  name: 'plain',
  types: ['test.said'],
  hears: (name) => name === 'test.said',
  compose: async (_db, { payload }) => [payload as { recipientId: string; url: null; eventName: string; body: object }],
}

let database: TestDatabase
let store: Store
let feeds: Feed[]
let usable: (keyId: string) => boolean
let ann: string

beforeEach(async () => {
  database = await openTestDatabase()
  store = database.store
  feeds = []
  usable = () => true
  ann = newId()
  await registerReaders(store, [reader()])
})
afterEach(async () => {
  await Promise.all(feeds.map((feed) => feed.close()))
  await database.close()
})

function reader() {
  return createEvents({ ...feeding(), store, formats: [PLAIN], handOn: async () => {} }).reader
}
function feeding(): Pick<FeedOptions, 'log' | 'usableKeys'> {
  return { log, usableKeys: async (_db, keyIds) => new Set(keyIds.filter((keyId) => usable(keyId))) }
}
function open(limits: FeedOptions['limits'] = {}, read = store.read): Feed {
  const feed = createFeed({ ...feeding(), read, limits: { lookEveryMs: 5, ...limits } })
  feeds.push(feed)
  return feed
}

/** Tells `recipientId` something; it becomes a notice when the reader comes by. */
const say = (text: string, recipientId = ann, over: Store = store) =>
  over.transact(async (tx) => {
    const payload = { recipientId, url: null, eventName: 'test.said', body: { type: 'test.said', data: text } }
    tx.emit({ name: 'test.said', subject: newId(), payload })
  })
const tell = () => createSweeper([readerSweep(store, reader())], log).runUntilIdle()

/** Follows and writes down the texts it hears; it has room for everything unless told otherwise. */
function listen(feed: Feed, { partyId = ann, seq = 0n, keyId = 'key', room = (): boolean => true } = {}) {
  const heard: string[] = []
  const listener = { heard, seq, beats: 0, ended: false, following: { more: () => {}, leave: () => {} } }
  const follower: Follower = {
    ...{ partyId, keyId, seq },
    take: (notices) => {
      for (const notice of notices) {
        heard.push(JSON.parse(notice.body).data)
        listener.seq = notice.seq
      }
      return room()
    },
    beat: () => void listener.beats++,
    end: () => {
      listener.ended = true
    },
  }
  listener.following = feed.follow(follower)
  return listener
}

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `${from + index}`)

describe('following notices', () => {
  it('D-25 a follower hears what there was after its place and then what comes, in order, its own only', async () => {
    for (const text of texts(40)) await say(text)
    await say('not for her', newId())
    await tell()
    const listener = listen(open())
    await vi.waitFor(() => expect(listener.heard).toEqual(texts(40)))
    await say('40')
    await say('not for her', newId())
    await tell()
    await vi.waitFor(() => expect(listener.heard).toEqual(texts(41)))
  })

  it('D-29 while many write at all speeds, two processes tell and two feed, every follower hears everything once', async () => {
    const bob = newId()
    const second = openStore({ url: database.url, maxConnections: 4 })
    const listeners = [open(), open({}, second.read)].flatMap((feed) =>
      [ann, bob].map((partyId) => ({ partyId, listener: listen(feed, { partyId }) })),
    )
    const tellers = [store, second].map((over) => createSweeper([readerSweep(over, reader())], log))
    for (const teller of tellers) teller.start()
    const queue = texts(150)
    const writers = Array.from({ length: 4 }, async () => {
      for (let text = queue.shift(); text; text = queue.shift()) {
        await store.transact(async (tx) => {
          for (const recipientId of [ann, bob]) {
            const payload = { recipientId, url: null, eventName: 'test.said', body: { type: 'test.said', data: text } }
            tx.emit({ name: 'test.said', subject: newId(), payload })
          }
          if (Number(text) % 3 === 0) await tx.rows(sql`select pg_sleep(0.01)`)
        })
      }
    })
    await Promise.all(writers)
    for (const { listener } of listeners) await vi.waitFor(() => expect(listener.heard).toHaveLength(150), 10_000)
    await Promise.all(tellers.map((teller) => teller.stop()))
    for (const { partyId, listener } of listeners) {
      expect([...listener.heard].sort()).toEqual(texts(150).sort())
      const page = await noticesOf(store.read, { partyId, after: null, types: null, limit: 200 })
      expect(listener.heard).toEqual(page.notices.map(({ body }) => JSON.parse(body).data))
    }
    for (const feed of feeds.splice(0)) await feed.close()
    await second.close()
  })

  it('D-25 cut off anywhere and resumed in another process, a follower misses nothing and hears nothing twice', async () => {
    for (const text of texts(60)) await say(text)
    await tell()
    const heard: string[] = []
    let seq = 0n
    for (let n = 0; heard.length < 60; n++) {
      let taken = 0
      const listener = listen(open(), { seq, room: () => ++taken < 1 })
      await vi.waitFor(() => expect(listener.heard.length).toBeGreaterThan(0))
      await feeds[n]?.close()
      expect(listener.ended).toBe(true)
      heard.push(...listener.heard)
      seq = listener.seq
    }
    expect(heard).toEqual(texts(60))
    expect(feeds.length).toBeGreaterThan(2)
  })

  it('D-25 who has no room is handed nothing more until it has again, and holds nobody back', async () => {
    const feed = open()
    let isOpen = false
    const slow = listen(feed, { room: () => isOpen })
    const quick = listen(feed)
    for (const text of texts(100)) await say(text)
    await tell()
    await vi.waitFor(() => expect(quick.heard).toEqual(texts(100)))
    expect(slow.heard.length).toBeLessThan(20)
    isOpen = true
    slow.following.more()
    await vi.waitFor(() => expect(slow.heard).toEqual(texts(100)))
  })

  it('D-25 more followers than are served at once all hear it', async () => {
    const feed = open({ perKey: 1000 })
    const listeners = Array.from({ length: 200 }, () => listen(feed))
    await say('hello')
    await tell()
    await vi.waitFor(() => expect(listeners.every(({ heard }) => heard.length === 1)).toBe(true))
  })

  it('D-25 who left is handed nothing, and its place on the key is free', async () => {
    const feed = open({ perKey: 2 })
    const [first] = [listen(feed), listen(feed)]
    expect(() => listen(feed)).toThrow(expect.objectContaining({ code: 'too_many_streams' }))
    listen(feed, { keyId: 'another' })
    first?.following.leave()
    const third = listen(feed)
    await say('hello')
    await tell()
    await vi.waitFor(() => expect(third.heard).toEqual(['hello']))
    expect(first?.heard).toEqual([])
  })

  it('D-25 followers get signs of life; who has had no room for too many of them is let go', async () => {
    const feed = open({ beatMs: 5, patience: 2 })
    const well = listen(feed)
    const stuck = listen(feed, { room: () => false })
    await say('hello')
    await tell()
    await vi.waitFor(() => expect(stuck.ended).toBe(true))
    await vi.waitFor(() => expect(well.beats).toBeGreaterThan(2))
    expect(well.ended).toBe(false)
  })

  it('D-33 the following ends with the key it came with', async () => {
    const feed = open({ beatMs: 5 })
    const [lost, kept] = [listen(feed, { keyId: 'stolen' }), listen(feed, { keyId: 'good' })]
    usable = (keyId) => keyId !== 'stolen'
    await vi.waitFor(() => expect(lost.ended).toBe(true))
    expect(kept.ended).toBe(false)
  })

  it('a database that fails for a while ends nothing and loses nothing', async () => {
    let isBroken = false
    let failures = 0
    const rows: typeof store.read.rows = async (query) => {
      if (!isBroken) return store.read.rows(query)
      failures++
      throw new Error('away')
    }
    const feed = open({}, { ...store.read, rows })
    const listener = listen(feed)
    await say('before')
    await tell()
    await vi.waitFor(() => expect(listener.heard).toEqual(['before']))
    isBroken = true
    await say('meanwhile')
    await tell()
    await vi.waitFor(() => expect(failures).toBeGreaterThan(0))
    isBroken = false
    await vi.waitFor(() => expect(listener.heard).toEqual(['before', 'meanwhile']), 5000)
    expect(listener.ended).toBe(false)
  })

  it('a feed that is closed takes nobody in', async () => {
    const feed = open()
    await feed.close()
    expect(listen(feed).ended).toBe(true)
  })
})

describe('forgetting notices', () => {
  const inDays = (days: number) =>
    store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = ${days * 86_400_000}`))
  const read = (after: string | null) => noticesOf(store.read, { partyId: ann, after, types: null, limit: 10 })
  const forget = () => createForgetting(store).run()

  it('D-25 after 30 days; who had read all of it goes on, who had not is told', async () => {
    expect(await read(null)).toEqual({ notices: [], hasMore: false, upTo: BEGINNING })
    for (const text of ['a', 'b']) await say(text)
    await tell()
    expect(await read(BEGINNING)).toEqual(await read(null))
    const [a, b] = (await read(null)).notices.map(({ id }) => id) as [string, string]
    await inDays(20)
    await forget()
    expect((await read(null)).notices).toHaveLength(2)
    await inDays(31)
    await forget()
    expect(await read(null)).toEqual({ notices: [], hasMore: false, upTo: b })
    await say('c')
    await tell()
    expect((await read(b)).notices.map(({ body }) => JSON.parse(body).data)).toEqual(['c'])
    await expect(read(BEGINNING)).rejects.toMatchObject({ code: 'event_unknown' })
    await expect(read(a)).rejects.toMatchObject({ code: 'event_unknown' })
    await expect(placeToFollow(store.read, { partyId: ann, after: a })).rejects.toMatchObject({ code: 'event_unknown' })
    expect((await placeToFollow(store.read, { partyId: ann, after: b })).id).toBe(b)
    await expect(noticesOf(store.read, { partyId: newId(), after: b, types: null, limit: 10 })).rejects.toMatchObject({
      code: 'event_unknown',
    })
  })
})
