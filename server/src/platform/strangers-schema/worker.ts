import { parentPort } from 'node:worker_threads'
import { checkOf } from './apply.ts'
import { fault, type SchemaFault } from './fault.ts'
import type { PreparedSchema } from './linear.ts'

export interface WorkerJob {
  readonly schema: PreparedSchema
  /** The value as JSON text. */
  readonly value: string
}

/** First `'ready'`, then the faults of each job in turn. */
export type WorkerAnswer = 'ready' | readonly SchemaFault[]

function answer(message: WorkerAnswer): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', ({ schema, value }: WorkerJob) => {
  try {
    answer(checkOf(schema)(JSON.parse(value)))
  } catch (error) {
    answer([fault('', `the schema cannot be applied (${(error as Error).name})`)])
  }
})
answer('ready')
