import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Refusal } from '#kernel/refusal'
import type { Db, Store } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { Sweep } from '#platform/sweeps'
import { decide, type Outcome } from './delivery.ts'
import type { WebhookFormat } from './format.ts'
import { outcomeOfAnswer, outcomeOfRefusal, WITHOUT_SECRET } from './outcome.ts'
import { standardHeaders } from './signature.ts'
import { type Claim, claimDue, hasDue, saveOutcome } from './store.ts'

/** The recipients' `whsec_…` secrets: the current one first, then the one before while it is still valid. */
export type SecretsOf = (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>

export interface SendingLimits {
  /** Sends under way at once, in this process. */
  readonly concurrency: number
  /** Sends to one recipient at once, so that a slow one fills only its own places. */
  readonly perRecipient: number
  /** One whole exchange. */
  readonly timeoutMs: number
  /** After this a sender that said nothing counts as dead and the delivery is sent again; longer than any exchange. */
  readonly leaseSeconds: number
}

export interface SendingOptions {
  readonly store: Store
  readonly outbound: Pick<Outbound, 'fetch'>
  readonly formats: readonly WebhookFormat[]
  readonly secretsOf: SecretsOf
  readonly log: Pick<Logger, 'error'>
  readonly limits?: Partial<SendingLimits> | undefined
}

const DEFAULT_LIMITS: SendingLimits = { concurrency: 64, perRecipient: 4, timeoutMs: 10_000, leaseSeconds: 30 }
const LOOK_EVERY_MS = 100
const MAX_RESPONSE_BYTES = 256 * 1024

export interface Sending extends Sweep {
  /** Resolves when nothing is under way any more; for a shutdown that wastes no attempt. */
  settled(): Promise<void>
}

/**
 * Claims what is due, commits, sends, writes the outcome. A send that hangs keeps one place and nothing else: `run` comes
 * back to claim as soon as another send ends, or after a moment.
 */
export function createSending(options: SendingOptions): Sending {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const underWay = new Set<Promise<void>>()
  let reserved = 0

  const start = (claim: Claim, secrets: readonly string[]) => {
    const send = sendOne(options, { claim, secrets, timeoutMs: limits.timeoutMs }).catch((error: unknown) => {
      // The lease stays and lapses, as if this process had died: the delivery is sent again.
      options.log.error({ err: error, delivery: claim.id }, 'a webhook was left without an outcome')
    })
    const place: Promise<void> = send.finally(() => underWay.delete(place))
    underWay.add(place)
  }
  const claimSome = async (): Promise<number> => {
    const sends = limits.concurrency - underWay.size - reserved
    if (sends <= 0) return 0
    reserved += sends
    try {
      const claims = await claim(options.store, { ...limits, sends })
      if (claims.length === 0) return 0
      const recipients = [...new Set(claims.map(({ recipientId }) => recipientId))]
      const secrets = await options.secretsOf(options.store.read, recipients)
      for (const claim of claims) start(claim, secrets.get(claim.recipientId) ?? [])
      return claims.length
    } finally {
      reserved -= sends
    }
  }
  return {
    name: 'webhooks',
    everyMs: LOOK_EVERY_MS,
    run: async () => {
      const claimed = await claimSome()
      if (claimed > 0) return claimed
      const waiting = underWay.size
      if (waiting > 0) await Promise.race([...underWay, pause(LOOK_EVERY_MS)])
      return waiting
    },
    settled: async () => {
      await Promise.all(underWay)
    },
  }
}

async function claim(store: Store, limits: SendingLimits & { sends: number }): Promise<Claim[]> {
  if (!(await hasDue(store.read, await store.now()))) return []
  return store.transact((tx) => claimDue(tx, limits))
}

interface Send {
  readonly claim: Claim
  readonly secrets: readonly string[]
  readonly timeoutMs: number
}

async function sendOne(options: SendingOptions, send: Send): Promise<void> {
  const { claim, secrets } = send
  const outcome = secrets.length === 0 ? WITHOUT_SECRET : await exchange(options, send)
  await options.store.transact((tx) =>
    saveOutcome(tx, { claim, outcome, verdict: decide(claim.attempts, outcome, tx.now) }),
  )
}

async function exchange({ outbound, formats }: SendingOptions, { claim, secrets, timeoutMs }: Send): Promise<Outcome> {
  const { noticeId, url, body, eventName, claimedAt } = claim
  const format = formats.find(({ name }) => name === claim.format)
  if (!format) throw new Error(`webhooks: nobody knows the format ${claim.format} any more`)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Souk-Webhooks',
    ...format.headers({ eventName, body, secrets }),
    ...standardHeaders({ id: noticeId, sentAt: claimedAt, body, secrets }),
  }
  try {
    const request = { url, method: 'POST', headers, body, timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES } as const
    return outcomeOfAnswer(await outbound.fetch(request), claimedAt)
  } catch (error) {
    if (error instanceof Refusal) return outcomeOfRefusal(error)
    throw error
  }
}
