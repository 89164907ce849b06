import { driveCallers } from './callers.ts'
import type { Slice } from './rounds.ts'
import { openWire, type Request, type Wire } from './wire.ts'

/** What the load generator is told at its start, as JSON in its first argument. */
export interface JobLoad {
  readonly host: string
  readonly port: number
  readonly callers: number
  readonly serviceId: string
  readonly sellerKey: string
  readonly buyerKeys: readonly string[]
  /** Whether every request carries an Idempotency-Key, as careful clients' do. */
  readonly idempotent: boolean
}

/** To the generator: run for so many seconds. From it: what came of it. */
export type JobLoadAnswer = { readonly slice: Slice; readonly jobs: number } | { readonly error: string }

const load = JSON.parse(process.argv[2] ?? '') as JobLoad
const wires = await Promise.all(Array.from({ length: load.callers }, () => openWire(load.host, load.port)))
let requests = 0

async function ask(wire: Wire, request: Request, status: number): Promise<{ id: string; status: string }> {
  const headers = load.idempotent ? { 'idempotency-key': `${process.pid}-${requests++}` } : {}
  const answer = await wire.post({ ...request, path: `/api/v1${request.path}`, headers })
  if (answer.status !== status) throw new Error(`${request.path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body as { id: string; status: string }
}

/** A whole job: hired, delivered, taken. All its money moves. */
async function job(caller: number): Promise<void> {
  const wire = wires[caller] as Wire
  const buyerKey = load.buyerKeys[caller % load.buyerKeys.length] as string
  const hire = {
    type: 'direct',
    serviceId: load.serviceId,
    input: { text: 'The quick brown fox jumps over the lazy dog.' },
  }
  const { id } = await ask(wire, { path: '/jobs', key: buyerKey, body: hire }, 201)
  const output = { bullets: ['A fox jumps.', 'A dog is lazy.'] }
  await ask(wire, { path: `/jobs/${id}/deliver`, key: load.sellerKey, body: { output } }, 200)
  const { status } = await ask(wire, { path: `/jobs/${id}/accept-delivery`, key: buyerKey }, 200)
  if (status !== 'completed') throw new Error(`job ${id} is ${status} after its delivery was taken`)
}

async function slice(seconds: number): Promise<JobLoadAnswer> {
  const cpu = process.cpuUsage()
  const driven = await driveCallers({ callers: load.callers, seconds }, job)
  const { user, system } = process.cpuUsage(cpu)
  const jobs = driven.latenciesMs.length
  return { slice: { ...driven, figures: { loadCpuMicrosEach: (user + system) / jobs } }, jobs }
}

process.on('message', (seconds: number) => {
  slice(seconds)
    .catch((error: Error): JobLoadAnswer => ({ error: error.message }))
    .then((answer) => process.send?.(answer))
    .catch(() => process.exit(1))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
