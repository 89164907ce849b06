import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { identityRefusals, profileOf } from '#identity'
import { newestReceipts, type Receipt, receiptById, receiptRefusals, receiptsOfParty, tradesOf } from '#receipts'
import type { V1Context } from './context.ts'
import { CursorQuery, cursorOf, placeOf } from './cursor.ts'
import { IdParams, LimitQuery, limitOf, payanRules } from './payanagent.ts'
import { ReceiptView, receiptView, StatsView, statsView } from './receipt-view.ts'

type ReceiptContext = Pick<V1Context, 'read' | 'receiptSecret'>
type Face = (souk: ReceiptContext) => FastifyPluginAsyncTypebox

const tags = ['Receipts']
/** Places in the chain are the same in every list of receipts. */
const LIST = 'receipts'
const config = payanRules({ auth: 'public' })

const ListQuery = Type.Object({
  ...LimitQuery.properties,
  cursor: Type.Optional(CursorQuery),
})
const PartyQuery = Type.Object({
  ...ListQuery.properties,
  side: Type.Optional(
    Type.Union([Type.Literal('buyer'), Type.Literal('seller'), Type.Literal('both')], { default: 'both' }),
  ),
})
const page = {
  receipts: Type.Array(ReceiptView),
  nextCursor: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Null on the last page' }),
}

/** PayanAgent's receipts: public, of everybody and of one agent, newest first (PA-20, PA-57). */
export const receiptRoutes: Face = (souk) => async (app) => {
  await app.register(feed(souk))
  await app.register(ofAgents(souk))
}

const feed: Face = (souk) => async (app) => {
  const summary = 'All receipts, newest first'
  const list = { tags, summary, querystring: ListQuery, response: { 200: Type.Object(page) } }
  app.get('/receipts', { config, schema: list }, async ({ query }) => {
    const stretch = stretchOf(query)
    return pageView(await newestReceipts(souk.read, stretch), { ...stretch, ...souk })
  })

  const one = {
    tags,
    summary: 'One receipt',
    params: IdParams,
    response: { 200: Type.Object({ receipt: ReceiptView }) },
  }
  app.get('/receipts/:id', { config, schema: one }, async ({ params: { id } }) => {
    const receipt = await receiptById(souk.read, id)
    if (!receipt) throw receiptRefusals.receipt_unknown()
    return { receipt: receiptView(receipt, souk.receiptSecret) }
  })
}

const ofAgents: Face = (souk) => async (app) => {
  const summary = 'Receipts of an agent, newest first, and what they add up to'
  const response = { 200: Type.Object({ stats: StatsView, ...page }) }
  const schema = { tags, summary, params: IdParams, querystring: PartyQuery, response }
  app.get('/agents/:id/receipts', { config, schema }, async ({ params: { id: partyId }, query }) => {
    if (!(await profileOf(souk.read, partyId))) throw identityRefusals.agent_unknown()
    const stretch = stretchOf(query)
    const { side = 'both' } = query
    const [trades, receipts] = await Promise.all([
      tradesOf(souk.read, [partyId]),
      receiptsOfParty(souk.read, { partyId, side, ...stretch }),
    ])
    const own = trades.get(partyId)
    if (!own) throw new Error(`party ${partyId} has no trades, not even none`)
    return { stats: statsView(own), ...pageView(receipts, { ...stretch, ...souk }) }
  })
}

function stretchOf({ cursor, ...query }: Static<typeof ListQuery>): { limit: number; before?: bigint } {
  return { limit: limitOf(query), ...(cursor === undefined ? {} : { before: placeOf(LIST, cursor).key }) }
}

function pageView(
  receipts: readonly Receipt[],
  { limit, receiptSecret }: { limit: number; receiptSecret: Uint8Array },
) {
  const last = receipts.at(-1)
  return {
    receipts: receipts.map((receipt) => receiptView(receipt, receiptSecret)),
    nextCursor:
      last && receipts.length === limit && last.seq > 1n ? cursorOf(LIST, { key: last.seq, id: last.id }) : null,
  }
}
