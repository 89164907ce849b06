import type { Logger } from 'pino'

/** Work that is due: `run` does a bounded piece of it and answers how much, zero when there is nothing left. */
export interface Sweep {
  readonly name: string
  readonly run: () => Promise<number>
  /** Whether there is work that cannot be done yet but will be in a moment; `runUntilIdle` waits for it. */
  readonly isBehind?: () => Promise<boolean>
  /** How often it looks when nobody wakes it. */
  readonly everyMs?: number
  /** No commit of ours brings it work any sooner, so wakes do not wake it. */
  readonly ignoresWakes?: boolean
}

export interface Sweeper {
  start(): void
  /** Look now: something was committed. */
  wake(): void
  /** Runs every sweep until none finds anything; the test clock uses it. */
  runUntilIdle(bound?: Bound): Promise<void>
  /** When a sweep last ended without an error, by name; a worker that hangs shows here. */
  health(): Record<string, { lastRunAt: Date | null; lastError: string | null }>
  stop(): Promise<void>
}

/** In a market that others are busy in rest may never come: after so long that is left to the loops. */
export interface Bound {
  readonly withinMs: number
}

const DEFAULT_EVERY_MS = 250
const ERROR_PAUSE_MS = 1000
/** In a busy market something is committed all the time: each look rests so long, and finds more to do at once. */
const REST_MS = 50
const BEHIND_PAUSE_MS = 10
const MAX_ROUNDS = 1000

/**
 * Runs the sweeps, each in a loop of its own so that a slow chain never holds a deadline back. Sweeps claim rows with
 * `skip locked`, so any number of processes may sweep one database.
 */
export function createSweeper(sweeps: readonly Sweep[], log: Pick<Logger, 'error'>): Sweeper {
  const { once, health } = createRunner(sweeps)
  const naps = createNaps()
  let loops: Promise<void>[] = []

  const loop = async (sweep: Sweep) => {
    while (!naps.over()) {
      const seen = naps.wakes()
      try {
        const handled = await once(sweep)
        await naps.nap(REST_MS, 'deep')
        if (handled > 0) continue
        const { everyMs = DEFAULT_EVERY_MS, ignoresWakes = false } = sweep
        // What was committed while it looked is not slept over.
        if (ignoresWakes || naps.wakes() === seen) await naps.nap(everyMs, ignoresWakes ? 'deep' : 'light')
      } catch (error) {
        log.error({ err: error, sweep: sweep.name }, 'a sweep failed and will try again')
        // However busy the market is, what is broken is tried once a second.
        await naps.nap(ERROR_PAUSE_MS, 'deep')
      }
    }
  }
  return {
    wake: naps.wake,
    start: () => {
      loops = sweeps.map(loop)
    },
    runUntilIdle: async (bound) => {
      const until = bound && performance.now() + bound.withinMs
      for (let round = 0; until !== undefined || round < MAX_ROUNDS; round++) {
        if (until !== undefined && performance.now() > until) return
        let handled = 0
        for (const sweep of sweeps) handled += await once(sweep)
        if (handled > 0) continue
        if (!(await isAnyBehind(sweeps))) return
        await naps.nap(BEHIND_PAUSE_MS, 'deep')
      }
      throw new Error('the sweeps did not come to rest in a thousand rounds')
    },
    health,
    stop: async () => {
      naps.end()
      await Promise.all(loops)
    },
  }
}

async function isAnyBehind(sweeps: readonly Sweep[]): Promise<boolean> {
  for (const { isBehind } of sweeps) if (await isBehind?.()) return true
  return false
}

/** Runs sweeps and remembers how they fared. One sweep never runs twice at once here: who asks meanwhile waits its turn. */
function createRunner(sweeps: readonly Sweep[]) {
  const state = new Map(
    sweeps.map(({ name }) => [name, { lastRunAt: null as Date | null, lastError: null as string | null }]),
  )
  const turns = new Map<string, Promise<unknown>>()
  const once = async (sweep: Sweep): Promise<number> => {
    const turn = (turns.get(sweep.name) ?? Promise.resolve()).then(sweep.run)
    turns.set(
      sweep.name,
      turn.catch(() => {}),
    )
    const seen = state.get(sweep.name)
    try {
      const handled = await turn
      if (seen) Object.assign(seen, { lastRunAt: new Date(), lastError: null })
      return handled
    } catch (error) {
      if (seen) seen.lastError = (error as Error).message
      throw error
    }
  }
  return { once, health: () => Object.fromEntries(state) }
}

/** Pauses that end early: a light one by any wake, a deep one only by the end. */
function createNaps() {
  const sleepers = new Map<() => void, 'light' | 'deep'>()
  let wakes = 0
  let over = false
  return {
    wakes: () => wakes,
    over: () => over,
    nap: (ms: number, depth: 'light' | 'deep' = 'light') =>
      new Promise<void>((resolve) => {
        if (over) return resolve()
        const done = () => {
          clearTimeout(timer)
          sleepers.delete(done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        sleepers.set(done, depth)
      }),
    wake: () => {
      wakes++
      for (const [done, depth] of [...sleepers]) if (depth === 'light') done()
    },
    end: () => {
      over = true
      for (const done of [...sleepers.keys()]) done()
    },
  }
}
