import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { birthOf } from './process-table.ts'

/** One `openEmbeddedPostgres` that has not been stopped. */
interface User {
  readonly id: string
  readonly pid: number
  readonly birth: string | null
}

/** Notes this process as a user of the database, under the cluster's lock. Returns the id to leave with. */
export function joinUsers(dataDir: string): string {
  const user: User = { id: randomUUID(), pid: process.pid, birth: birthOf(process.pid) }
  write(dataDir, [...living(dataDir), user])
  return user.id
}

/** Strikes the user off, under the cluster's lock. True when nobody is left: the last one stops the database. */
export function leaveUsers(dataDir: string, id: string): boolean {
  const left = living(dataDir).filter((user) => user.id !== id)
  write(dataDir, left)
  return left.length === 0
}

/** Users whose process was killed are forgotten here. */
function living(dataDir: string): User[] {
  const path = pathIn(dataDir)
  if (!existsSync(path)) return []
  const users: User[] = JSON.parse(readFileSync(path, 'utf8'))
  return users.filter(({ pid, birth }) => birth !== null && birthOf(pid) === birth)
}

function write(dataDir: string, users: User[]): void {
  const path = pathIn(dataDir)
  writeFileSync(`${path}.new`, JSON.stringify(users), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'postgres-users.json')
}
