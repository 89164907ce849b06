import { type Asking, ask, isPassing, LOST, pause } from './asking.ts'
import type { Bought } from './buy.ts'
import { BuyError } from './errors.ts'
import { jsonOf, saidIn } from './present.ts'

export interface DeliveryOptions {
  /** Ten minutes unless said. */
  readonly patienceMs?: number
  readonly fetch?: typeof fetch
  readonly signal?: AbortSignal
}

/** A job as its own address shows it to its buyer. */
export interface Job {
  readonly id: string
  readonly status: string
  readonly output: unknown
  /** What may be asked for by POST at its address. */
  readonly actions: readonly string[]
  readonly [name: string]: unknown
}

const PATIENCE_MS = 600_000
/** The market keeps us waiting for half a minute at most, and says so then. */
const ATTEMPT_MS = 60_000
const OVER = new Set(['completed', 'cancelled', 'expired', 'failed', 'rejected'])

/**
 * A service that was answered with 202 is a job at an address of its own, `location`: waits there until the seller has delivered.
 * Throws `undelivered` when the job has ended without, and `unfinished` when there is no time left; ask again then.
 */
export async function deliveryOf({ headers, payment }: Bought, options: DeliveryOptions = {}): Promise<Job> {
  const location = headers.get('location')
  if (location === null || payment === null) throw new TypeError('this was no job: there is no address to wait at')
  const url = new URL(location, payment.url)
  if (url.origin !== new URL(payment.url).origin) throw new TypeError(`${url.origin} is not where it was bought`)
  const asking: Asking = {
    ...{ fetch: options.fetch ?? fetch, signal: options.signal, attemptMs: ATTEMPT_MS },
    until: Date.now() + (options.patienceMs ?? PATIENCE_MS),
  }
  const fault = (kind: 'undelivered' | 'unfinished' | 'refused', message: string, code: string | null = null) =>
    new BuyError(kind, message, { key: payment.key, purchaseId: payment.purchaseId, code })
  for (let attempt = 0; ; attempt++) {
    const answer = await ask({ url: url.href, method: 'GET', body: null }, { prefer: 'wait=30' }, asking)
    if (answer !== LOST && !isPassing(answer.status)) {
      const job = jsonOf(answer.body) as unknown as Job
      if (answer.status >= 300) throw fault('refused', saidIn(answer).error, saidIn(answer).code)
      if (job.output !== undefined && job.output !== null) return job
      if (OVER.has(job.status)) throw fault('undelivered', `The job is ${job.status}, and the payment goes back`)
    }
    if (!(await pause(attempt, answer, asking))) throw fault('unfinished', 'The seller has not delivered yet')
  }
}
