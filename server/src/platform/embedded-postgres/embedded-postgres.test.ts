import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountFor, canReach } from './account.ts'
import { createDatabase, dropDatabase, type EmbeddedPostgres, openEmbeddedPostgres } from './index.ts'
import { isRunning } from './process-table.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65_534

describe('a database that is opened again and again', () => {
  let dataDir: string

  beforeAll(() => {
    dataDir = folder()
  })

  afterAll(() => remove(dataDir))

  test('keeps its data over a stop and a start', async () => {
    const first = await openEmbeddedPostgres({ dataDir })
    expect(first.attached).toBe(false)
    await query(first.url, 'create table coins (id int primary key)')
    await query(first.url, 'insert into coins values (1)')
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)
    await using(dataDir, async ({ url, attached }) => {
      expect(attached).toBe(false)
      expect(await query(url, 'select id from coins')).toEqual([{ id: 1 }])
    })
  })

  test('is durable, checked and asks for its secret password', async () => {
    const file = join(dataDir, 'postgres-password')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await using(dataDir, async ({ url, port }) => {
      const password = readFileSync(file, 'utf8').trim()
      expect(url).toBe(`postgres://souk:${password}@127.0.0.1:${port}/souk`)
      const [row] = await query(
        url,
        `select current_setting('fsync') as fsync, current_setting('data_checksums') as checksums,
           current_setting('timezone') as timezone, current_setting('server_version_num')::int / 10000 as major,
           datlocale as locale from pg_database where datname = current_database()`,
      )
      expect(row).toEqual({ fsync: 'on', checksums: 'on', timezone: 'UTC', major: 18, locale: 'C.UTF-8' })
      await expect(query(url.replace(password, 'guess'), 'select 1')).rejects.toThrow('password authentication failed')
    })
  })

  test('is shared by those who have it open, and stopped by the last of them', async () => {
    const first = await openEmbeddedPostgres({ dataDir })
    const second = await openEmbeddedPostgres({ dataDir })
    expect(second).toMatchObject({ attached: true, pid: first.pid, port: first.port })
    await first.stop()
    await first.stop()
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await second.stop()
    expect(isRunning(first.pid)).toBe(false)
  })

  test('recovers what was committed when PostgreSQL is killed', async () => {
    const killed = await openEmbeddedPostgres({ dataDir })
    await query(killed.url, 'insert into coins values (2)')
    process.kill(killed.pid, 'SIGKILL')
    await using(dataDir, async ({ url, attached }) => {
      expect(attached).toBe(false)
      expect(await query(url, 'select count(*)::int as coins from coins')).toEqual([{ coins: 2 }])
    })
    await killed.stop()
  })

  test('outlives a killed server, and the next one takes it over', async () => {
    const [server, opened] = await openElsewhere(dataDir)
    await end(server, 'SIGKILL')
    expect(isRunning(opened.pid)).toBe(true)
    await using(dataDir, async ({ pid, attached }) => expect([pid, attached]).toEqual([opened.pid, true]))
    expect(isRunning(opened.pid)).toBe(false)
  })

  test('starts although postmaster.pid names a zombie or a process of somebody else', async () => {
    const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = await once(parent.stdout, 'data')
    for (const pid of [Number(String(line)), process.pid]) {
      writeFileSync(join(dataDir, 'postgres/postmaster.pid'), `${pid}\n${dataDir}/postgres\n0\n5432\n\n\n`)
      await using(dataDir, async ({ attached }) => expect(attached).toBe(false))
    }
    await end(parent, 'SIGKILL')
  })

  test('databases are cloned from a template and dropped from under their users', async () => {
    await using(dataDir, async ({ url }) => {
      const template = await createDatabase(url, 'The "template"')
      await query(template, 'create table marks (mark text)')
      const clone = await createDatabase(url, 'clone', { template: 'The "template"' })
      const user = new Client({ connectionString: clone })
      const cut = new Promise((resolve) => user.on('error', resolve))
      await user.connect()
      expect((await user.query('select * from marks')).rows).toEqual([])
      await dropDatabase(url, 'clone')
      await cut
      await dropDatabase(url, 'clone')
      await expect(query(clone, 'select 1')).rejects.toThrow('does not exist')
    })
  })
})

test('two servers that start at once on an empty folder share one database', async () => {
  const dataDir = folder()
  const both = await Promise.all([openElsewhere(dataDir), openElsewhere(dataDir)])
  const [first, second] = both.map(([, opened]) => opened)
  expect(second?.pid).toBe(first?.pid)
  expect([first?.attached, second?.attached].sort()).toEqual([false, true])
  for (const [server] of both) await end(server, 'SIGTERM')
  expect(isRunning(first!.pid)).toBe(false)
  remove(dataDir)
})

test.runIf(isRoot)('root runs it as another user, in a place that user can reach', async () => {
  const locked = folder()
  chmodSync(locked, 0o700)
  const [dataDir, shelterDir] = [join(locked, 'data'), folder()]
  chmodSync(shelterDir, 0o755)
  for (const attempt of [1, 2]) {
    const opened = await openEmbeddedPostgres({ dataDir, shelterDir })
    expect(statSync(`/proc/${opened.pid}`).uid, `attempt ${attempt}`).toBe(accountFor(join(dataDir, 'postgres'))?.uid)
    await opened.stop()
  }
  expect(statSync(join(dataDir, 'postgres/PG_VERSION')).uid).not.toBe(0)
  for (const path of [locked, shelterDir]) remove(path)
})

const nobody = { name: 'nobody', uid: NOBODY, gid: NOBODY }

test.runIf(isRoot && canReach(nobody, process.execPath) && canReach(nobody, import.meta.dirname))(
  'an ordinary user runs it as itself',
  async () => {
    const dataDir = folder()
    chownSync(dataDir, NOBODY, NOBODY)
    const [server, opened] = await openElsewhere(dataDir, { uid: NOBODY, gid: NOBODY })
    expect(statSync(`/proc/${opened.pid}`).uid).toBe(NOBODY)
    await end(server, 'SIGTERM')
    expect(isRunning(opened.pid)).toBe(false)
    remove(dataDir)
  },
)

async function using(dataDir: string, work: (opened: EmbeddedPostgres) => Promise<void>): Promise<void> {
  const opened = await openEmbeddedPostgres({ dataDir })
  try {
    await work(opened)
  } finally {
    await opened.stop()
  }
}

type Opened = Pick<EmbeddedPostgres, 'pid' | 'attached'>

/** Another process that opens the database and stops it when asked to end. */
async function openElsewhere(
  dataDir: string,
  identity: { uid?: number; gid?: number } = {},
): Promise<[ChildProcess, Opened]> {
  const script = `
    import { openEmbeddedPostgres } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))}
    const opened = await openEmbeddedPostgres({ dataDir: process.argv[1] })
    const running = setInterval(() => {}, 1000)
    process.on('SIGTERM', () => opened.stop().then(() => clearInterval(running)))
    console.log(JSON.stringify(opened))`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, dataDir], {
    ...identity,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the other process ended')))
  const [line] = await Promise.race([once(child.stdout!, 'data'), ended])
  ended.catch(() => {})
  return [child, JSON.parse(String(line))]
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'souk-postgres-'))
}

/** Ends what a failed test left running, too. */
function remove(path: string): void {
  const pidFile = join(path, 'postgres/postmaster.pid')
  if (existsSync(pidFile)) execFileSync('kill', ['-QUIT', readFileSync(pidFile, 'utf8').split('\n')[0] ?? ''])
  rmSync(path, { recursive: true, force: true })
}
