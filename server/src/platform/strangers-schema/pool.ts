import { Worker } from 'node:worker_threads'
import { schemaRefusals } from './errors.ts'
import { fault, type SchemaFault } from './fault.ts'
import type { WorkerAnswer, WorkerJob } from './worker.ts'

export interface PoolOptions {
  /** Wall time one job may take; waiting and the start of a worker do not count. */
  readonly timeMs: number
  /** How many are kept when there is nothing to do; the first starts with the first job. */
  readonly workers: number
  readonly maxWorkers: number
  /** Jobs that may wait; one more is refused. */
  readonly maxWaiting: number
}

export interface Pool {
  run(job: WorkerJob): Promise<SchemaFault[]>
  close(): Promise<void>
}

interface Task {
  readonly job: WorkerJob
  readonly settle: (faults: SchemaFault[]) => void
  readonly fail: (error: Error) => void
}

interface Slot {
  readonly worker: Worker
  isReady: boolean
  task?: Task | undefined
  timer?: NodeJS.Timeout | undefined
}

const WORKER_FILE = new URL('./worker.ts', import.meta.url)
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }

/** Threads that may be killed: whatever a stranger's schema does to one, the process goes on. */
export function createPool(options: PoolOptions): Pool {
  const pool = new WorkerPool(options)
  return { run: (job) => pool.run(job), close: () => pool.close() }
}

class WorkerPool {
  readonly #options: PoolOptions
  readonly #slots = new Set<Slot>()
  readonly #waiting: Task[] = []
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  run(job: WorkerJob): Promise<SchemaFault[]> {
    return new Promise((settle, fail) => {
      if (this.#isClosed) return fail(new Error('the schema validator is closed'))
      if (this.#waiting.length >= this.#options.maxWaiting) return fail(schemaRefusals.schema_checks_busy())
      this.#waiting.push({ job, settle, fail })
      return this.#pump()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const task of this.#waiting.splice(0)) task.fail(new Error('the schema validator is closed'))
    await Promise.all([...this.#slots].map((slot) => this.#end(slot, [fault('', 'the check was broken off')])))
  }

  /** Gives waiting jobs to idle workers and starts workers for the rest. */
  #pump(): void {
    for (const slot of this.#slots) {
      if (slot.isReady && !slot.task) this.#assign(slot)
    }
    let starting = [...this.#slots].filter((slot) => !slot.isReady).length
    while (starting < this.#waiting.length && this.#slots.size < this.#options.maxWorkers) {
      this.#start()
      starting += 1
    }
  }

  #start(): void {
    const worker = new Worker(WORKER_FILE, { env: {}, execArgv: [], resourceLimits: LIMITS })
    const slot: Slot = { worker, isReady: false }
    this.#slots.add(slot)
    worker.on('message', (answer: WorkerAnswer) => this.#hear(slot, answer))
    worker.on('error', (error: NodeJS.ErrnoException) => this.#lose(slot, error))
    worker.on('exit', () => this.#lose(slot, new Error('the worker ended')))
  }

  #assign(slot: Slot): void {
    const task = this.#waiting.shift()
    if (!task) return
    slot.worker.postMessage(task.job)
    slot.task = task
    slot.worker.ref()
    slot.timer = setTimeout(() => this.#expire(slot), this.#options.timeMs)
  }

  #hear(slot: Slot, answer: WorkerAnswer): void {
    if (!this.#slots.has(slot)) return
    if (answer === 'ready') slot.isReady = true
    else this.#settle(slot, [...answer])
    this.#pump()
    if (slot.task) return
    slot.worker.unref()
    if (this.#slots.size > this.#options.workers) void this.#end(slot, [])
  }

  #expire(slot: Slot): void {
    void this.#end(slot, [fault('', 'the schema took too long to check')])
    this.#replace()
  }

  /** A worker died by itself: out of memory, most likely. One that never became ready is our bug, not a schema's. */
  #lose(slot: Slot, error: NodeJS.ErrnoException): void {
    if (!this.#slots.has(slot)) return
    const isOurBug = !slot.isReady
    const why = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'took too much memory to check' : 'could not be checked'
    void this.#end(slot, [fault('', `the schema ${why}`)])
    if (isOurBug) for (const task of this.#waiting.splice(0)) task.fail(error)
    else this.#replace()
  }

  #replace(): void {
    if (this.#isClosed) return
    if (this.#slots.size < this.#options.workers) this.#start()
    this.#pump()
  }

  async #end(slot: Slot, faults: SchemaFault[]): Promise<void> {
    this.#slots.delete(slot)
    this.#settle(slot, faults)
    await slot.worker.terminate()
  }

  #settle(slot: Slot, faults: SchemaFault[]): void {
    clearTimeout(slot.timer)
    slot.task?.settle(faults)
    slot.task = undefined
  }
}
