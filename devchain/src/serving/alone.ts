import { ChainBusyError } from './busy.ts'

/** How long the chain outlives a Ctrl-C that also reached its parent, which may still be settling its last payments. */
const PARENT_GRACE_MS = 10_000

/** Said once over IPC, or as a line on stdout when run alone. */
export type ChainReport =
  | { readonly ready: true; readonly rpcUrl: string; readonly genesisHash: string }
  | { readonly ready: false; readonly busy: boolean; readonly message: string }

interface Running {
  readonly rpcUrl: string
  readonly genesisHash: string
  /** Resolves when the chain has ended by itself; whoever watches this process starts it again. */
  readonly exited?: Promise<void>
  close(): Promise<void>
}

/** Runs a chain as this process: says how its start went, and leaves with its parent or when asked. */
export async function serveAlone<Options>(
  start: (options: Options) => Promise<Running>,
  { variable, usage }: { readonly variable: string; readonly usage: string },
): Promise<void> {
  const argument = process.argv[2] ?? process.env[variable]
  if (argument === undefined) {
    process.stderr.write(`usage: process.ts '${usage}'\n`)
    process.exit(2)
  }
  try {
    const chain = await start(JSON.parse(argument) as Options)
    leaveWhenAsked(chain)
    report({ ready: true, rpcUrl: chain.rpcUrl, genesisHash: chain.genesisHash })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    report({ ready: false, busy: cause instanceof ChainBusyError, message })
    process.exitCode = 1
    if (process.connected) process.disconnect()
  }
}

function report(said: ChainReport): void {
  if (process.send !== undefined && process.connected) process.send(said)
  else process.stdout.write(`${JSON.stringify(said)}\n`)
}

function leaveWhenAsked(chain: Running): void {
  let leaving = false
  const leave = (): void => {
    if (leaving) return
    leaving = true
    chain.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  void chain.exited?.then(() => leaving || process.exit(1))
  process.on('SIGTERM', leave)
  process.on('disconnect', leave)
  process.on('SIGINT', () => {
    if (process.connected) setTimeout(leave, PARENT_GRACE_MS).unref()
    else leave()
  })
}
