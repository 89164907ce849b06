import type { FastifyReply } from 'fastify'
import { Refusal } from '#kernel/refusal'
import type { DomainEvent } from '#platform/events'
import { SIGN_IN_STATEMENT } from './extensions.ts'
import { challengeOf, type SaleContext, saleOf } from './offer-sale.ts'

/** What an unpaid call of an offer is answered. */
export interface PriceTag {
  /** New each time, as it asks for a new signature of who would sign in. */
  readonly header: () => string
  readonly body: string
}

/**
 * The price is asked for far more often than anything is bought, and by everybody who does. So a tag is written once for all
 * who ask within a second. Whoever pays is told by what is kept, not by the tag: a tag that is old by then costs one more
 * 402. What this process changes itself it forgets at once.
 */
export interface PriceTags {
  /** Undefined for what is no offer of ours on sale: that is answered the long way. */
  of(id: string): Promise<PriceTag | undefined>
  /** Of what was committed here a moment ago. */
  forget(events: readonly Pick<DomainEvent, 'name' | 'subject'>[]): void
}

const FRESH_MS = 1000
const KEPT = 10_000
/** Where sellers are paid, and whether they may sell. */
const OF_SELLERS = ['agent.payout_wallet_changed', 'agent.suspended', 'agent.reinstated']

interface Kept {
  readonly tag: Promise<PriceTag | undefined>
  readonly untilMs: number
}

export function createPriceTags(context: SaleContext): PriceTags {
  const kept = new Map<string, Kept>()
  const write = (id: string): Promise<PriceTag | undefined> => {
    const tag = tagOf(context, id)
    const entry = { tag, untilMs: Date.now() + FRESH_MS }
    const drop = () => {
      if (kept.get(id) === entry) kept.delete(id)
    }
    // What is not on sale may be in a moment.
    tag.then((written) => written ?? drop(), drop)
    kept.delete(id)
    kept.set(id, entry)
    const [oldest] = kept.keys()
    if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
    return tag
  }
  return {
    of: (id) => {
      const known = kept.get(id)
      return known && known.untilMs > Date.now() ? known.tag : write(id)
    },
    forget: (events) => {
      for (const { name, subject } of events) {
        if (OF_SELLERS.includes(name)) kept.clear()
        else if (name.startsWith('offer.')) kept.delete(subject)
      }
    },
  }
}

export function showTag(reply: FastifyReply, { header, body }: PriceTag) {
  return reply.code(402).header('PAYMENT-REQUIRED', header()).type('application/json; charset=utf-8').send(body)
}

async function tagOf(context: SaleContext, id: string): Promise<PriceTag | undefined> {
  try {
    const sale = await saleOf(context, await context.offerOf(id))
    if (sale.offer.source !== 'native') return undefined
    const { required, body } = await challengeOf(context, sale, 'Payment required')
    return { header: headerOf(required, context), body: JSON.stringify(body) }
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** Closes the challenge, the extensions and the whole, all of which end with what is new each time. */
const END = '}}}'

/** All of the header but its end is encoded once; base64 takes three bytes at a time, so spaces fill the last of them. */
function headerOf(required: Awaited<ReturnType<typeof challengeOf>>['required'], { signIn, publicUrl }: SaleContext) {
  const path = required.resource.url.slice(publicUrl.length)
  const text = JSON.stringify(required)
  const end = text.lastIndexOf('"info":') + '"info":'.length
  const [start, old] = [Buffer.from(text.slice(0, end)), text.slice(end)]
  if (!(JSON.parse(old.slice(0, -END.length)) as { nonce?: string }).nonce)
    throw new Error('a challenge ends otherwise')
  const encoded = Buffer.concat([start, Buffer.from(' '.repeat((3 - (start.length % 3)) % 3))]).toString('base64')
  return () => encoded + Buffer.from(JSON.stringify(signIn.info(path, SIGN_IN_STATEMENT)) + END).toString('base64')
}
