// Where the demo trades: the sandbox at SOUK_URL or http://localhost:3000 when one answers there, else one of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Ends the server when the demo is killed outright. */
const LEASH = new URL('../run/leash.mjs', import.meta.url).href
/** Whatever else is configured here, the demo's own sandbox has its own database, chain and keys. */
const ITS_OWN = {
  SOUK_MODE: 'sandbox',
  SOUK_ROLE: 'all',
  PORT: '0',
  HOST: '127.0.0.1',
  DATABASE_URL: '',
  SOLANA_RPC_URL: '',
  EVM_RPC_URL: '',
  X402_FACILITATOR_URL: '',
  SOUK_OPERATOR_KEY: '',
  LOG_LEVEL: 'warn',
}
const WAIT_SECONDS = 60
const LOOK_MS = 250

const leaving = new AbortController()

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape, read by name
export type Json = any

export interface Sandbox {
  readonly url: string
  readonly operatorKey: string
  stop(): Promise<void>
}

export async function findSandbox(): Promise<Sandbox> {
  const given = process.env['SOUK_URL']
  const url = given ?? 'http://localhost:3000'
  const health = await fetch(`${url}/health`)
    .then((answer) => answer.json() as Json)
    .catch(() => null)
  if (health?.mode === 'sandbox') {
    console.log(`Using the sandbox at ${url}`)
    return { url, operatorKey: operatorKeyAtHand(), stop: async () => {} }
  }
  if (given) throw new Error(`there is no sandbox at ${url} (SOUK_URL)`)
  return startSandbox()
}

/** As the server itself finds it: from the environment, or from the data folder it was made in. */
function operatorKeyAtHand(): string {
  const given = process.env['SOUK_OPERATOR_KEY']
  if (given) return given
  const path = join(process.env['SOUK_DATA_DIR'] ?? join(ROOT, 'data'), 'secrets.json')
  if (!existsSync(path)) throw new Error(`set SOUK_OPERATOR_KEY: the operator's key is not at ${path}`)
  return JSON.parse(readFileSync(path, 'utf8')).operatorKey
}

async function startSandbox(): Promise<Sandbox> {
  console.log('No sandbox is running here, so one is started for the demo …')
  const dataDir = mkdtempSync(join(tmpdir(), 'souk-demo-'))
  const server = spawn(process.execPath, ['--import', LEASH, join(ROOT, 'server/src/main/server.ts')], {
    env: { ...process.env, ...ITS_OWN, SOUK_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: true,
  })
  const stop = async () => {
    await ended(server)
    rmSync(dataDir, { recursive: true, force: true })
  }
  // What is under way is broken off, and the demo ends as after any other failure: with nothing left behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort(new Error('stopped')))
  try {
    const url = await announced(server)
    const { operatorKey } = JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8'))
    return { url, operatorKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function announced(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('the server has no output')
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /^Souk is ready at (\S+)$/.exec(line)?.[1]
    if (url) {
      server.stdout.resume()
      return url
    }
  }
  throw new Error('the server did not start')
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  await gone
}

interface Call {
  readonly key?: string
  readonly body?: object
  readonly method?: string
}

export async function call({ url }: Sandbox, path: string, { key, body, method }: Call = {}): Promise<Json> {
  const answer = await fetch(url + path, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: leaving.signal,
  })
  const json = (await answer.json()) as Json
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${json.error} ${json.fix ?? ''}`)
  return json
}

/** Looks again and again, for a minute at most. */
export async function until<T>(what: string, look: () => Promise<T | false>): Promise<T> {
  const deadline = Date.now() + WAIT_SECONDS * 1000
  while (Date.now() < deadline) {
    const found = await look()
    if (found) return found
    await pause(LOOK_MS)
  }
  throw new Error(`${what} did not happen within ${WAIT_SECONDS} seconds`)
}
