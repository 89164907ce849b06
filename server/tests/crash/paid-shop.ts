import { setTimeout as pause } from 'node:timers/promises'
import sql, { type Sql } from 'sql-template-tag'
import { expect } from 'vitest'
import type { Dice } from './dice.ts'
import type { Market } from './market.ts'
import { until } from './until.ts'
import { NoAnswer, type Reply } from './wire.ts'

/** Something on sale, for one cent. */
export interface Shop {
  readonly offerId: string
  readonly payTo: string
}

export async function openShop({ insist }: Market, { payTo, url }: { payTo: string; url: string }): Promise<Shop> {
  const about = { name: 'Seller', description: 'Echoes.', walletAddress: payTo }
  const agent = await insist({ method: 'POST', path: '/api/v1/agents', body: about })
  const listing = {
    title: 'Echo',
    description: 'Echoes.',
    category: 'text',
    priceCents: 1,
    offerType: 'api',
    endpoint: url,
  }
  const offer = await insist({ method: 'POST', path: '/api/v1/offers', key: agent.body.apiKey, body: listing })
  expect(offer.status).toBe(201)
  return { offerId: offer.body.offerId, payTo }
}

/** Until it is sold: what is unanswered, not now, or the fault of a seller cut off, is asked again with the same payment. */
export async function insistOnSale(market: Market, ask: Parameters<Market['ask']>[0]): Promise<Reply> {
  let last = 'nothing'
  return until(
    async () => {
      try {
        const reply = await market.ask(ask)
        last = `${reply.status} ${reply.text}`
        return reply.status === 503 || reply.status === 502 ? undefined : reply
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        last = error.message
        return undefined
      }
    },
    { what: () => `a purchase: ${last}`, everyMs: 50 },
  )
}

/** Waits for one of these moments, or not for long; then a little more. */
export async function fatalMoment({ store }: Market, dice: Dice, moments: readonly Sql[]): Promise<void> {
  const watched = dice.pick(moments)
  const givenUpAt = Date.now() + 2000
  while (Date.now() < givenUpAt && !(await store.read.one(watched))) await pause(2)
  await pause(dice.int(0, 8))
}

/** Until nothing is under way any more, neither purchases nor settlements. */
export async function allEnded({ store }: Market): Promise<void> {
  await until(
    async () => {
      const open = await store.read.one(sql`
        select 1 from purchase where ended_at is null union all select 1 from settlement where state = 'sent'
        union all select 1 from svm_settlement where state = 'sent' limit 1`)
      return open === undefined
    },
    { what: 'purchases to end', withinMs: 90_000, everyMs: 100 },
  )
}
