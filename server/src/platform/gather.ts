/** What became of one item of a gathered batch. */
export type Outcome<T> = { readonly done: T } | { readonly refused: unknown }

export interface GathererOptions<Item, Result> {
  /** Handles a batch as one; each item succeeds or is refused alone. A throw means the whole batch did nothing. */
  readonly run: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>
  /** Most items in one batch. */
  readonly maxItems: number
  /** Batches running at once. */
  readonly maxRunning?: number
  /**
   * How long to gather on after a batch of several: where many ask, few large batches cost a third less than many small
   * ones. Who asks alone never waits.
   */
  readonly restMs?: number
  /** Whether a batch that threw is tried again in halves, so that one bad item cannot fail its neighbours. */
  readonly retryAlone?: (error: unknown) => boolean
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what arrives while the previous batch is at work into the next one: one round trip and one commit for many
 * callers, and no added delay for a single one (an idle gatherer runs at once).
 */
export function createGatherer<Item, Result>(options: GathererOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { run, maxItems, maxRunning = 1, restMs = 0, retryAlone = () => false } = options
  const queue: Waiting<Item, Result>[] = []
  let running = 0
  let scheduled = false

  const settle = (batch: readonly Waiting<Item, Result>[], outcomes: readonly Outcome<Result>[]) => {
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) reject(new Error('a gathered batch answered fewer outcomes than items'))
      else if ('done' in outcome) resolve(outcome.done)
      else reject(outcome.refused)
    }
  }
  const work = async (batch: readonly Waiting<Item, Result>[]) => {
    try {
      settle(batch, await run(batch.map(({ item }) => item)))
    } catch (error) {
      if (batch.length === 1 || !retryAlone(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      // Halved until the bad item is alone, so that one of many costs a few rounds and not one for each.
      const middle = Math.ceil(batch.length / 2)
      await work(batch.slice(0, middle))
      await work(batch.slice(middle))
    }
  }
  const kick = () => {
    if (scheduled || running >= maxRunning || queue.length === 0) return
    scheduled = true
    // setImmediate lets every request already read from its socket join this batch.
    setImmediate(() => {
      scheduled = false
      if (running >= maxRunning || queue.length === 0) return
      const batch = queue.splice(0, maxItems)
      running++
      const done = () => {
        running--
        kick()
      }
      void work(batch).finally(() => (restMs > 0 && batch.length > 1 ? setTimeout(done, restMs) : done()))
      // What did not fit begins a batch of its own, if another one may run.
      kick()
    })
  }
  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject })
      kick()
    })
}
