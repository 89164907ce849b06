import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChainReport } from './alone.ts'
import { type AskGenesisHash, livePresence, type Presence } from './presence.ts'

export interface SpawnedChain {
  readonly rpcUrl: string
  readonly genesisHash: string
  readonly pid: number
  /** True when another process already served this folder: `close` then leaves the chain to its owner. */
  readonly attached: boolean
  /** Resolves when a chain of our own has ended, for whatever reason; never for an attached one. */
  readonly exited: Promise<void>
  close(): Promise<void>
}

export interface ChainKind {
  /** As people call it. */
  readonly name: string
  /** The program of its process. */
  readonly entry: string
  readonly askGenesisHash: AskGenesisHash
  /** How long a start may take. */
  readonly startWithinMs: number
}

const CLOSE_TIMEOUT_MS = 5000
const RETRY_MS = 100

/** Serves the chain of `dataDir` from a process of its own, or joins the process that already does. */
export async function spawnChain<Options extends { readonly dataDir: string | null }>(
  { name, entry, askGenesisHash, startWithinMs }: ChainKind,
  options: Options,
): Promise<SpawnedChain> {
  const givenUpAt = Date.now() + startWithinMs
  for (;;) {
    const live = options.dataDir === null ? null : await livePresence(options.dataDir, askGenesisHash)
    if (live !== null) return attachedTo(live)
    const { child, said } = await launch({ entry, startWithinMs }, options)
    if (said.ready) return ownChain(child, said)
    // Another process holds the folder: it is starting and will answer soon, or ending and will let go.
    if (!said.busy || Date.now() > givenUpAt) throw new Error(`the local ${name} chain did not start: ${said.message}`)
    await delay(RETRY_MS)
  }
}

const attachedTo = ({ rpcUrl, genesisHash, pid }: Presence): SpawnedChain => ({
  rpcUrl,
  genesisHash,
  pid,
  attached: true,
  exited: new Promise(() => {}),
  close: async () => {},
})

async function launch(
  { entry, startWithinMs }: Pick<ChainKind, 'entry' | 'startWithinMs'>,
  options: object,
): Promise<{ child: ChildProcess; said: ChainReport }> {
  const child = fork(entry, [JSON.stringify(options)], {
    execPath: process.execPath,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const said = await new Promise<ChainReport>((resolve) => {
    const fail = (message: string): void => resolve({ ready: false, busy: false, message })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(`no answer within ${startWithinMs} ms`)
    }, startWithinMs)
    child.once('message', (message) => {
      clearTimeout(timer)
      resolve(message as ChainReport)
    })
    child.once('error', (cause) => fail(cause.message))
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`it ended with ${signal ?? code}`)
    })
  })
  return { child, said }
}

function ownChain(child: ChildProcess, said: { rpcUrl: string; genesisHash: string }): SpawnedChain {
  const exited = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
  return {
    rpcUrl: said.rpcUrl,
    genesisHash: said.genesisHash,
    pid: child.pid ?? 0,
    attached: false,
    exited,
    async close() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS)
      await exited
      clearTimeout(timer)
    },
  }
}
