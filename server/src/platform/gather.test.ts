import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGatherer, type Outcome } from './gather.ts'

const doubled = (items: readonly number[]): Outcome<number>[] => items.map((item) => ({ done: item * 2 }))

/** A run that waits for a sign, so that a test decides when a batch ends. */
function heldRun() {
  const batches: { items: readonly number[]; finish: () => void; fail: (error: unknown) => void }[] = []
  const run = (items: readonly number[]) =>
    new Promise<Outcome<number>[]>((resolve, reject) => {
      batches.push({ items, finish: () => resolve(doubled(items)), fail: reject })
    })
  return { batches, run }
}

const nextTurns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('a single caller runs at once, alone', async () => {
  const sizes: number[] = []
  const gathered = createGatherer<number, number>({
    maxItems: 10,
    run: async (items) => {
      sizes.push(items.length)
      return doubled(items)
    },
  })
  expect(await gathered(21)).toBe(42)
  expect(sizes).toEqual([1])
})

test('callers that arrive while a batch is at work share the next one', async () => {
  const { batches, run } = heldRun()
  const gathered = createGatherer<number, number>({ maxItems: 10, run })
  const first = gathered(1)
  await nextTurns()
  const rest = [2, 3, 4].map(gathered)
  await nextTurns()
  expect(batches.map(({ items }) => items)).toEqual([[1]])
  batches[0]?.finish()
  expect(await first).toBe(2)
  await nextTurns()
  expect(batches[1]?.items).toEqual([2, 3, 4])
  batches[1]?.finish()
  expect(await Promise.all(rest)).toEqual([4, 6, 8])
})

test('as many batches run at once as are allowed, and no more', async () => {
  const { batches, run } = heldRun()
  const gathered = createGatherer<number, number>({ maxItems: 2, maxRunning: 3, run })
  const all = Array.from({ length: 8 }, (_, index) => gathered(index))
  await nextTurns()
  await nextTurns()
  expect(batches.map(({ items }) => items)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ])
  batches[1]?.finish()
  await nextTurns()
  expect(batches[3]?.items).toEqual([6, 7])
  for (const batch of batches) batch.finish()
  expect(await Promise.all(all)).toEqual([0, 2, 4, 6, 8, 10, 12, 14])
})

test('each caller gets its own outcome, whatever the batches are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer(), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (items, maxItems) => {
        const gathered = createGatherer<number, number>({
          maxItems,
          maxRunning: 2,
          run: async (batch) => {
            expect(batch.length).toBeLessThanOrEqual(maxItems)
            return batch.map((item) => (item % 3 === 0 ? { refused: new Error(`no ${item}`) } : { done: item * 2 }))
          },
        })
        const settled = await Promise.allSettled(items.map(gathered))
        settled.forEach((one, index) => {
          const item = items[index] as number
          if (item % 3 === 0) expect(one).toMatchObject({ status: 'rejected', reason: new Error(`no ${item}`) })
          else expect(one).toEqual({ status: 'fulfilled', value: item * 2 })
        })
      },
    ),
    { numRuns: 100 },
  )
})

test('a batch that throws is tried again item by item, so that one bad item fails alone', async () => {
  const gathered = createGatherer<number, number>({
    maxItems: 10,
    retryAlone: () => true,
    run: async (items) => {
      if (items.includes(3)) throw new Error('three')
      return doubled(items)
    },
  })
  const settled = await Promise.allSettled([1, 2, 3, 4].map(gathered))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
})

test('a throw that may not be retried reaches every caller of the batch, and the next batch runs', async () => {
  let runs = 0
  const gathered = createGatherer<number, number>({
    maxItems: 10,
    run: async (items) => {
      if (++runs === 1) throw new Error('nobody knows')
      return doubled(items)
    },
  })
  const settled = await Promise.allSettled([1, 2, 3].map(gathered))
  expect(settled.every((one) => one.status === 'rejected' && one.reason.message === 'nobody knows')).toBe(true)
  expect(await gathered(4)).toBe(8)
})

test('a run that answers too few outcomes rejects those it forgot', async () => {
  const gathered = createGatherer<number, number>({ maxItems: 10, run: async (items) => doubled(items).slice(1) })
  const settled = await Promise.allSettled([1, 2].map(gathered))
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})

test('after a batch of several the next one is gathered for a while; after a single caller it is not', async () => {
  const sizes: number[] = []
  const run = async (items: readonly number[]) => {
    sizes.push(items.length)
    return doubled(items)
  }
  const gathered = createGatherer<number, number>({ maxItems: 10, restMs: 20, run })
  await gathered(1)
  const early = [2, 3].map(gathered)
  await Promise.all(early)
  const late = [4].map(gathered)
  await nextTurns()
  late.push(gathered(5))
  expect(sizes).toEqual([1, 2])
  await Promise.all(late)
  expect(sizes).toEqual([1, 2, 2])
})
