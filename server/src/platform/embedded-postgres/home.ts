import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Account, canReach } from './account.ts'

/** Where root keeps a database whose data folder the database's own user cannot reach. */
export const SHELTER_DIR = '/var/lib/souk'

const CLUSTER = 'postgres'
const DRAFT = 'postgres-draft-'

interface Place {
  readonly dataDir: string
  readonly account: Account | null
  readonly shelterDir: string
  readonly log: (line: string) => void
}

/** `clusterDir` is, or will be, the cluster; `dir`, the folder that holds it, also takes drafts and copied programs. */
export interface Home {
  readonly dir: string
  readonly clusterDir: string
}

/**
 * Where the cluster is: `<dataDir>/postgres`, unless PostgreSQL's user cannot reach it (a clone in `/root`). Then it is in
 * a folder under `shelterDir`, and `linkCluster` makes `<dataDir>/postgres` a link to it. Somebody's own link is followed.
 */
export function chooseHome(place: Place): Home {
  const { dataDir, account } = place
  const cluster = join(dataDir, CLUSTER)
  if (lstatSync(cluster, { throwIfNoEntry: false })?.isSymbolicLink()) {
    const clusterDir = followLink(cluster)
    return { dir: dirname(clusterDir), clusterDir }
  }
  letThrough(dataDir, account)
  if (canReach(account, dataDir)) return { dir: dataDir, clusterDir: cluster }
  if (existsSync(cluster)) {
    throw new Error(
      `The database in ${cluster} cannot be reached by the user "${account?.name}", whom PostgreSQL runs as because ` +
        'it refuses root. Open the folders above it (chmod o+x), or set SOUK_DATA_DIR or DATABASE_URL.',
    )
  }
  const dir = shelter(place)
  return { dir, clusterDir: join(dir, CLUSTER) }
}

/** Remembers a sheltered cluster, once it is made. */
export function linkCluster(dataDir: string, { clusterDir }: Home): void {
  const link = join(dataDir, CLUSTER)
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(clusterDir, link)
}

/** A folder for something half done. It is renamed when whole, or removed by `clearDrafts` at the next opening. */
export function makeDraft(home: Home): string {
  return mkdtempSync(join(home.dir, DRAFT))
}

export function clearDrafts(home: Home): void {
  for (const name of readdirSync(home.dir)) {
    if (name.startsWith(DRAFT)) rmSync(join(home.dir, name), { recursive: true, force: true })
  }
}

function followLink(link: string): string {
  try {
    return realpathSync(link)
  } catch {
    throw new Error(`${link} links to a database that is not there. Bring it back, or remove the link to begin anew.`)
  }
}

/** A private data folder of root's is opened to the database's group, for passing through only. */
function letThrough(dataDir: string, account: Account | null): void {
  if (account === null) return
  const { uid, mode } = statSync(dataDir)
  if (uid !== 0 || (mode & 0o077) !== 0) return
  chownSync(dataDir, uid, account.gid)
  chmodSync(dataDir, 0o710)
}

function shelter({ dataDir, account, shelterDir, log }: Place): string {
  let home: string | null = null
  try {
    mkdirSync(shelterDir, { recursive: true })
    home = mkdtempSync(join(shelterDir, `${basename(dirname(dataDir))}-`))
    letThrough(home, account)
  } catch (error) {
    log(`cannot use ${shelterDir}: ${(error as Error).message}`)
  }
  if (home === null || !canReach(account, home)) {
    throw new Error(
      `PostgreSQL refuses to run as root and its user "${account?.name}" cannot reach ${dataDir}. Open the folders ` +
        'above it (chmod o+x), or set SOUK_DATA_DIR to a folder it can reach, or set DATABASE_URL.',
    )
  }
  log(`the database is kept in ${home}, since the user "${account?.name}" cannot reach ${dataDir}`)
  return home
}
