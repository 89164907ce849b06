import type { Logger } from 'pino'

/** Work that is due: `run` does a bounded piece of it and answers how much, zero when there is nothing left. */
export interface Sweep {
  readonly name: string
  readonly run: () => Promise<number>
  /** How often it looks when nobody wakes it. */
  readonly everyMs?: number
}

export interface Sweeper {
  start(): void
  /** Look now: something was committed. */
  wake(): void
  /** Runs every sweep until none finds anything; the test clock uses it. */
  runUntilIdle(): Promise<void>
  /** When a sweep last ended without an error, by name; a worker that hangs shows here. */
  health(): Record<string, { lastRunAt: Date | null; lastError: string | null }>
  stop(): Promise<void>
}

const DEFAULT_EVERY_MS = 250
const ERROR_PAUSE_MS = 1000
const MAX_ROUNDS = 1000

/**
 * Runs the sweeps, each in a loop of its own so that a slow chain never holds a deadline back. Sweeps claim rows with
 * `skip locked`, so any number of processes may sweep one database.
 */
export function createSweeper(sweeps: readonly Sweep[], log: Pick<Logger, 'error'>): Sweeper {
  const wakers = new Set<() => void>()
  const state = new Map(
    sweeps.map(({ name }) => [name, { lastRunAt: null as Date | null, lastError: null as string | null }]),
  )
  let stopping = false
  let loops: Promise<void>[] = []

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        wakers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      wakers.add(done)
    })
  const once = async (sweep: Sweep): Promise<number> => {
    const seen = state.get(sweep.name)
    try {
      const handled = await sweep.run()
      if (seen) Object.assign(seen, { lastRunAt: new Date(), lastError: null })
      return handled
    } catch (error) {
      if (seen) seen.lastError = (error as Error).message
      throw error
    }
  }
  const loop = async (sweep: Sweep) => {
    while (!stopping) {
      try {
        if ((await once(sweep)) === 0) await pause(sweep.everyMs ?? DEFAULT_EVERY_MS)
      } catch (error) {
        log.error({ err: error, sweep: sweep.name }, 'a sweep failed and will try again')
        await pause(ERROR_PAUSE_MS)
      }
    }
  }
  const wake = () => {
    for (const done of [...wakers]) done()
  }
  return {
    wake,
    start: () => {
      loops = sweeps.map(loop)
    },
    runUntilIdle: async () => {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        let handled = 0
        for (const sweep of sweeps) handled += await once(sweep)
        if (handled === 0) return
      }
      throw new Error('the sweeps found new work a thousand times in a row')
    },
    health: () => Object.fromEntries(state),
    stop: async () => {
      stopping = true
      wake()
      await Promise.all(loops)
    },
  }
}
