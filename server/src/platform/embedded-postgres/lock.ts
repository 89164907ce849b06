import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 20
const SQLITE_BUSY = 5

/**
 * Runs `work` while no other process (or caller in this one) is inside `withLock` on the same path. The lock is
 * SQLite's lock on an empty file: the only one in Node's library that the kernel lets go of when its holder is killed.
 * The holder's children do not inherit it.
 */
export async function withLock<T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    const deadline = performance.now() + timeoutMs
    while (!tryLock(file)) {
      if (performance.now() > deadline) throw new Error(`Another process has held ${path} for ${timeoutMs / 1000} s.`)
      await pause(POLL_MS)
    }
    return await work()
  } finally {
    file.close()
  }
}

function tryLock(file: DatabaseSync): boolean {
  try {
    file.exec('begin exclusive')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false
    throw error
  }
}
