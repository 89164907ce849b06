import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { enterEra } from './era.ts'
import { readerSweep, registerReaders } from './outbox.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const say = (subject: string) => db.store.transact(async (tx) => tx.emit({ name: 'said', subject, payload: {} }))

/** As a backup looks in a new cluster: its transaction ids lie far above those the cluster has reached. */
const restoreElsewhere = () =>
  db.store.transact(async (tx) => {
    const ahead = sql`1000000000`
    await tx.run(
      sql`update event set xid = (xid::text::bigint + ${ahead})::text::xid8 where era = (select era from cluster_era)`,
    )
    await tx.run(sql`
      update event_reader set xid = (xid::text::bigint + ${ahead})::text::xid8 where era = (select era from cluster_era)`)
  })

test('after a restore into another cluster every event is still heard once: those before it, and those after', async () => {
  const heard: string[] = []
  const reader = {
    name: 'listener',
    hears: () => true,
    handle: async (_: unknown, events: readonly { subject: string }[]) => {
      heard.push(...events.map(({ subject }) => subject))
    },
  }
  await registerReaders(db.store, [reader])
  const sweep = readerSweep(db.store, reader)
  const hearAll = async (count: number) => {
    while (heard.length < count) await sweep.run()
    expect(await sweep.run()).toBe(0)
  }
  await say('before, and heard')
  await hearAll(1)
  await say('before, and not heard yet')
  expect(await enterEra(db.store)).toBe(0)
  await restoreElsewhere()
  expect(await sweep.run()).toBe(0)
  expect(await enterEra(db.store)).toBe(1)
  expect(await enterEra(db.store)).toBe(1)
  await say('after')
  await hearAll(3)
  await restoreElsewhere()
  expect(await enterEra(db.store)).toBe(2)
  await say('after another')
  await hearAll(4)
  expect(heard).toEqual(['before, and heard', 'before, and not heard yet', 'after', 'after another'])
})
