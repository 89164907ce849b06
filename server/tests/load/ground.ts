import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { newId } from '#kernel/id'
import { createDatabase, dropDatabase, openEmbeddedPostgres } from '#platform/embedded-postgres/index'
import { migrate } from '#platform/migrate'

/** The PostgreSQL that peer and subject share, and the machine both stand on. */
export interface Ground {
  readonly facts: GroundFacts
  /** A folder for whatever a benchmark keeps; gone at the end. */
  readonly folder: string
  /** Makes a database and answers its URL. */
  makeDatabase(purpose: string, template?: string): Promise<string>
  /** The same with the market's tables in it. */
  makeMarket(purpose: string): Promise<string>
  dropDatabase(url: string): Promise<void>
  close(): Promise<void>
}

export interface GroundFacts {
  readonly date: string
  readonly postgres: string
  readonly embedded: boolean
  readonly settings: Readonly<Record<string, string>>
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  /** Median of an 8 kB write made durable beside the database; null where the database is elsewhere. */
  readonly fdatasyncMs: number | null
}

/** What must be on for a commit to mean that the money is safe. */
const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes']
const TOLD = [...DURABLE, 'shared_buffers', 'max_wal_size', 'wal_compression', 'data_checksums']
const MEMORY_FILE_SYSTEMS = [0x0102_1994, 0x8584_58f6]
const PROBES = 200

export async function openGround(): Promise<Ground> {
  const folder = mkdtempSync(join(diskFolder(), 'souk-bench-'))
  const made = new Set<string>()
  const own = process.env['BENCH_DATABASE_URL']
  const embedded = own ? undefined : await openEmbeddedPostgres({ dataDir: folder })
  const adminUrl = own ?? embedded?.url ?? ''
  const drop = async (url: string) => {
    if (made.delete(url)) await dropDatabase(adminUrl, nameIn(url))
  }
  const make = async (purpose: string, template?: string) => {
    const name = `souk_bench_${purpose}_${newId().replaceAll('-', '')}`
    const url = await createDatabase(adminUrl, name, template === undefined ? {} : { template: nameIn(template) })
    made.add(url)
    return url
  }
  return {
    facts: await factsOf(adminUrl, embedded && folder),
    folder,
    makeDatabase: make,
    makeMarket: async (purpose) => {
      const url = await make(purpose)
      await migrate(url)
      return url
    },
    dropDatabase: drop,
    close: async () => {
      if (embedded) await embedded.stop()
      else for (const url of [...made]) await drop(url)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A commit into memory would measure nothing. */
function diskFolder(): string {
  const found = [tmpdir(), '/var/tmp', process.cwd()].find((path) => {
    try {
      return !MEMORY_FILE_SYSTEMS.includes(statfsSync(path).type)
    } catch {
      return false
    }
  })
  if (!found) throw new Error('every temporary folder is in memory: set TMPDIR to one on a disk')
  return found
}

async function factsOf(url: string, folder: string | undefined): Promise<GroundFacts> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const settings: Record<string, string> = {}
    for (const name of TOLD) {
      const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name])
      settings[name] = rows[0]?.value ?? ''
    }
    const off = DURABLE.filter((name) => settings[name] !== 'on')
    if (off.length > 0) throw new Error(`not durable, so not worth measuring: ${off.join(', ')} must be on`)
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return {
      date: new Date().toISOString(),
      postgres: rows[0]?.server_version ?? '',
      embedded: folder !== undefined,
      settings,
      node: process.version,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      fdatasyncMs: folder === undefined ? null : fdatasyncMs(folder),
    }
  } finally {
    await client.end()
  }
}

function fdatasyncMs(folder: string): number {
  const file = openSync(join(folder, 'probe'), 'w')
  const page = Buffer.alloc(8192, 1)
  const times = Array.from({ length: PROBES }, (_, n) => {
    const from = performance.now()
    writeSync(file, page, 0, page.length, n * page.length)
    fdatasyncSync(file)
    return performance.now() - from
  })
  closeSync(file)
  return Math.round((times.sort((a, b) => a - b)[PROBES / 2] ?? 0) * 1000) / 1000
}

function nameIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}
