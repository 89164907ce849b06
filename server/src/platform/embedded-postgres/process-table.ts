import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/**
 * When the process began, as a word that tells it from a later process of the same number; null when there is none. A
 * zombie is none: it holds nothing, and where nobody reaps it it stays for ever. Where there is no `/proc` the word is
 * always the same.
 */
export function birthOf(pid: number): string | null {
  if (!isNumberTaken(pid)) return null
  const stat = read(`/proc/${pid}/stat`)
  if (stat === null) return isNumberTaken(pid) ? 'unknown' : null
  // The second field is the command in parentheses and may hold anything, so count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? 'unknown')
}

export function isRunning(pid: number): boolean {
  return birthOf(pid) !== null
}

/** Whether the process is certainly something else than a postmaster working in `clusterDir`. In doubt, no. */
export function isForeign(pid: number, clusterDir: string): boolean {
  const command = read(`/proc/${pid}/cmdline`)
  if (command === null || command === '') return false
  if (!basename(command.split('\0')[0] ?? '').startsWith('postgres')) return true
  try {
    return readlinkSync(`/proc/${pid}/cwd`) !== clusterDir
  } catch {
    return false
  }
}

/** Whether the number is in use at all, be it by a zombie. */
export function isNumberTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
