import { driveCallers } from './callers.ts'
import { serveLoad } from './load-process.ts'
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

serveLoad(async (seconds) => {
  const cpu = process.cpuUsage()
  const driven = await driveCallers({ callers: load.callers, seconds }, job)
  const { user, system } = process.cpuUsage(cpu)
  const jobs = driven.latenciesMs.length
  return { slice: { ...driven, figures: { loadCpuMicrosEach: (user + system) / jobs } }, acts: jobs }
})
