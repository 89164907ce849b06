import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { type AdvertisedOffer, advertisedOffers, findAdvertised } from '#offers'
import { rules } from '#platform/http/rules'
import { cursorOf, placeOf } from '../v1/cursor.ts'
import { usdView } from '../v1/usd.ts'
import { type BazaarExtension, metadataOf } from './bazaar-extension.ts'
import type { BuyContext } from './buy.ts'
import { requirementsOf } from './challenge.ts'
import { serviceResources } from './service-resources.ts'

const tags = ['x402']
const Text = (description: string) => Type.Optional(Type.String({ maxLength: 200, description }))
const Anything = Type.Object({}, { additionalProperties: true })

const [DEFAULT_LIMIT, MAX_LIMIT] = [20, 100]

const filters = {
  type: Text('`http`; there is nothing else here'),
  payTo: Text('Wallet that is paid'),
  scheme: Text('`exact`; there is nothing else here'),
  network: Text('CAIP-2'),
  extensions: Text(
    'An extension that the resource speaks: `bazaar`, `payment-identifier`, `offer-receipt` or `sign-in-with-x`',
  ),
  limit: Text(`${DEFAULT_LIMIT} unless said; brought to 1 to ${MAX_LIMIT}`),
}
const ListQuery = Type.Object({ ...filters, offset: Text('How many to skip') })
const SearchQuery = Type.Object({
  query: Type.String({ maxLength: 1000, description: 'Words, or beginnings of words' }),
  ...filters,
  cursor: Text('`pagination.cursor` of the page before'),
})

const ResourceView = Type.Object({
  resource: Type.String({ description: 'Its URL: what x402 is spoken at' }),
  type: Type.String(),
  x402Version: Type.Integer(),
  accepts: Type.Array(Anything),
  lastUpdated: Type.String(),
  description: Type.String(),
  mimeType: Type.String(),
  serviceName: Type.Optional(Type.String()),
  tags: Type.Optional(Type.Array(Type.String())),
  extensions: Anything,
  metadata: Type.Object({
    offerId: Type.Optional(Type.String()),
    serviceId: Type.Optional(Type.String({ description: 'A job of escrow, which may take a while' })),
    title: Type.String(),
    category: Type.String(),
    priceUsd: Type.Number(),
  }),
})

const ListView = Type.Object({
  x402Version: Type.Integer(),
  items: Type.Array(ResourceView),
  pagination: Type.Object({ limit: Type.Integer(), offset: Type.Integer(), total: Type.Integer() }),
})
const SearchView = Type.Object({
  x402Version: Type.Integer(),
  resources: Type.Array(ResourceView),
  partialResults: Type.Boolean(),
  pagination: Type.Object({
    limit: Type.Integer(),
    cursor: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  }),
})

/** Lists of what can be bought with a wallet, in the shape of x402's Bazaar; read by the field's own clients. */
export const discoveryRoutes =
  (context: BuyContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = rules({ auth: 'public' })
    const all = { tags, summary: 'Resources to be bought', querystring: ListQuery, response: { 200: ListView } }
    app.get('/discovery/resources', { config, schema: all }, async ({ query }) => {
      const [limit, offset] = [limitOf(query.limit), offsetOf(query.offset)]
      const { offers, total } = isServed(context, query)
        ? await advertisedOffers(context.read, { ...wantedBy(context, query), offset, limit })
        : NOTHING
      const rest = { payTo: query.payTo, offset: Math.max(0, offset - total), limit: limit - offers.length }
      // Services come after all offers.
      const services = isServed(context, query) ? await serviceResources(context, rest) : { items: [], total: 0 }
      const items = [...(await resourcesOf(context, offers)), ...services.items]
      return { x402Version: 2, items, pagination: { limit, offset, total: total + services.total } }
    })

    const found = { tags, summary: 'Search resources', querystring: SearchQuery, response: { 200: SearchView } }
    app.get('/discovery/search', { config, schema: found }, async ({ query: asked }) => {
      const { query: text, cursor } = asked
      const limit = limitOf(asked.limit)
      const after = cursor ? placeOf('search', cursor) : undefined
      const { offers, next } = isServed(context, asked)
        ? await findAdvertised(context.read, { ...wantedBy(context, asked), text, after, limit })
        : { offers: [], next: null }
      const pagination = { limit, cursor: next && cursorOf('search', next) }
      return {
        ...{ x402Version: 2, resources: await resourcesOf(context, offers) },
        ...{ partialResults: next !== null, pagination },
      }
    })
  }

const NOTHING = { offers: [], total: 0 }

type Filters = Pick<Static<typeof SearchQuery>, 'type' | 'scheme' | 'network' | 'extensions'>

/** All resources here are of one kind, so these filters let everything through, or nothing. */
function isServed({ facilitators }: BuyContext, { type, scheme, network, extensions }: Filters): boolean {
  const is = (asked: string | undefined, ...served: string[]) => !asked || served.includes(asked)
  return (
    is(type, 'http') &&
    is(scheme, 'exact') &&
    is(network, ...facilitators.all.map(({ chain }) => chain.network)) &&
    is(extensions, 'bazaar', 'payment-identifier', 'offer-receipt', 'sign-in-with-x')
  )
}

function wantedBy({ facilitators }: BuyContext, { payTo, network }: { payTo?: string; network?: string }) {
  const all = facilitators.all.map(({ chain }) => chain.network)
  return { payTo, networks: network ? all.filter((each) => each === network) : all }
}

const WellKnown = Type.Object({
  version: Type.Integer(),
  x402Version: Type.Integer(),
  resources: Type.Array(Type.String()),
  instructions: Type.String(),
})
const WellKnownItems = Type.Object({
  x402Version: Type.Integer(),
  lastUpdated: Type.String(),
  items: Type.Array(
    Type.Object({
      resource: Type.String(),
      accepts: Type.Array(Anything),
      input: Anything,
      output: Type.Union([Anything, Type.Null()]),
    }),
  ),
  discovery: Type.String({ description: 'The whole list, page by page' }),
})

/** The same for those who look at a host without knowing it: advisory, and no more than the first page. */
export const wellKnownX402Routes =
  (context: BuyContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { publicUrl, read } = context
    const list = `${publicUrl}/discovery/resources`
    const first = () => advertisedOffers(read, { ...wantedBy(context, {}), offset: 0, limit: MAX_LIMIT })

    const names = { tags, summary: 'Where x402 is spoken here', response: { 200: WellKnown } }
    app.get('/.well-known/x402', { config: rules({ auth: 'public' }), schema: names }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60')
      const { offers } = await first()
      const instructions = `Ask any of these without a payment: the 402 says its price. All of them, page by page: ${list}`
      return { version: 1, x402Version: 2, resources: offers.map(({ id }) => `${publicUrl}/x402/${id}`), instructions }
    })

    const whole = { tags, summary: 'Where x402 is spoken here, and how', response: { 200: WellKnownItems } }
    app.get('/.well-known/x402.json', { config: rules({ auth: 'public' }), schema: whole }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60')
      const { offers } = await first()
      const resources = await resourcesOf(context, offers)
      const newest = Math.max(0, ...offers.map(({ updatedAt }) => updatedAt.getTime()))
      const items = resources.map(({ resource, accepts, extensions }) => {
        const { input, output } = (extensions as { bazaar: BazaarExtension }).bazaar.info
        return { resource, accepts, input, output: output ?? null }
      })
      return { x402Version: 2, lastUpdated: new Date(newest).toISOString(), items, discovery: list }
    })
  }

async function resourcesOf(
  { read, payeesOfAll, publicUrl, bazaar }: BuyContext,
  offers: readonly AdvertisedOffer[],
): Promise<Static<typeof ResourceView>[]> {
  const payees = await payeesOfAll(read, [...new Set(offers.map(({ sellerId }) => sellerId))])
  return Promise.all(
    offers.map(async (offer) => {
      const { id, title, description, category, priceMicros: amount, settlesFirst, updatedAt } = offer
      const url = `${publicUrl}/x402/${id}`
      const wallets = payees.get(offer.sellerId) ?? []
      const price = { url, description, amount, settlesFirst }
      return {
        ...{ resource: url, type: 'http', x402Version: 2, lastUpdated: updatedAt.toISOString() },
        accepts: wallets.map((payee) => requirementsOf({ ...price, payees: wallets }, payee)),
        ...{ description, mimeType: 'application/json', ...metadataOf(offer) },
        extensions: { bazaar: await bazaar.extensionOf(offer) },
        metadata: { offerId: id, title, category, priceUsd: usdView(amount) },
      }
    }),
  )
}

function limitOf(text = ''): number {
  return /^-?\d+$/.test(text) ? Math.min(Math.max(Number(text), 1), MAX_LIMIT) : DEFAULT_LIMIT
}

const MAX_OFFSET_DIGITS = 9

function offsetOf(text = ''): number {
  return /^\d+$/.test(text) && text.length <= MAX_OFFSET_DIGITS ? Number(text) : 0
}
