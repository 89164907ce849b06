import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { type Cluster, childEnvironment, explain, SUPERUSER } from './cluster.ts'
import { probe } from './databases.ts'
import type { Postmaster } from './postmaster-pid.ts'
import { isRunning } from './process-table.ts'
import { postmasterArguments } from './settings.ts'

const POLL_MS = 10
/** Recovery after a crash replays at most `max_wal_size`, and then some, from a slow disk. */
const ANSWER_TIMEOUT_MS = 300_000
const FAST_SHUTDOWN_MS = 60_000
const IMMEDIATE_SHUTDOWN_MS = 10_000
const LOG_BYTES_MAX = 10_000_000
const LOG_TAIL_LINES = 12

const NOT_NOW = new Set(['57P03', 'ECONNREFUSED', 'ECONNRESET', 'unknown'])

/** Why a postmaster ended while it was starting; `transient` when another try may well succeed. */
export class StartFailure extends Error {
  readonly transient: boolean

  constructor(logged: string, logPath: string) {
    super(`PostgreSQL did not start. The end of ${logPath}:\n${logged}`)
    this.transient = /Address already in use|pre-existing shared memory|lock file .* already exists/.test(logged)
  }
}

/** Starts a postmaster on a free port, in its own process group: Ctrl-C in a terminal must not reach it before us. */
export async function launch(cluster: Cluster, binaries: Binaries, logPath: string): Promise<Postmaster> {
  const port = await freePort()
  shortenLog(logPath)
  const log = openSync(logPath, 'a', 0o600)
  const logged = fstatSync(log).size
  const child = spawn(binaries.postgres, postmasterArguments(cluster.dir, port), {
    ...(cluster.account ? { uid: cluster.account.uid, gid: cluster.account.gid } : {}),
    cwd: cluster.dir,
    env: childEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const pid = await spawned(child, binaries.postgres)
  child.unref()
  const postmaster = { pid, port }
  if (!(await answers(cluster, postmaster))) throw new StartFailure(tailFrom(logPath, logged), logPath)
  return postmaster
}

/** Waits until the database can be used. False when its postmaster ends first. */
export async function answers(cluster: Cluster, { pid, port }: Postmaster): Promise<boolean> {
  const url = clusterUrl(cluster, port, 'postgres')
  const deadline = performance.now() + ANSWER_TIMEOUT_MS
  while (isRunning(pid)) {
    const answer = await probe(url)
    if (answer === 'answers') return true
    if (!NOT_NOW.has(answer.code)) throw new Error(`The embedded database refuses us: ${answer.message}`)
    if (performance.now() > deadline) throw new Error(`The embedded database does not answer: ${answer.message}`)
    await pause(POLL_MS)
  }
  return false
}

/** Ends the postmaster: sessions are cut, everything is written. It is gone when this returns. */
export async function shutDown(pid: number, log: (line: string) => void): Promise<void> {
  if (await ends(pid, 'SIGINT', FAST_SHUTDOWN_MS)) return
  log(
    `PostgreSQL (process ${pid}) is still busy after ${FAST_SHUTDOWN_MS / 1000} s and is stopped without a checkpoint`,
  )
  if (await ends(pid, 'SIGQUIT', IMMEDIATE_SHUTDOWN_MS)) return
  throw new Error(`PostgreSQL (process ${pid}) does not stop.`)
}

export function clusterUrl(cluster: Cluster, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/${database}`
}

async function ends(pid: number, signal: 'SIGINT' | 'SIGQUIT', timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  if (isRunning(pid)) process.kill(pid, signal)
  while (isRunning(pid)) {
    if (performance.now() > deadline) return false
    await pause(POLL_MS)
  }
  return true
}

function spawned(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number))
    child.once('error', (error) => reject(new Error(`PostgreSQL did not start: ${explain(error, program)}`)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** One old log is kept; nobody tends the log of a sandbox. */
function shortenLog(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(path, `${path}.1`)
}

function tailFrom(path: string, offset: number): string {
  const text = readFileSync(path).subarray(offset).toString('utf8').trim()
  return text.split('\n').slice(-LOG_TAIL_LINES).join('\n')
}
