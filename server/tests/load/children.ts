import { type ChildProcess, fork, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LoadAnswer } from './load-process.ts'

const SERVER = fileURLToPath(new URL('../../src/main/server.ts', import.meta.url))
const READY = / is ready at (http:\/\/\S+)/
/** What Linux counts processor time in (USER_HZ). */
const TICK_MICROS = 10_000

export interface ServerProcess {
  readonly url: URL
  /** Processor time used so far, in microseconds; null where the system does not tell. */
  cpuMicros(): number | null
  close(): Promise<void>
}

/** The server as users run it, without limits on requests. Options given to Node.js (`--cpu-prof`) hold for it too. */
export function startServer(place: Place): Promise<ServerProcess> {
  return startListener(SERVER, { env: environmentOf(place) })
}

export interface Place {
  readonly databaseUrl: string
  readonly dataDir: string
  /** Variables besides. */
  readonly env?: Readonly<Record<string, string>>
}

export function environmentOf({ databaseUrl, dataDir, env = {} }: Place): Record<string, string> {
  return {
    ...{ DATABASE_URL: databaseUrl, SOUK_DATA_DIR: dataDir, PORT: '0', HOST: '127.0.0.1' },
    ...{ SOUK_LIMITS: 'off', LOG_LEVEL: 'warn', ...env },
  }
}

/** Any program that says "... is ready at <url>" when it listens. */
export async function startListener(
  program: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> },
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const close = closer(child)
  try {
    const url = new URL(await readiness(child))
    url.hostname = '127.0.0.1'
    return { url, cpuMicros: () => cpuMicrosOf(child.pid), close }
  } catch (error) {
    await close()
    throw error
  }
}

function readiness(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer) => {
      said += chunk.toString()
      const url = READY.exec(said)?.[1]
      if (url) resolve(url)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      process.stderr.write(chunk)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the server ended (${code}) before it was ready:\n${said}`)))
  })
}

export interface LoadProcess {
  run(seconds: number): Promise<Extract<LoadAnswer, { readonly acts: number }>>
  close(): Promise<void>
}

/** A load generator of its own process: `program` serves it with `serveLoad`. */
export async function startLoad(program: string, load: object): Promise<LoadProcess> {
  const child = fork(program, [JSON.stringify(load)])
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the load generator ended (${code})`)))
  })
  // It ends in the end; only somebody who waits for an answer is to hear of it.
  ended.catch(() => {})
  const answer = () => {
    const answered = new Promise<LoadAnswer | 'ready'>((resolve) => child.once('message', resolve))
    return Promise.race([answered, ended])
  }
  await answer()
  return {
    run: async (seconds) => {
      const answered = answer()
      child.send(seconds)
      const result = await answered
      if (result === 'ready' || 'error' in result) throw new Error(result === 'ready' ? 'out of turn' : result.error)
      return result
    },
    close: closer(child),
  }
}

function closer(child: ChildProcess): () => Promise<void> {
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  return async () => {
    child.kill('SIGTERM')
    await gone
  }
}

function cpuMicrosOf(pid: number | undefined): number | null {
  try {
    // After the program's name, which may hold spaces: utime and stime are the 12th and 13th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
  } catch {
    return null
  }
}
