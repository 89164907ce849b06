import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ensureDataDir } from '../config/data-dir.ts'
import { accountFor } from './account.ts'
import { type Binaries, prepareBinaries } from './binaries.ts'
import { type Cluster, checkVersion, ensureCluster } from './cluster.ts'
import { ensureDatabase } from './databases.ts'
import { chooseHome, clearDrafts, linkCluster, SHELTER_DIR } from './home.ts'
import { answers, clusterUrl, launch, StartFailure, shutDown } from './launch.ts'
import { withLock } from './lock.ts'
import { findPostmaster, type Postmaster } from './postmaster-pid.ts'
import { joinUsers, leaveUsers } from './users.ts'

export { createDatabase, databaseUrl, dropDatabase } from './databases.ts'

export interface EmbeddedPostgresOptions {
  /** Holds the database (`postgres`), its password, its log. Made if missing. */
  readonly dataDir: string
  readonly log?: (line: string) => void
  /** Where root keeps the database when PostgreSQL's user cannot reach `dataDir`. */
  readonly shelterDir?: string
}

export interface EmbeddedPostgres {
  /** Of the database `souk`, as a superuser; `createDatabase` and `dropDatabase` take it too. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Whether it was running already. */
  readonly attached: boolean
  /** Leaves the database; the last one to leave stops it. May be called again. */
  stop(): Promise<void>
}

const LOCK_TIMEOUT_MS = 360_000
const RETRY_FOR_MS = 15_000
const RETRY_MS = 100

/**
 * A running PostgreSQL on `<dataDir>/postgres`: attached to when it is running, made and started when not. Any number of
 * processes may open the same one. Throws an Error with the way out when it cannot be had on this machine.
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log = () => {}, shelterDir = SHELTER_DIR } = options
  const dataDir = ensureDataDir(options.dataDir)
  const locked = <T>(work: () => Promise<T>) => withLock(join(dataDir, 'postgres.lock'), LOCK_TIMEOUT_MS, work)
  return await locked(async () => {
    const account = accountFor(join(dataDir, 'postgres'))
    const home = chooseHome({ dataDir, account, shelterDir, log })
    clearDrafts(home)
    const binaries = once(() => prepareBinaries(home, account))
    const cluster = await ensureCluster({ dataDir, home, account, binaries })
    linkCluster(dataDir, home)
    const running = await attachOrStart(cluster, binaries, join(dataDir, 'postgres.log'))
    const url = clusterUrl(cluster, running.port, 'souk')
    await ensureDatabase(url)
    const id = joinUsers(dataDir)
    const stop = once(() =>
      locked(async () => {
        if (leaveUsers(dataDir, id)) await shutDown(running.pid, log)
      }),
    )
    return { url, ...running, stop }
  })
}

/** Under the lock nobody else starts; what goes on without us is an orphan that ends, or its last processes. */
async function attachOrStart(
  cluster: Cluster,
  binaries: () => Promise<Binaries>,
  logPath: string,
): Promise<Postmaster & { attached: boolean }> {
  const deadline = performance.now() + RETRY_FOR_MS
  for (;;) {
    const found = findPostmaster(cluster.dir)
    if (found && (await answers(cluster, found))) return { ...found, attached: true }
    try {
      const programs = await binaries()
      checkVersion(cluster, programs)
      return { ...(await launch(cluster, programs, logPath)), attached: false }
    } catch (error) {
      if (!(error instanceof StartFailure && error.transient) || performance.now() > deadline) throw error
      await pause(RETRY_MS)
    }
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work()
    return result
  }
}
