import { randomBytes } from 'node:crypto'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authRoutes } from '#faces/v1/auth'
import type { V1Context } from '#faces/v1/context'
import { serviceRoutes } from '#faces/v1/services'
import { createAuthenticator, markActivated } from '#identity'
import { newId } from '#kernel/id'
import { standardMarket } from '#platform/config/market'
import { buildHttp } from '#platform/http/app'
import { createAnswer, createAnswerBook } from '#platform/http/idempotency'
import { createSchemaValidator } from '#platform/strangers-schema/index'
import { openTestDatabase } from '#tests/database'
import { NEUTRAL_TRUST } from '#trust'

type World = Awaited<ReturnType<typeof openServiceWorld>>
let souk: World

beforeAll(async () => {
  souk = await openServiceWorld()
})
afterAll(() => souk.close())

const URL = 'http://localhost:3000'
const OWNER_SCORE = NEUTRAL_TRUST.score

/** The doors of registration and of services on a real database; the wallet stands in for itself. */
async function openServiceWorld() {
  const { store, close } = await openTestDatabase()
  const sealingKey = randomBytes(32)
  const validator = createSchemaValidator()
  const app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl: URL,
    version: '0.0.0',
    authenticate: createAuthenticator(store),
    operatorKey: randomBytes(24).toString('hex'),
    limits: 'off',
    trustProxy: false,
  })
  const context: Partial<V1Context> = {
    store,
    read: store.read,
    answer: createAnswer(store, createAnswerBook(store, sealingKey)),
    publicUrl: URL,
    validator,
    market: standardMarket,
    sealingKey,
    assignDepositAddress: async (_tx, partyId) => partyId,
    reputationOf: async (_db, ids) =>
      new Map(ids.map((id) => [id, { trustScore: OWNER_SCORE, disputeRate: 0, jobsCompleted: 0 }])),
  }
  for (const routes of [authRoutes, serviceRoutes])
    await app.register(routes(context as V1Context), { prefix: '/api/v1' })
  await app.ready()

  const ask = async (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    { key, body, headers }: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const answer = await app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
    return { status: answer.statusCode, body: answer.json() }
  }
  let names = 0
  const register = async ({ activated = true } = {}) => {
    const { body } = await ask('POST', '/auth/register', { body: { name: `agent-${++names}` } })
    if (activated) await store.transact((tx) => markActivated(tx, body.agentId))
    return body as { agentId: string; name: string; apiKey: string }
  }
  const owner = await register()
  return {
    ask,
    register,
    owner,
    list: async (more: Record<string, unknown> = {}, key = owner.apiKey) => {
      const { status, body } = await ask('POST', '/services', { key, body: { ...SERVICE, ...more } })
      expect(body).toMatchObject({ id: expect.any(String) })
      expect(status).toBe(201)
      return body
    },
    discover: async (query: Record<string, string | number>) => {
      const text = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      )
      const { status, body } = await ask('GET', `/services/discover?${text}`)
      expect(status).toBe(200)
      return body as { services: { id: string; name: string }[]; pagination: object }
    },
    close: async () => {
      await app.close()
      await validator.close()
      await close()
    },
  }
}

const INPUT = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } }
const OUTPUT = { type: 'object', required: ['bullets'], properties: { bullets: { type: 'array' } } }
const SERVICE = {
  name: 'Summarizer',
  description: 'Summarizes long documents into bullets.',
  category: 'text-processing',
  inputSchema: INPUT,
  outputSchema: OUTPUT,
  pricePerJob: 500_000,
}

const refusedListing = async (more: Record<string, unknown>) => {
  const { status, body } = await souk.ask('POST', '/services', {
    key: souk.owner.apiKey,
    body: { ...SERVICE, ...more },
  })
  expect(status).toBe(400)
  expect(body).toMatchObject({ error: expect.any(String), code: expect.any(String), fix: expect.any(String) })
  return body
}

test('a listed service answers 201 with everything in the words of the contract', async () => {
  const { owner } = souk
  expect(await souk.list({ tags: ['a'], exampleInput: { text: 'x' } })).toEqual({
    ...SERVICE,
    buyUrl: null,
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
    agentId: owner.agentId,
    tags: ['a'],
    exampleInput: { text: 'x' },
    exampleOutput: null,
    model: null,
    modelProvider: null,
    pricePerJob: '500000',
    maxExecutionTimeSecs: 300,
    reviewTimeoutSecs: null,
    autoAccept: true,
    maxConcurrentJobs: 5,
    queueEnabled: true,
    maxQueueSize: 20,
    minClientTrustScore: 0,
    active: true,
    version: 1,
    provider: {
      id: owner.agentId,
      name: owner.name,
      avatarUrl: null,
      websiteUrl: null,
      verified: false,
      trustScore: OWNER_SCORE,
    },
    ratings: { average: null, count: 0 },
    completedJobs: 0,
    url: expect.stringMatching(/^http:\/\/localhost:3000\/services\/[0-9a-f-]{36}$/),
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: expect.stringMatching(/Z$/),
  })
})

test.each([
  ['JP-36 a name of 1 character', { name: 'a' }],
  ['JP-36 a name of 101 characters', { name: 'a'.repeat(101) }],
  ['JP-37 a description of 9 characters', { description: 'a'.repeat(9) }],
  ['JP-37 a description of 2001 characters', { description: 'a'.repeat(2001) }],
  ['JP-38 a category of 1 character', { category: 'a' }],
  ['JP-38 a category of 51 characters', { category: 'a'.repeat(51) }],
  ['JP-39 eleven tags', { tags: Array.from({ length: 11 }, (_, i) => `t${i}`) }],
  ['JP-40 no input schema', { inputSchema: undefined }],
  ['JP-40 no output schema', { outputSchema: undefined }],
  ['JP-40 an input schema that is none', { inputSchema: { type: 'strnig' } }],
  ['JP-40 an output schema that reaches out', { outputSchema: { $ref: 'https://example.com/schema' } }],
  ['JP-40 an example the input schema refuses', { exampleInput: { text: 5 } }],
  ['JP-40 an example the output schema refuses', { exampleOutput: {} }],
  ['JP-41 no price', { pricePerJob: undefined }],
  ['JP-41 a price of nothing', { pricePerJob: 0 }],
  ['JP-41 a negative price', { pricePerJob: -5 }],
  ['JP-41 a price finer than a micro-unit', { pricePerJob: 0.5 }],
  ['JP-41 a price beyond all sense', { pricePerJob: '1000000000000001' }],
  ['JP-41 a price in words', { pricePerJob: '1e6' }],
  ['D-30 a price that is true', { pricePerJob: true }],
  ['D-30 a price in a list', { pricePerJob: [5] }],
  ['JP-42 4 seconds to execute', { maxExecutionTimeSecs: 4 }],
  ['JP-42 3601 seconds to execute', { maxExecutionTimeSecs: 3601 }],
  ['JP-43 autoAccept in words', { autoAccept: 'true' }],
  ['JP-44 no concurrent jobs', { maxConcurrentJobs: 0 }],
  ['JP-44 101 concurrent jobs', { maxConcurrentJobs: 101 }],
  ['JP-46 a queue of -1', { maxQueueSize: -1 }],
  ['JP-46 a queue of 1001', { maxQueueSize: 1001 }],
  ['JP-47 a trust below 0', { minClientTrustScore: -0.1 }],
  ['JP-47 a trust above 1', { minClientTrustScore: 1.1 }],
  ['D-7 a review of 59 seconds', { reviewTimeoutSecs: 59 }],
  ['D-30 a field nobody knows', { pricePerHour: 5 }],
])('%s is refused with 400', async (_what, more) => {
  await refusedListing(more)
})

test('JP-36 to JP-47 the ends of every range are taken', async () => {
  const least = { name: 'ab', description: 'a'.repeat(10), category: 'ab', tags: [], pricePerJob: 1 }
  const small = { maxExecutionTimeSecs: 5, maxConcurrentJobs: 1, maxQueueSize: 0, minClientTrustScore: 0 }
  const most = { name: 'a'.repeat(100), description: 'a'.repeat(2000), category: 'a'.repeat(50) }
  const large = { maxExecutionTimeSecs: 3600, maxConcurrentJobs: 100, maxQueueSize: 1000, minClientTrustScore: 1 }
  expect(await souk.list({ ...least, ...small })).toMatchObject({ ...least, ...small, pricePerJob: '1' })
  const tags = Array.from({ length: 10 }, (_, i) => `t${i}`)
  expect(await souk.list({ ...most, ...large, tags, pricePerJob: '1000000000000000' })).toMatchObject({
    ...most,
    ...large,
    tags,
    pricePerJob: '1000000000000000',
  })
})

test('JP-40 a refusal says where the schema is wrong', async () => {
  const body = await refusedListing({ inputSchema: { type: 'object', properties: { a: { type: 'strnig' } } } })
  expect(body).toMatchObject({
    code: 'service_invalid',
    field: 'inputSchema',
    errors: expect.arrayContaining([expect.stringContaining('/properties/a/type')]),
  })
})

test('JP-16 listing needs a key and an activated agent', async () => {
  expect((await souk.ask('POST', '/services', { body: SERVICE })).status).toBe(401)
  const { apiKey: key } = await souk.register({ activated: false })
  expect((await souk.ask('POST', '/services', { key, body: SERVICE })).status).toBe(403)
})

test('JP-173 the same Idempotency-Key lists a service once', async () => {
  const { apiKey: key } = await souk.register()
  const headers = { 'idempotency-key': newId() }
  const first = await souk.ask('POST', '/services', { key, body: SERVICE, headers })
  expect(await souk.ask('POST', '/services', { key, body: SERVICE, headers })).toEqual(first)
  expect((await souk.ask('GET', '/services/mine', { key })).body.pagination.total).toBe(1)
})

test('JP-174 markup in texts is stripped', async () => {
  const named = { name: '<script>alert(1)</script>Nice', tags: ['<i>x</i>'], model: '<b>m</b>' }
  expect(await souk.list(named)).toMatchObject({ name: 'alert(1)Nice', tags: ['x'], model: 'm' })
  expect(await refusedListing({ category: '<p></p>' })).toMatchObject({ code: 'service_invalid', field: 'category' })
})

test('a service is read by anybody, and what is no service is 404', async () => {
  const service = await souk.list()
  expect(await souk.ask('GET', `/services/${service.id}`)).toEqual({ status: 200, body: service })
  for (const id of [newId(), 'nothing', '%00', "'", '../discover']) {
    const { status, body } = await souk.ask('GET', `/services/${encodeURIComponent(id)}`)
    expect(status).toBe(404)
    expect(body.error).toEqual(expect.any(String))
  }
})

test('JP-50 the owner changes any field; what is left out stays', async () => {
  const service = await souk.list({ tags: ['a', 'b'], maxQueueSize: 7, model: 'm' })
  const changes = {
    name: 'Renamed',
    pricePerJob: '7',
    maxExecutionTimeSecs: 60,
    minClientTrustScore: 0.25,
    model: null,
  }
  const { status, body } = await souk.ask('PATCH', `/services/${service.id}`, {
    key: souk.owner.apiKey,
    body: changes,
  })
  expect(status).toBe(200)
  expect(body).toEqual({ ...service, ...changes, version: 2, updatedAt: body.updatedAt })
  expect((await souk.ask('GET', `/services/${service.id}`)).body).toEqual(body)
})

test('JP-50 others get 403 and change nothing; an unknown service is 404', async () => {
  const service = await souk.list()
  const { apiKey: key } = await souk.register()
  for (const method of ['PATCH', 'DELETE'] as const) {
    const body = method === 'PATCH' ? { body: { pricePerJob: 1 } } : {}
    expect((await souk.ask(method, `/services/${service.id}`, { key, ...body })).status).toBe(403)
    expect((await souk.ask(method, `/services/${service.id}`, body)).status).toBe(401)
    expect((await souk.ask(method, `/services/${newId()}`, { key, ...body })).status).toBe(404)
    expect((await souk.ask(method, '/services/nothing', { key, ...body })).status).toBe(404)
  }
  expect((await souk.ask('GET', `/services/${service.id}`)).body).toEqual(service)
})

test('a change is held to the same limits as a new service', async () => {
  const service = await souk.list({ exampleInput: { text: 'x' } })
  const bad = [
    {},
    { name: 'a' },
    { pricePerJob: null },
    { agentId: newId() },
    { inputSchema: { type: 'string' } },
    { exampleOutput: 'text' },
  ]
  for (const body of bad) {
    const answer = await souk.ask('PATCH', `/services/${service.id}`, { key: souk.owner.apiKey, body })
    expect(answer.status).toBe(400)
  }
  expect((await souk.ask('GET', `/services/${service.id}`)).body).toEqual(service)
})

test('JP-51 a deactivated service is gone from discover and can still be read', async () => {
  const category = newId()
  const service = await souk.list({ category })
  const { apiKey: key } = souk.owner
  expect((await souk.discover({ category })).services).toHaveLength(1)
  expect(await souk.ask('DELETE', `/services/${service.id}`, { key })).toEqual({
    status: 200,
    body: { message: expect.any(String) },
  })
  expect((await souk.ask('DELETE', `/services/${service.id}`, { key })).status).toBe(200)
  expect((await souk.discover({ category })).services).toEqual([])
  const { status, body } = await souk.ask('GET', `/services/${service.id}`)
  expect([status, body.active, body.version]).toEqual([200, false, 2])
  const mine = await souk.ask('GET', '/services/mine', { key })
  expect(mine.body.services.map(({ id }: { id: string }) => id)).toContain(service.id)
})

test('JP-52 discover is public, 20 a page unless asked otherwise, 100 at most', async () => {
  const category = newId()
  const { apiKey } = await souk.register()
  for (let i = 0; i < 23; i++) await souk.list({ category }, apiKey)
  const first = await souk.discover({ category })
  expect(first.services).toHaveLength(20)
  expect(first.pagination).toEqual({ page: 1, limit: 20, total: 23, totalPages: 2 })
  const second = await souk.discover({ category, page: 2 })
  expect(second.services).toHaveLength(3)
  expect(new Set([...first.services, ...second.services].map(({ id }) => id)).size).toBe(23)
  expect(await souk.discover({ category, page: 3 })).toMatchObject({ services: [], pagination: { total: 23 } })
  expect((await souk.discover({ category, limit: 100 })).services).toHaveLength(23)
  for (const query of ['limit=101', 'limit=0', 'limit=ten', 'page=0', 'page=-1', 'page=1e3', 'page=10001', 'page=1.5'])
    expect((await souk.ask('GET', `/services/discover?${query}`)).status).toBe(400)
})

test('lists show a service without its schemas and examples', async () => {
  const category = newId()
  const { inputSchema, outputSchema, exampleInput, exampleOutput, ...card } = await souk.list({ category })
  expect((await souk.discover({ category })).services).toEqual([card])
})

test('JP-53 discover filters by category, search, model, modelProvider, tags and price', async () => {
  const category = newId()
  const cheap = { name: 'Cheap lawyer', model: 'gpt-4o', modelProvider: 'OpenAI', tags: ['legal', 'fast'] }
  const dear = { name: 'Painter', description: 'Paints contracts in oil.', model: 'flux', modelProvider: 'BFL' }
  const one = await souk.list({ category, ...cheap, pricePerJob: 100 })
  const two = await souk.list({ category, ...dear, tags: ['art'], pricePerJob: 200 })
  const ids = async (query: Record<string, string | number>) =>
    (await souk.discover({ category, sortBy: 'price', ...query })).services.map(({ id }) => id)

  expect(await ids({})).toEqual([one.id, two.id])
  expect(await ids({ category: category.toUpperCase() })).toEqual([one.id, two.id])
  expect(await ids({ search: 'lawyer' })).toEqual([one.id])
  expect(await ids({ search: 'CONTRACT' })).toEqual([two.id])
  expect(await ids({ model: 'GPT-4o' })).toEqual([one.id])
  expect(await ids({ modelProvider: 'BFL', model: 'flux' })).toEqual([two.id])
  expect(await ids({ modelProvider: 'BFL', model: 'gpt-4o' })).toEqual([])
  expect(await ids({ tags: 'art' })).toEqual([two.id])
  expect(await ids({ tags: 'art, legal,' })).toEqual([one.id, two.id])
  expect(await ids({ minPrice: 101 })).toEqual([two.id])
  expect(await ids({ maxPrice: 199 })).toEqual([one.id])
  expect(await ids({ minPrice: 100, maxPrice: 200 })).toEqual([one.id, two.id])
  expect(await ids({ minPrice: 201 })).toEqual([])
  expect(await ids({ search: '', tags: '' })).toEqual([one.id, two.id])
})

test.each(['minPrice=-1', 'minPrice=abc', 'maxPrice=1.5', 'maxPrice=1e6', 'sortBy=name', 'search=a&search=b'])(
  'JP-52 discover?%s is refused with 400',
  async (query) => {
    expect((await souk.ask('GET', `/services/discover?${query}`)).status).toBe(400)
  },
)

test.each(['%25', '%00', '%5C', '%27', '%22', '%2A%3A', '%F0%9F%9A%80', '_'])(
  'JP-53 searching for %s is answered',
  async (strange) => {
    for (const filter of ['search', 'category', 'model', 'tags']) {
      const { status, body } = await souk.ask('GET', `/services/discover?${filter}=${strange}`)
      expect([status, body.services]).toEqual([200, []])
    }
  },
)

test('JP-54 discover sorts by price, rating, completedJobs and newest', async () => {
  const category = newId()
  const [middle, dear, cheap] = [
    await souk.list({ category, pricePerJob: 20 }),
    await souk.list({ category, pricePerJob: 30 }),
    await souk.list({ category, pricePerJob: 10 }),
  ]
  const ids = async (sortBy: string) => (await souk.discover({ category, sortBy })).services.map(({ id }) => id)
  expect(await ids('price')).toEqual([cheap.id, middle.id, dear.id])
  expect(await ids('newest')).toEqual([cheap.id, dear.id, middle.id])
  // Nothing is known of any of them yet: the newest first.
  expect(await ids('rating')).toEqual([cheap.id, dear.id, middle.id])
  expect(await ids('completedJobs')).toEqual([cheap.id, dear.id, middle.id])
})

test('categories are listed with how many services are in them', async () => {
  const name = `Category ${newId()}`
  await souk.list({ category: name })
  await souk.list({ category: name.toLowerCase() })
  const gone = await souk.list({ category: `${name} gone` })
  await souk.ask('DELETE', `/services/${gone.id}`, { key: souk.owner.apiKey })
  const { status, body } = await souk.ask('GET', '/services/categories')
  expect(status).toBe(200)
  const ours = body.categories.filter((category: { name: string }) =>
    category.name.toLowerCase().startsWith(name.toLowerCase()),
  )
  expect(ours).toEqual([{ name: expect.stringMatching(new RegExp(name, 'i')), count: 2 }])
})

test('an agent lists its own services with its key', async () => {
  const { apiKey: key } = await souk.register()
  const [one, two] = [await souk.list({}, key), await souk.list({}, key)]
  const { status, body } = await souk.ask('GET', '/services/mine?limit=1', { key })
  expect([status, body.services[0].id, body.pagination]).toEqual([
    200,
    two.id,
    { page: 1, limit: 1, total: 2, totalPages: 2 },
  ])
  expect((await souk.ask('GET', '/services/mine?limit=1&page=2', { key })).body.services[0].id).toBe(one.id)
  expect((await souk.ask('GET', '/services/mine')).status).toBe(401)
})
