import { expect, test, vi } from 'vitest'
import { createSweeper, type Sweep } from './sweeps.ts'

/** A busy machine, or a transaction of another database of the cluster, may hold things up. */
const PATIENCE = { timeout: 15_000 }

const log = { error: vi.fn() }

/** A sweep over a pile of work, one piece a run. */
function pile(name: string, pieces: number, everyMs?: number) {
  const state = { left: pieces, runs: 0 }
  const sweep: Sweep = {
    name,
    ...(everyMs === undefined ? {} : { everyMs }),
    run: async () => {
      state.runs++
      if (state.left === 0) return 0
      state.left--
      return 1
    },
  }
  return { state, sweep }
}

test('runUntilIdle runs every sweep until none finds anything, also what one leaves to another', async () => {
  const last = pile('last', 0)
  const first: Sweep = {
    name: 'first',
    run: async () => {
      if (last.state.runs >= 5) return 0
      last.state.left++
      return 1
    },
  }
  await createSweeper([last.sweep, first], log).runUntilIdle()
  expect(last.state.left).toBe(0)
})

test('sweeps that find work for ever are reported instead of hanging', async () => {
  const sweeper = createSweeper([{ name: 'endless', run: async () => 1 }], log)
  await expect(sweeper.runUntilIdle()).rejects.toThrow(/come to rest/)
})

test('runUntilIdle leaves a market that never rests to the loops, where it is told how long to wait', async () => {
  const sweeper = createSweeper([{ name: 'endless', run: async () => 1 }], log)
  const startedAt = performance.now()
  await sweeper.runUntilIdle({ withinMs: 50 })
  expect(performance.now() - startedAt).toBeLessThan(1000)
})

test('a sweep works off its pile without pausing, then sleeps until it is woken', async () => {
  const { state, sweep } = pile('pile', 20, 60_000)
  const sweeper = createSweeper([sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(state).toMatchObject({ left: 0, runs: 21 }), PATIENCE)
  state.left = 1
  sweeper.wake()
  await vi.waitFor(() => expect(state.left).toBe(0), PATIENCE)
  await sweeper.stop()
})

test('however busy the market is, a sweep that finds nothing looks no more than fifty times a second', async () => {
  const { state, sweep } = pile('pile', 0, 60_000)
  const sweeper = createSweeper([sweep], log)
  sweeper.start()
  const until = performance.now() + 300
  while (performance.now() < until) {
    sweeper.wake()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(state.runs).toBeGreaterThan(1)
  expect(state.runs).toBeLessThan(20)
  await sweeper.stop()
})

test('a sweep that no commit concerns keeps to its own times', async () => {
  const { state, sweep } = pile('pile', 0, 60_000)
  const sweeper = createSweeper([{ ...sweep, ignoresWakes: true }, pile('other', 0, 60_000).sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(state.runs).toBe(1), PATIENCE)
  for (let wakes = 0; wakes < 5; wakes++) {
    sweeper.wake()
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  expect(state.runs).toBe(1)
  await sweeper.stop()
})

test('news that arrives while a sweep looks is not slept over', async () => {
  let release = () => {}
  let runs = 0
  const sweep: Sweep = {
    name: 'looking',
    everyMs: 60_000,
    run: async () => {
      if (++runs === 1) await new Promise<void>((resolve) => (release = resolve))
      return 0
    },
  }
  const sweeper = createSweeper([sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(runs).toBe(1), PATIENCE)
  sweeper.wake()
  release()
  await vi.waitFor(() => expect(runs).toBe(2), PATIENCE)
  await sweeper.stop()
})

test('stopping waits for the run at work, and for nothing else', async () => {
  let release = () => {}
  let [begun, ended] = [false, false]
  const sweep: Sweep = {
    name: 'slow',
    everyMs: 60_000,
    run: async () => {
      begun = true
      await new Promise<void>((resolve) => (release = resolve))
      ended = true
      return 0
    },
  }
  const sweeper = createSweeper([sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(begun).toBe(true), PATIENCE)
  const stopped = sweeper.stop()
  release()
  await stopped
  expect(ended).toBe(true)
})

test('one sweep that fails is logged, shown and tried again, and holds no other back', async () => {
  const { state, sweep } = pile('well', 3)
  let tries = 0
  const broken: Sweep = {
    name: 'broken',
    run: async () => {
      if (++tries === 1) throw new Error('the chain is away')
      return 0
    },
  }
  const sweeper = createSweeper([broken, sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(state.left).toBe(0), PATIENCE)
  expect(sweeper.health()['broken']).toEqual({ lastRunAt: null, lastError: 'the chain is away' })
  expect(log.error).toHaveBeenCalled()
  for (let wakes = 0; wakes < 100; wakes++) sweeper.wake()
  await vi.waitFor(() => expect(sweeper.health()['broken']?.lastError).toBeNull(), PATIENCE)
  expect(tries).toBe(2)
  expect(sweeper.health()['well']?.lastRunAt).toBeInstanceOf(Date)
  await sweeper.stop()
})

test('stopping does not wait for the pause after a failure', async () => {
  let tries = 0
  const sweeper = createSweeper([{ name: 'broken', run: async () => Promise.reject(new Error(`try ${++tries}`)) }], log)
  sweeper.start()
  await vi.waitFor(() => expect(tries).toBe(1), PATIENCE)
  await sweeper.stop()
  expect(tries).toBe(1)
})

test('runUntilIdle waits for work that a loop has already taken', async () => {
  let release = () => {}
  let left = 1
  let ended = false
  const sweep: Sweep = {
    name: 'taken',
    everyMs: 60_000,
    run: async () => {
      if (left === 0) return 0
      left--
      await new Promise<void>((resolve) => (release = resolve))
      ended = true
      return 1
    },
  }
  const sweeper = createSweeper([sweep], log)
  sweeper.start()
  await vi.waitFor(() => expect(left).toBe(0), PATIENCE)
  const idle = sweeper.runUntilIdle()
  setTimeout(release, 20)
  await idle
  expect(ended).toBe(true)
  await sweeper.stop()
})

test('runUntilIdle waits for what cannot be done yet', async () => {
  let runs = 0
  const sweep: Sweep = { name: 'behind', run: async () => (++runs === 5 ? 1 : 0), isBehind: async () => runs < 5 }
  await createSweeper([sweep], log).runUntilIdle()
  expect(runs).toBe(6)
})
