import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Refusal } from '#kernel/refusal'
import type { Db, Store } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { Sweep } from '#platform/sweeps'
import type { Outcome } from './delivery.ts'
import type { WebhookFormat } from './format.ts'
import { outcomeOfAnswer, outcomeOfRefusal, WITHOUT_SECRET } from './outcome.ts'
import { conclude } from './outcomes.ts'
import { standardHeaders } from './signature.ts'
import { type Claim, type ClaimLimits, claimDue, hasDue } from './store.ts'

/** The recipients' `whsec_…` secrets: the current one first, then the one before while it is still valid. */
export type SecretsOf = (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>

export interface SendingLimits {
  /** Sends under way at once, in this process, not counting slow ones. */
  readonly concurrency: number
  /** A send that has taken so long is slow and gives its place to another. */
  readonly slowAfterMs: number
  /** Slow sends that are left alone; those beyond take up places again. */
  readonly slowPlaces: number
  /** Sends at once to recipients with an address that takes nothing at present; one each. */
  readonly suspects: number
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

const DEFAULT_LIMITS: SendingLimits = {
  ...{ concurrency: 64, slowAfterMs: 2_000, slowPlaces: 192, suspects: 16, perRecipient: 4 },
  ...{ timeoutMs: 10_000, leaseSeconds: 30 },
}
const LOOK_EVERY_MS = 100
const MAX_RESPONSE_BYTES = 256 * 1024

export interface Sending extends Sweep {
  /** Resolves when nothing is under way any more; for a shutdown that wastes no attempt. */
  settled(): Promise<void>
}

/**
 * Claims what is due, commits, sends, writes the outcome. `run` comes back to claim as soon as a send ends, or after a
 * moment. Whoever hangs must not hold back the others, however many they are: a slow send gives up its place, and who took
 * nothing last time gets few places and only one of its own, until it takes something.
 */
export function createSending(options: SendingOptions): Sending {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const underWay = createUnderWay(limits)
  let reserved = 0

  const start = (claim: Claim, secrets: readonly string[]) => {
    const send = sendOne(options, { claim, secrets, timeoutMs: limits.timeoutMs }).catch((error: unknown) => {
      // The lease stays and lapses, as if this process had died: the delivery is sent again.
      options.log.error({ err: error, delivery: claim.id }, 'a webhook was left without an outcome')
    })
    underWay.add(send, claim)
  }
  const claimSome = async (): Promise<number> => {
    const sends = underWay.free() - reserved
    if (sends <= 0) return 0
    reserved += sends
    try {
      const suspects = limits.suspects - underWay.suspects()
      const claims = await claim(options.store, { ...limits, sends, suspects })
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
      const endedBefore = underWay.ended()
      const claimed = await claimSome()
      if (claimed > 0) return claimed
      // What ended meanwhile may have left its place to something that had to wait for it.
      if (underWay.ended() > endedBefore) return 1
      const waiting = underWay.all()
      if (waiting.length > 0) await Promise.race([...waiting, pause(LOOK_EVERY_MS)])
      return waiting.length
    },
    settled: async () => {
      await Promise.all(underWay.all())
    },
  }
}

/** The sends of this process, and the places they leave. */
function createUnderWay({ concurrency, slowAfterMs, slowPlaces }: SendingLimits) {
  const sends = new Map<Promise<void>, { readonly startedAt: number; readonly isSuspect: boolean }>()
  let ended = 0
  return {
    all: () => [...sends.keys()],
    /** How many have ended so far. */
    ended: () => ended,
    suspects: () => [...sends.values()].filter(({ isSuspect }) => isSuspect).length,
    free: () => {
      const slowSince = performance.now() - slowAfterMs
      const slow = [...sends.values()].filter(({ startedAt }) => startedAt < slowSince).length
      return concurrency - (sends.size - Math.min(slow, slowPlaces))
    },
    add: (send: Promise<void>, { isSuspect }: Claim) => {
      const place: Promise<void> = send.finally(() => {
        sends.delete(place)
        ended++
      })
      sends.set(place, { startedAt: performance.now(), isSuspect })
    },
  }
}

async function claim(store: Store, limits: ClaimLimits): Promise<Claim[]> {
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
  const request = secrets.length === 0 ? {} : headersOf(options, send)
  const outcome = secrets.length === 0 ? WITHOUT_SECRET : await exchange(options, send, request)
  await options.store.transact((tx) => conclude(tx, { claim, outcome, request }))
}

function headersOf({ formats }: SendingOptions, { claim, secrets }: Send): Record<string, string> {
  const { noticeId, body, eventName, claimedAt } = claim
  const format = formats.find(({ name }) => name === claim.format)
  if (!format) throw new Error(`webhooks: nobody knows the format ${claim.format} any more`)
  return {
    'content-type': 'application/json',
    'user-agent': 'Souk-Webhooks',
    ...format.headers({ eventName, body, secrets }),
    ...standardHeaders({ id: noticeId, sentAt: claimedAt, body, secrets }),
  }
}

async function exchange(
  { outbound }: SendingOptions,
  { claim, timeoutMs }: Send,
  headers: Record<string, string>,
): Promise<Outcome> {
  const { url, body, claimedAt } = claim
  try {
    const request = { url, method: 'POST', headers, body, timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES } as const
    return outcomeOfAnswer(await outbound.fetch(request), claimedAt)
  } catch (error) {
    if (error instanceof Refusal) return outcomeOfRefusal(error)
    throw error
  }
}
