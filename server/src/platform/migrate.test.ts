import pg from 'pg'
import { afterAll, beforeEach, expect, inject, test } from 'vitest'
import { newId } from '#kernel/id'
import { createDatabase, databaseUrl, dropDatabase } from '#platform/embedded-postgres/index'
import { migrate } from './migrate.ts'

const adminUrl = inject('databaseUrl')
const made: string[] = []
let url: string

beforeEach(async () => {
  const name = `test_${newId().replaceAll('-', '')}`
  made.push(name)
  await createDatabase(adminUrl, name)
  url = databaseUrl(adminUrl, name)
})
afterAll(async () => {
  for (const name of made) await dropDatabase(adminUrl, name)
})

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

test('an empty database gets every migration once, in order; a second start adds nothing', async () => {
  const applied = await migrate(url)
  expect(applied.length).toBeGreaterThan(0)
  expect(applied).toEqual([...applied].sort())
  expect(await migrate(url)).toEqual([])
  expect(await query('select name from migration order by name')).toEqual(applied.map((name) => ({ name })))
})

test('processes that start together take turns, and each file is applied once', async () => {
  const all = await Promise.all([migrate(url), migrate(url), migrate(url)])
  const applied = all.flat()
  expect(new Set(applied).size).toBe(applied.length)
  expect(all.filter((names) => names.length > 0)).toHaveLength(1)
})

test('a file that was changed after it had been applied is refused, and so is one we do not know', async () => {
  await migrate(url)
  await query(`update migration set sha256 = repeat('0', 64) where name = '0002_ledger.sql'`)
  await expect(migrate(url)).rejects.toThrow('migration 0002_ledger.sql was changed after it had been applied')
  await query(`insert into migration (name, sha256) values ('9999_later.sql', '')`)
  await query(`delete from migration where name = '0002_ledger.sql'`)
  await expect(migrate(url)).rejects.toThrow(/has migration 9999_later.sql, which this version of Souk does not know/)
})

test('a migration that fails leaves nothing of itself behind, and the next start can go on', async () => {
  await query('create table transfer (in_the_way int)')
  await expect(migrate(url)).rejects.toThrow(/migration 0002_ledger.sql failed: .*transfer/)
  expect(await query('select name from migration order by name')).toEqual([{ name: '0001_platform.sql' }])
  expect(await query(`select to_regclass('account') as account`)).toEqual([{ account: null }])
  await query('drop table transfer')
  expect(await migrate(url)).toContain('0002_ledger.sql')
})
