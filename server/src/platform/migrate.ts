import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url))
/** Any number will do, as long as every process of ours asks for the same one. */
const LOCK = 7_250_311

/**
 * Brings a database to the newest schema: plain SQL files in order, each once, each in its own transaction, under an
 * advisory lock so that processes starting together take turns. Answers the names it applied.
 */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query(`create table if not exists migration (
      name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp())`)
    const { rows } = await client.query<{ name: string; sha256: string }>('select name, sha256 from migration')
    const applied = new Map(rows.map((row) => [row.name, row.sha256]))
    const files = migrationFiles()
    refuseSurprises(applied, files)
    const fresh = files.filter(({ name }) => !applied.has(name))
    for (const file of fresh) await applyFile(client, file)
    return fresh.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

interface MigrationFile {
  readonly name: string
  readonly text: string
  readonly sha256: string
}

function migrationFiles(): MigrationFile[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'))
  return names.sort().map((name) => {
    const text = readFileSync(FOLDER + name, 'utf8')
    return { name, text, sha256: createHash('sha256').update(text).digest('hex') }
  })
}

function refuseSurprises(applied: Map<string, string>, files: readonly MigrationFile[]): void {
  const known = new Map(files.map((file) => [file.name, file.sha256]))
  for (const [name, sha256] of applied) {
    if (!known.has(name))
      throw new Error(`the database has migration ${name}, which this version of Souk does not know`)
    if (known.get(name) !== sha256) throw new Error(`migration ${name} was changed after it had been applied`)
  }
}

async function applyFile(client: pg.Client, { name, text, sha256 }: MigrationFile): Promise<void> {
  await client.query('begin')
  try {
    await client.query(text)
    await client.query('insert into migration (name, sha256) values ($1, $2)', [name, sha256])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Error(`migration ${name} failed: ${(error as Error).message}`, { cause: error })
  }
}
