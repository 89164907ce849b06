import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { CLIENTS, SCALE, THREADS } from './peer.ts'

export interface Pgbench {
  readonly path: string
  readonly version: string
}

const run = promisify(execFile)
const DEBIAN = '/usr/lib/postgresql'

/** The first pgbench that runs: on the path, then where Debian keeps its versions (newest first), then in /usr/local. */
export async function findPgbench(): Promise<Pgbench | undefined> {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    '/usr/local/bin',
  ]
  for (const path of folders.map((folder) => join(folder, 'pgbench')).filter((path) => existsSync(path))) {
    const answer = await run(path, ['--version']).catch(() => undefined)
    const version = answer && /pgbench \(PostgreSQL\) ([\w.]+)/.exec(answer.stdout)?.[1]
    if (version) return { path, version: `pgbench ${version}` }
  }
  return undefined
}

export async function initialise({ path }: Pgbench, url: string): Promise<void> {
  await run(path, ['-i', '-q', '-s', String(SCALE)], { env: environmentOf(url) })
}

/** Transactions a second, connecting not counted. */
export async function runPgbench({ path }: Pgbench, url: string, seconds: number): Promise<number> {
  const args = ['-c', String(CLIENTS), '-j', String(THREADS), '-T', String(seconds)]
  const { stdout } = await run(path, args, { env: environmentOf(url) })
  const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
  if (!tps) throw new Error(`pgbench said something else than its rate:\n${stdout}`)
  return Number(tps)
}

/** Never on the command line: others can read it there. */
function environmentOf(url: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    ...process.env,
    PGHOST: hostname,
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  }
}
