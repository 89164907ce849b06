import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { callRpc } from '../rpc/rpc-client.ts'
import { BASE_SEPOLIA_CHAIN_ID } from './settings.ts'

/** A block is `safe` after so many more, and `finalized` after twice as many. */
export const SAFE_AFTER_BLOCKS = 4
export const FINALIZED_AFTER_BLOCKS = 2 * SAFE_AFTER_BLOCKS

const START_TIMEOUT_MS = 20_000
const CALL_TIMEOUT_MS = 60_000
/** Balances and code can be read as of so many blocks back. */
const STATES_KEPT = 256
/** anvil cannot see that we are gone, but the end of a pipe can: this shell takes anvil with it, even after kill -9. */
const LEASH = '"$0" "$@" </dev/null & anvil=$!; cat >/dev/null; kill -9 $anvil'

export interface AnvilGenesis {
  /** Unix seconds. */
  readonly timestamp: number
  /** Of the genesis block; drawn once, so that no two folders have one genesis hash. */
  readonly gasLimit: number
}

/** A running anvil that makes blocks only when it is told to. */
export interface Anvil {
  call<T>(method: string, ...params: readonly unknown[]): Promise<T>
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<void>
  close(): Promise<void>
}

export async function startAnvil({ timestamp, gasLimit }: AnvilGenesis): Promise<Anvil> {
  const flags = {
    host: '127.0.0.1',
    port: 0,
    'chain-id': BASE_SEPOLIA_CHAIN_ID,
    accounts: 0,
    timestamp,
    'gas-limit': gasLimit,
    'slots-in-an-epoch': SAFE_AFTER_BLOCKS,
    'prune-history': STATES_KEPT,
  }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = launch(anvilProgram(), [...args, '--no-mining'])
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const rpcUrl = await addressOf(child)
  return {
    call: (method, ...params) => callRpc(rpcUrl, method, params, { timeoutMs: CALL_TIMEOUT_MS }),
    exited,
    async close() {
      if (child.stdin === null) child.kill('SIGKILL')
      else child.stdin.end()
      await exited
    },
  }
}

function launch(program: string, args: readonly string[]): ChildProcess {
  if (process.platform === 'win32') return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  // A group of its own: the Ctrl-C that reaches a terminal's whole group is for us to act on.
  return spawn('/bin/sh', ['-c', LEASH, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
}

/** anvil takes a free port by itself and says which. What it says later is read and dropped, or it would block. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error('anvil did not start in time')), START_TIMEOUT_MS)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`anvil ended at once: ${said.slice(-500)}`)))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length > 100_000) return
      said += text
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      said = ''
      resolve(`http://127.0.0.1:${port}`)
    })
  })
}

/** The program lies in an optional package of its platform's own. */
function anvilProgram(): string {
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch
  const system = { linux: 'linux', darwin: 'darwin', win32: 'win32' }[process.platform as string] ?? process.platform
  const name = `@foundry-rs/anvil-${system}-${machine}`
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/anvil${system === 'win32' ? '.exe' : ''}`)
  } catch (cause) {
    throw new Error(`the local EVM chain needs ${name}, which is not installed: set EVM_RPC_URL, or install it`, {
      cause,
    })
  }
}
