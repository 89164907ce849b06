import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../free-port.ts'

export type Role = 'all' | 'web' | 'worker'

/** A real server process, as an operator runs it: it can be killed without a word and started again. */
export interface Server {
  readonly role: Role
  readonly url: string
  isUp(): boolean
  /** Resolves once it says that it is ready. */
  start(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  /** Asks it to stop, as Ctrl-C does; throws when it does not go by itself, or not well. */
  stop(): Promise<void>
  /** What it wrote, over all its lives. */
  log(): string
}

const ENTRY = fileURLToPath(new URL('../../src/main/server.ts', import.meta.url))
const START_WITHIN_MS = 40_000
const STOP_WITHIN_MS = 10_000

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

export type ServerSettings = Readonly<Record<string, string>>

/** Nothing runs before `start`; the port stays the same over all its lives, so that callers can come back to it. */
export async function prepareServer(role: Role, settings: ServerSettings): Promise<Server> {
  const port = await freePort()
  const env = { PATH: process.env['PATH'] ?? '', HOST: '127.0.0.1', PORT: String(port), SOUK_ROLE: role, ...settings }
  let child: ChildProcess | undefined
  let written = ''
  const kill = async () => {
    const dying = child
    if (dying) await ended(dying, () => dying.kill('SIGKILL'))
  }
  const stop = async () => {
    const ending = child
    if (!ending) return
    const timer = setTimeout(() => ending.kill('SIGKILL'), STOP_WITHIN_MS)
    await ended(ending, () => ending.kill('SIGTERM'))
    clearTimeout(timer)
    if (ending.exitCode !== 0)
      throw new Error(`the server did not stop cleanly: ${ending.signalCode ?? ending.exitCode}`)
  }
  return {
    role,
    url: `http://127.0.0.1:${port}`,
    isUp: () => child !== undefined,
    start: async () => {
      const born = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ENTRY], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = born
      alive.add(born)
      born.once('exit', () => {
        alive.delete(born)
        if (child === born) child = undefined
      })
      const from = written.length
      const hear = (text: Buffer) => {
        written += String(text)
      }
      born.stdout?.on('data', hear)
      born.stderr?.on('data', hear)
      await ready(born, () => written.slice(from))
    },
    kill,
    stop,
    log: () => written,
  }
}

function ready(child: ChildProcess, said: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the server was not ready within ${START_WITHIN_MS} ms: ${said()}`))
    }, START_WITHIN_MS)
    child.stdout?.on('data', () => {
      if (!said().includes('Souk is ready at')) return
      clearTimeout(timer)
      resolve()
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`the server ended with ${signal ?? code}: ${said()}`))
    })
  })
}

function ended(child: ChildProcess, ask: () => void): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    ask()
  })
}
