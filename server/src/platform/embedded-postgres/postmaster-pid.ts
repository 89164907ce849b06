import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isForeign, isNumberTaken, isRunning } from './process-table.ts'

/** A postmaster that is at work in the cluster. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
}

/**
 * The postmaster that runs on the cluster, if one does (and has got as far as naming its port). A `postmaster.pid` that names a zombie or somebody else's
 * process would keep PostgreSQL from starting, because it only asks whether the number is taken: it is removed here,
 * together with the lock files of its sockets. Call it under the cluster's lock.
 */
export function findPostmaster(clusterDir: string): Postmaster | null {
  const [pid, port] = readPidFile(clusterDir)
  if (pid === null) return null
  if (isRunning(pid) && !isForeign(pid, clusterDir)) return port === null ? null : { pid, port }
  // Nobody has the number: PostgreSQL sees that itself, and checks better than we can that no child of it is left.
  if (!isNumberTaken(pid)) return null
  for (const name of readdirSync(clusterDir)) {
    if (name === 'postmaster.pid' || /^\.s\.PGSQL\.\d+(\.lock)?$/.test(name)) rmSync(join(clusterDir, name))
  }
  return null
}

/** Lines of the file: pid, data directory, start, port, … */
function readPidFile(clusterDir: string): [pid: number | null, port: number | null] {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n')
    return [positive(lines[0]), positive(lines[3])]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [null, null]
    throw error
  }
}

function positive(line: string | undefined): number | null {
  const number = Number.parseInt(line ?? '', 10)
  return number > 0 ? number : null
}
