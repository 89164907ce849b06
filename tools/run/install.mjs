import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 200
const LOCK_GRACE_MS = 2000
const UNDER_WAY = 'under way'

/** Something a person has to mend; its message says how. */
export class InstallError extends Error {}

/** Makes `node_modules` what `package-lock.json` says, once, however many commands start at the same time. */
export async function ensureInstalled(root) {
  checkSystemNode()
  if (isInstalled(root)) return
  const release = await takeLock(join(root, '.souk'))
  try {
    if (!isInstalled(root)) install(root)
  } finally {
    release()
  }
}

function checkSystemNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new InstallError(`Souk needs Node.js 20.19 or newer, and this is ${process.versions.node}: https://nodejs.org`)
}

function isInstalled(root) {
  const stamp = readIfThere(stampOf(root))
  if (stamp === hashOfLock(root)) return true
  if (stamp === UNDER_WAY || !matchesLock(root)) return false
  // A person's `npm install` is as good as ours.
  writeFileSync(stampOf(root), hashOfLock(root))
  return true
}

/** npm writes down what it put into `node_modules`; other platforms' optional packages may be missing there. */
function matchesLock(root) {
  const present = readIfThere(join(root, 'node_modules/.package-lock.json'))
  if (present === null) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const { packages } = JSON.parse(present)
  const isThere = ([path, { version, optional, link }]) => {
    if (!path.startsWith('node_modules/')) return true
    // A workspace of ours, which npm links.
    if (link) return existsSync(join(root, path))
    return packages[path] ? packages[path].version === version : optional === true
  }
  return Object.entries(wanted).every(isThere)
}

/**
 * `npm install --no-save` keeps to package-lock.json and writes nothing but `node_modules`. `npm ci` would refuse: it wants
 * every platform's optional packages in the lock, and npm leaves out those that its registry did not have.
 */
function install(root) {
  console.error('Installing the dependencies of Souk, which takes a minute …')
  const from = performance.now()
  const modules = join(root, 'node_modules')
  // What a killed installation left may look whole and not be.
  if (readIfThere(stampOf(root)) === UNDER_WAY) rmSync(modules, { recursive: true, force: true })
  mkdirSync(modules, { recursive: true })
  writeFileSync(stampOf(root), UNDER_WAY)
  npmInstall(root)
  if (!matchesLock(root)) {
    throw new InstallError('package-lock.json does not fit package.json. Run `npm install` and commit the lock file.')
  }
  writeFileSync(stampOf(root), hashOfLock(root))
  console.error(`Installed in ${((performance.now() - from) / 1000).toFixed(0)} s.`)
}

function npmInstall(root) {
  const [program, ...args] = npmCommand(root)
  // What runs the tests and the embedded database is needed whatever NODE_ENV or npm's settings leave out.
  const flags = [
    'install',
    '--no-save',
    '--include=dev',
    '--include=optional',
    '--loglevel=error',
    '--no-audit',
    '--no-fund',
  ]
  const { status, error } = spawnSync(program, [...args, ...flags], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (error?.code === 'ENOENT')
    throw new InstallError('npm was not found. Install Node.js with npm: https://nodejs.org')
  if (status === 0) return
  // npm has put back what was there; only an installation that was killed is begun from nothing.
  if (status !== null) rmSync(stampOf(root), { force: true })
  throw new InstallError(
    'The dependencies could not be installed; npm says why above. Most often it cannot reach its registry ' +
      '(`npm config get registry`, proxies) or the disk is full. To try by hand: npm install',
  )
}

/** The npm that started us, on a Node that does not lie in the folder it is about to empty. */
function npmCommand(root) {
  const { npm_execpath: npm, npm_node_execpath: npmNode } = process.env
  const node = [npmNode, process.execPath].find((path) => path && !path.startsWith(join(root, 'node_modules') + sep))
  return npm?.endsWith('npm-cli.js') && node ? [node, npm] : ['npm']
}

/** A file that names its holder; left behind by a killed one, it is taken over. */
async function takeLock(dir) {
  mkdirSync(dir, { recursive: true })
  const path = join(dir, 'install.lock')
  for (let told = false; ; told = true) {
    try {
      writeFileSync(openSync(path, 'wx'), String(process.pid))
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (await isAbandoned(path)) rmSync(path, { force: true })
    else if (!told) console.error('Another command is installing the dependencies; waiting for it …')
    await pause(POLL_MS)
  }
}

async function isAbandoned(path) {
  let holder = readIfThere(path)
  if (holder === '') {
    await pause(LOCK_GRACE_MS)
    holder = readIfThere(path)
  }
  return holder !== null && !isAlive(Number.parseInt(holder, 10))
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function hashOfLock(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function stampOf(root) {
  return join(root, 'node_modules/.souk-installed')
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}
