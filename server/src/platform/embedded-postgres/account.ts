import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The operating system's user that PostgreSQL runs as. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** `_postgres` is macOS's spelling. */
const CANDIDATES = ['postgres', '_postgres', 'nobody']
const EXECUTE = 0o1

/**
 * Who PostgreSQL must run as: null is ourselves. It refuses to run as root, so root gives way to the owner of the
 * cluster, if there is one already, else to `postgres`, else to `nobody`.
 */
export function accountFor(clusterDir: string): Account | null {
  const self = process.getuid?.()
  const owner = ownerOf(clusterDir)
  if (self !== 0) {
    if (owner === null || owner === self) return null
    throw new Error(
      `The database in ${clusterDir} belongs to another user (id ${owner}). Start Souk as that user (or as root, if ` +
        'root made it), set SOUK_DATA_DIR to a folder of your own, or set DATABASE_URL.',
    )
  }
  const accounts = knownAccounts()
  if (owner !== null && owner !== 0) {
    const account = accounts.find(({ uid }) => uid === owner)
    if (account) return account
    throw new Error(
      `The database in ${clusterDir} belongs to user id ${owner}, which has no name in /etc/passwd, and PostgreSQL ` +
        `runs only as a named user. Give the folder to one: chown -R postgres ${clusterDir}`,
    )
  }
  for (const name of CANDIDATES) {
    const account = accounts.find((known) => known.name === name)
    if (account) return account
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to run it as. ' +
      'Make one (useradd --system postgres), run Souk as an ordinary user, or set DATABASE_URL.',
  )
}

/** Whether the account may pass through every folder on the way to `path`, and through (or execute) `path` itself. */
export function canReach(account: Account | null, path: string): boolean {
  if (account === null) return true
  for (let at = path; ; at = dirname(at)) {
    const { uid, gid, mode } = statSync(at)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    if (((mode >> shift) & EXECUTE) === 0) return false
    if (at === dirname(at)) return true
  }
}

function ownerOf(path: string): number | null {
  try {
    return statSync(path).uid
  } catch {
    return null
  }
}

function knownAccounts(): Account[] {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}
