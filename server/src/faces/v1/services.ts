import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import {
  catalogRefusals,
  categories,
  checkChanges,
  checkService,
  type DiscoverFilters,
  deactivateService,
  discoverServices,
  type JsonSchema,
  type ListedService,
  serviceLimits as limits,
  listService,
  ownedService,
  type ServiceDraft,
  type SortBy,
  serviceById,
  servicesOf,
  standingsOf,
  updateService,
} from '#catalog'
import type { Page, PageRequest } from '#kernel/page'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { microsOf } from './amounts.ts'
import type { V1Context } from './context.ts'
import { PageQuery, PaginationView, pageOf, paginationView } from './paging.ts'
import { ServiceCardView, ServiceView, serviceView, serviceViewsOf, showcaseOf } from './service-view.ts'

const MAX_PRICE = Number(limits.priceMicros.max)

const text = ({ min, max }: { min: number; max: number }) => Type.String({ minLength: min, maxLength: max })
const integer = ({ min, max }: { min: number; max: number }, description: string) =>
  Type.Integer({ minimum: min, maximum: max, description })
const textOrNull = ({ min, max }: { min: number; max: number }) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: min, maxLength: max })

/** An object here; what it may say as a schema is checked by the catalog, with a path to every fault. */
const Schema = (description: string) => Type.Unsafe<JsonSchema>({ type: 'object', description })

const Price = Type.Union(
  [Type.Integer({ minimum: 1, maximum: MAX_PRICE }), Type.String({ pattern: '^[1-9]\\d{0,15}$' })],
  { description: 'Micro-units: a whole number, or its decimal string. 1 USDC = 1000000.' },
)

/** JP-36 to JP-47. No `default` here: in a change, what is left out stays as it is. */
const required = {
  name: text(limits.name),
  description: text(limits.description),
  category: text(limits.category),
  inputSchema: Schema("JSON Schema of a job's input"),
  outputSchema: Schema("JSON Schema of a job's output"),
  pricePerJob: Price,
}
const optional = {
  tags: Type.Array(text(limits.tag), { maxItems: limits.tags }),
  exampleInput: Type.Unknown({ description: 'Must satisfy inputSchema; null: none' }),
  exampleOutput: Type.Unknown({ description: 'Must satisfy outputSchema; null: none' }),
  model: textOrNull(limits.model),
  modelProvider: textOrNull(limits.model),
  maxExecutionTimeSecs: integer(limits.maxExecutionSeconds, 'From acceptance to delivery; 300 unless said'),
  reviewTimeoutSecs: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: limits.reviewSeconds.min,
    maximum: limits.reviewSeconds.max,
    description: "From delivery to payment; null: the market's default",
  }),
  autoAccept: Type.Boolean({ description: 'Jobs begin without your accept; true unless said' }),
  maxConcurrentJobs: integer(limits.maxConcurrentJobs, 'Jobs at work at once; 5 unless said'),
  queueEnabled: Type.Boolean({ description: 'Jobs beyond that wait in line; true unless said' }),
  maxQueueSize: integer(limits.maxQueueSize, 'Jobs in line; 20 unless said'),
  minClientTrustScore: Type.Number({ minimum: 0, maximum: 1, description: 'Refuses clients below; 0 unless said' }),
}

const ListBody = Type.Object(
  { ...required, ...Type.Partial(Type.Object(optional)).properties },
  { additionalProperties: false },
)
const ChangeBody = Type.Object(
  Type.Partial(
    Type.Object({
      ...required,
      ...optional,
      active: Type.Boolean({ description: 'true lists a deactivated service again' }),
    }),
  ).properties,
  { additionalProperties: false, minProperties: 1 },
)

const Word = Type.String({ maxLength: 200 })
const SORTS: readonly SortBy[] = ['price', 'rating', 'completedJobs', 'newest']

const DiscoverQuery = Type.Object({
  ...PageQuery.properties,
  search: Type.Optional({ ...Word, description: 'Words, or beginnings of words, of name and description' }),
  q: Type.Optional({ ...Word, description: 'The same as search' }),
  category: Type.Optional(Word),
  model: Type.Optional(Word),
  modelProvider: Type.Optional(Word),
  tags: Type.Optional(Type.String({ maxLength: 1000, description: 'Comma-separated; any of them' })),
  minPrice: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_PRICE, description: 'Micro-units' })),
  maxPrice: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_PRICE, description: 'Micro-units' })),
  sortBy: Type.Optional(
    Type.Unsafe<SortBy>({ type: 'string', enum: SORTS, description: 'Without it the best services come first' }),
  ),
})

const ServiceParams = Type.Object({ id: Type.String() })
const ServicesView = Type.Object({ services: Type.Array(ServiceCardView), pagination: PaginationView })
const Category = Type.Object({ name: Type.String(), count: Type.Integer() })
const CategoriesView = Type.Object({ categories: Type.Array(Category) })
const MessageView = Type.Object({ message: Type.String() })

const tags = ['Services']
const visible = rules({ auth: 'public' })
const trade = rules({ auth: 'activated', scope: 'trade' })

/** Services of JustPayAI's contract: listing, finding, changing (JP-36 to JP-55). */
export const serviceRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(finding(souk))
    await app.register(reading(souk))
    await app.register(offering(souk))
    await app.register(changing(souk))
  }

const finding =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const lists = { tags, response: { 200: ServicesView } }
    const discover = { ...lists, summary: 'Find services', querystring: DiscoverQuery }
    for (const path of ['/services/discover', '/services'])
      app.get(path, { config: visible, schema: discover }, async ({ query }) => {
        const page = pageOf(query)
        return servicesView(souk, page, await discoverServices(souk.read, { filters: filtersOf(query), page }))
      })

    const mine = { ...lists, summary: 'Your services, newest first, deactivated ones too', querystring: PageQuery }
    app.get('/services/mine', { config: rules({ auth: 'key' }), schema: mine }, async (request) => {
      const page = pageOf(request.query)
      const { partyId: ownerId } = callerOf(request)
      return servicesView(souk, page, await servicesOf(souk.read, { ownerId, page }))
    })
  }

const reading =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const all = { tags, summary: 'Categories with services in them', response: { 200: CategoriesView } }
    app.get('/services/categories', { config: visible, schema: all }, async () => ({
      categories: await categories(souk.read),
    }))

    const one = {
      tags,
      summary: 'One service, with its schemas',
      params: ServiceParams,
      response: { 200: ServiceView },
    }
    app.get('/services/:id', { config: visible, schema: one }, async ({ params }) => {
      const service = await serviceById(souk.read, params.id)
      if (!service) throw catalogRefusals.service_unknown()
      return serviceView(service, await standingOf(souk, service))
    })
  }

const offering =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = { tags, summary: 'List a service', body: ListBody, response: { 201: ServiceView } }
    app.post('/services', { config: trade, schema }, async (request, reply) => {
      const { partyId: ownerId } = callerOf(request)
      const service = await checkService(draftOf(request.body), souk)
      const showcase = await showcaseOf(souk, [ownerId])
      return souk.answer(request, reply, 201, async (tx) =>
        serviceView(await listService(tx, { ownerId, service }), showcase),
      )
    })
  }

const changing =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const change = { tags, summary: 'Change your service', params: ServiceParams, body: ChangeBody }
    const changed = { ...change, response: { 200: ServiceView } }
    app.patch('/services/:id', { config: trade, schema: changed }, async (request, reply) => {
      const whose = { serviceId: request.params.id, by: callerOf(request).partyId }
      const service = await ownedService(souk.read, whose)
      const changes = await checkChanges(fieldsOf(request.body), { ...souk, service })
      const standing = await standingOf(souk, service)
      return souk.answer(request, reply, 200, async (tx) =>
        serviceView(await updateService(tx, { ...whose, changes }), standing),
      )
    })

    const remove = { tags, summary: 'Take your service off the market', params: ServiceParams }
    const removed = { ...remove, response: { 200: MessageView } }
    app.delete('/services/:id', { config: trade, schema: removed }, async (request, reply) => {
      const whose = { serviceId: request.params.id, by: callerOf(request).partyId }
      return souk.answer(request, reply, 200, async (tx) => {
        await deactivateService(tx, whose)
        return { message: 'Service deactivated' }
      })
    })
  }

function draftOf(body: Static<typeof ListBody>): ServiceDraft {
  const { name, description, category, inputSchema, outputSchema } = body
  const priceMicros = microsOf(body.pricePerJob, 'pricePerJob')
  return { ...fieldsOf(body), name, description, category, inputSchema, outputSchema, priceMicros }
}

/** The contract's words into the catalog's. */
function fieldsOf({
  pricePerJob,
  maxExecutionTimeSecs,
  reviewTimeoutSecs,
  minClientTrustScore,
  ...same
}: Static<typeof ChangeBody>) {
  return {
    ...same,
    priceMicros: pricePerJob === undefined ? undefined : microsOf(pricePerJob, 'pricePerJob'),
    maxExecutionSeconds: maxExecutionTimeSecs,
    reviewSeconds: reviewTimeoutSecs,
    minClientTrust: minClientTrustScore,
  }
}

function filtersOf(query: Static<typeof DiscoverQuery>): DiscoverFilters {
  const { minPrice, maxPrice, tags: listed, q, ...same } = query
  const wanted = listed?.split(',').map((tag) => tag.trim())
  return {
    ...same,
    search: same.search ?? q,
    tags: wanted?.filter((tag) => tag !== ''),
    minPrice: minPrice === undefined ? undefined : BigInt(minPrice),
    maxPrice: maxPrice === undefined ? undefined : BigInt(maxPrice),
  }
}

async function standingOf(souk: V1Context, { id, ownerId }: { id: string; ownerId: string }) {
  const [showcase, standings] = await Promise.all([showcaseOf(souk, [ownerId]), standingsOf(souk.read, [id])])
  return { ...showcase, standing: standings.get(id) }
}

async function servicesView(souk: V1Context, page: PageRequest, { items, total }: Page<ListedService>) {
  return { services: await serviceViewsOf(souk, items), pagination: paginationView(page, total) }
}
