import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { type Home, makeDraft } from './home.ts'

/** A database's files, made and readable by `account`, and how to sign in to it. */
export interface Cluster {
  readonly dir: string
  readonly account: Account | null
  readonly password: string
}

export const SUPERUSER = 'souk'

const run = promisify(execFile)

/** The cluster at its home, made when there is none. */
export async function ensureCluster(place: {
  readonly dataDir: string
  readonly home: Home
  readonly account: Account | null
  readonly binaries: () => Promise<Binaries>
}): Promise<Cluster> {
  const dir = place.home.clusterDir
  const passwordFile = join(place.dataDir, 'postgres-password')
  if (existsSync(join(dir, 'PG_VERSION'))) {
    return { dir, account: place.account, password: readPassword(passwordFile) }
  }
  const password = existsSync(passwordFile) ? readPassword(passwordFile) : randomBytes(24).toString('hex')
  await writeWhole(passwordFile, `${password}\n`)
  await initialise({ dir, account: place.account, password }, place.home, await place.binaries())
  return { dir, account: place.account, password }
}

/** A cluster made by another major version cannot be opened by these programs. */
export function checkVersion(cluster: Cluster, binaries: Binaries): void {
  const version = readFileSync(join(cluster.dir, 'PG_VERSION'), 'utf8').trim()
  if (version === binaries.major) return
  throw new Error(
    `The database in ${cluster.dir} was made by PostgreSQL ${version}, and this is PostgreSQL ${binaries.major}. ` +
      `Move it with pg_upgrade, or run a PostgreSQL ${version} on it and set DATABASE_URL.`,
  )
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new Error(`The password of the embedded database is kept in ${path}, which cannot be read: ${error}`)
  }
}

/** Made beside its place and moved there when whole, so that a killed initdb leaves no half cluster behind. */
async function initialise(cluster: Cluster, home: Home, binaries: Binaries): Promise<void> {
  const draft = makeDraft(home)
  const passwordFile = join(draft, 'password')
  const data = join(draft, 'data')
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 })
  if (cluster.account) {
    const { uid, gid } = cluster.account
    for (const path of [draft, data, passwordFile]) await chown(path, uid, gid)
  }
  try {
    await initdb({ data, passwordFile }, cluster, binaries)
    await rename(data, cluster.dir)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** The locale is PostgreSQL's own C.UTF-8: the same order of text on every machine, now and after its next libc. */
async function initdb(
  { data, passwordFile }: { data: string; passwordFile: string },
  { account }: Cluster,
  binaries: Binaries,
): Promise<void> {
  const args = ['-D', data, '-U', SUPERUSER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--data-checksums']
  const words = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--lc-messages=C']
  const identity = account ? { uid: account.uid, gid: account.gid } : {}
  const attempt = (locale: string) =>
    run(binaries.initdb, [...args, ...words, `--locale=${locale}`], { ...identity, cwd: data, env: childEnvironment() })
  try {
    await attempt('C.UTF-8').catch((error: { stderr?: string }) => {
      // Older systems' libc has no C.UTF-8; only the words of dates and numbers depend on it.
      if (error.stderr?.includes('invalid locale name')) return attempt('C')
      throw error
    })
  } catch (error) {
    throw new Error(`Making the embedded database failed: ${explain(error as NodeJS.ErrnoException, binaries.initdb)}`)
  }
}

/** Nothing of ours (PGDATA, PGPORT, LC_ALL, secrets) is PostgreSQL's business. */
export function childEnvironment(): Record<string, string> {
  return { PATH: '/usr/bin:/bin', TZ: 'UTC' }
}

/** A program that is there and yet "not found" lacks its loader: the machine's C library is not the one it needs. */
export function explain(error: NodeJS.ErrnoException & { stderr?: string }, program: string): string {
  if (error.code === 'ENOENT' && existsSync(program)) {
    return `${program} does not run on this system (it needs glibc; Alpine has musl). Set DATABASE_URL instead.`
  }
  return error.stderr?.trim() || error.message
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
