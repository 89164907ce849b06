import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { noteCalls } from '#offers'
import { openWorld, type TestAgent, type World } from '../world.ts'

let world: World
let seller: TestAgent
let other: TestAgent

beforeAll(async () => {
  world = await openWorld()
  seller = await world.agent({ name: 'seller' })
  other = await world.agent()
})
afterAll(() => world.close())

const INPUT = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } }
const OFFER = {
  title: 'Translator',
  description: 'Translates short texts into French.',
  category: 'language',
  priceCents: 2,
  offerType: 'api',
  endpoint: 'https://seller.example/translate',
}
const DOWNLOAD = { ...OFFER, offerType: 'download', endpoint: undefined, fileUrl: 'https://seller.example/book.pdf' }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/

async function list(more: object = {}, by = seller): Promise<string> {
  const { status, body } = await by.post('/api/v1/offers', { ...OFFER, ...more })
  expect([status, body]).toEqual([201, { offerId: expect.stringMatching(UUID) }])
  return body.offerId
}

const read = async (id: string) => (await world.call('GET', `/api/v1/offers/${id}`)).body.offer
const called = (offerId: string, outcomes: readonly boolean[]) =>
  world.souk.store.transact((tx) =>
    noteCalls(tx, { calls: outcomes.map((delivered) => ({ offerId, buyerId: other.id, delivered })) }),
  )

async function browse(query: Record<string, string> = {}) {
  const { status, body } = await world.call('GET', `/api/v1/offers?${new URLSearchParams(query)}`)
  expect([status, body]).toEqual([200, expect.objectContaining({ offers: expect.any(Array) })])
  return body as { offers: { id: string; priceCents: number }[]; nextCursor?: string | null }
}
const found = async (query: Record<string, string>) => (await browse(query)).offers.map(({ id }) => id)

async function refused(body: object, status = 400) {
  const answer = await seller.post('/api/v1/offers', body)
  expect(answer.status).toBe(status)
  expect(answer.body).toMatchObject({ error: expect.any(String), code: expect.any(String), fix: expect.any(String) })
  return answer.body
}

test('PA-28 a seller without activation lists an API and gets {offerId}', async () => {
  const id = await list({ tags: ['french'], inputSchema: INPUT, estimatedDurationSeconds: 0.5 })
  expect(await read(id)).toEqual({
    _id: id,
    id,
    sellerId: seller.id,
    title: OFFER.title,
    description: OFFER.description,
    category: 'language',
    tags: ['french'],
    priceCents: 2,
    priceUsd: 0.02,
    currency: 'USDC',
    offerType: 'api',
    endpoint: OFFER.endpoint,
    httpMethod: 'POST',
    inputSchema: INPUT,
    outputSchema: null,
    estimatedDurationSeconds: 0.5,
    previewDescription: null,
    externalUrl: null,
    settlesFirst: false,
    source: 'native',
    externalResourceId: null,
    isActive: true,
    paidCalls: 0,
    deliveredCalls: 0,
    buyers: 0,
    health: { status: 'healthy', reason: null, checkedAt: null, stale: false },
    seller: {
      _id: seller.id,
      id: seller.id,
      name: 'seller',
      verified: false,
      reputation: { successRate: 1, score: 0, trusted: false },
    },
    buyUrl: `/x402/${id}`,
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: expect.stringMatching(/Z$/),
  })
})

test('PA-28 creating, changing and deleting need a key', async () => {
  const id = await list()
  for (const [method, path, body] of [
    ['POST', '/api/v1/offers', OFFER],
    ['PATCH', `/api/v1/offers/${id}`, { priceCents: 1 }],
    ['DELETE', `/api/v1/offers/${id}`, undefined],
  ] as const) {
    const { status, body: answer } = await world.call(method, path, body ? { body } : {})
    expect([status, answer.error]).toEqual([
      401,
      'Unauthorized. Provide a valid API key in Authorization: Bearer <key>',
    ])
  }
})

test.each([
  ['PA-28 an API without endpoint', { endpoint: undefined }],
  ['PA-28 a download without fileUrl', { offerType: 'download' }],
  ['PA-28 another type', { offerType: 'relay' }],
  ['no title', { title: '' }],
  ['a title of 201 characters', { title: 'x'.repeat(201) }],
  ['no description', { description: undefined }],
  ['a description of 2001 characters', { description: 'x'.repeat(2001) }],
  ['a category of 101 characters', { category: 'x'.repeat(101) }],
  ['PA-25 a price of nothing', { priceCents: 0 }],
  ['PA-25 a price above 10,000,000 cents', { priceCents: 10_000_001 }],
  ['PA-25 the same in words', { priceCents: '10000001' }],
  ['PA-25 a price finer than a cent', { priceCents: 1.5 }],
  ['D-30 a price that is true', { priceCents: true }],
  ['D-30 a price with an exponent', { priceCents: '1e3' }],
  ['D-30 a field nobody knows', { priceUsd: 5 }],
  ['another method', { httpMethod: 'HEAD' }],
  ['a time of nothing', { estimatedDurationSeconds: 0 }],
  ['a preview of 1001 characters', { previewDescription: 'x'.repeat(1001) }],
  ['a probe of 16385 characters', { verificationBody: 'x'.repeat(16_385) }],
  ['D-31 a schema that is none', { inputSchema: { type: 'strnig' } }],
  ['D-31 a schema that reaches out', { outputSchema: { $ref: 'https://a.example/schema' } }],
])('%s is refused with 400', async (_what, more) => {
  await refused({ ...OFFER, ...more })
})

test('PA-63 faults are told field by field', async () => {
  expect(await refused({ ...OFFER, title: undefined, tags: [1] })).toMatchObject({
    error: 'Validation failed',
    details: ['title: is required', 'tags.0: must be string'],
  })
  expect(await refused({ ...OFFER, endpoint: undefined })).toMatchObject({
    details: [expect.stringMatching(/^endpoint: /)],
  })
})

test.each([
  ...['http://10.0.0.1/x', 'https://192.168.1.1/', 'http://169.254.169.254/latest/meta-data', 'http://[fe80::1]/'],
  ...['https://metadata.google.internal/', 'http://[::ffff:10.0.0.1]/', 'file:///etc/passwd', 'not a url', ''],
  ...['https://user:password@seller.example/', 'http://127.0.0.1:3000/api/v1/offers', 'http://localhost:3000/'],
])('PA-29 %j is refused as endpoint, fileUrl and externalUrl, also in a change', async (url) => {
  const id = await list()
  for (const field of ['endpoint', 'fileUrl', 'externalUrl']) {
    const { code, details } = await refused({ ...OFFER, [field]: url })
    expect([code, details]).toEqual(['url_not_allowed', [expect.stringMatching(`^${field}: `)]])
    expect((await seller.patch(`/api/v1/offers/${id}`, { [field]: url })).status).toBe(400)
  }
})

test('D-3 the ends of every range are taken, cents in words too', async () => {
  const least = { title: 'x', description: 'x', category: 'x', tags: [], priceCents: '1' }
  expect(await read(await list(least))).toMatchObject({ ...least, priceCents: 1, priceUsd: 0.01 })
  const texts = { title: 'x'.repeat(200), description: 'x'.repeat(2000), category: 'x'.repeat(100) }
  const most = { ...texts, previewDescription: 'x'.repeat(1000), verificationBody: 'x'.repeat(16_384) }
  const listed = await read(await list({ ...most, priceCents: 10_000_000, httpMethod: 'DELETE' }))
  expect(listed).toMatchObject({ ...texts, priceCents: 10_000_000, priceUsd: 100_000, httpMethod: 'DELETE' })
})

test('PA-27 fileUrl and the body of probes are shown to nobody, not even in a list', async () => {
  const category = newId()
  const secrets = { fileUrl: 'https://seller.example/treasure.zip', verificationBody: 'knock-knock' }
  const id = await list({ ...DOWNLOAD, ...secrets, category })
  const answers = [
    await world.call('GET', `/api/v1/offers/${id}`),
    await seller.get(`/api/v1/offers/${id}`),
    await world.call('GET', `/api/v1/offers?category=${category}`),
    await world.call('GET', '/api/v1/offers?sort=new'),
    await seller.patch(`/api/v1/offers/${id}`, { priceCents: 3 }),
  ]
  for (const { status, body } of answers) {
    expect(status).toBe(200)
    expect(JSON.stringify(body)).not.toMatch(/treasure|fileUrl|knock|verificationBody/)
  }
  expect(answers[0]?.body.offer).toMatchObject({ id, offerType: 'download', settlesFirst: true, endpoint: null })
})

test('PA-26 what looks like a secret in a URL is REDACTED for everybody', async () => {
  const endpoint = 'https://seller.example/run?lang=fr&api_key=abc123&X-Amz-Signature=f00'
  const category = newId()
  const id = await list({ category, endpoint, externalUrl: 'https://seller.example/about?token=xyz789' })
  expect(await read(id)).toMatchObject({
    endpoint: 'https://seller.example/run?lang=fr&api_key=REDACTED&X-Amz-Signature=REDACTED',
    externalUrl: 'https://seller.example/about?token=REDACTED',
  })
  const lists = await world.call('GET', `/api/v1/offers?category=${category}`)
  expect(JSON.stringify(lists.body)).not.toMatch(/abc123|f00|xyz789/)
})

test('PA-14 what is no id is 400, unknown or inactive offers are 404', async () => {
  const id = await list()
  await seller.delete(`/api/v1/offers/${id}`)
  for (const [asked, status] of [
    [id, 404],
    [newId(), 404],
    [seller.id, 404],
    ['k57abc', 400],
    ['%00', 400],
  ] as const) {
    const answer = await world.call('GET', `/api/v1/offers/${asked}`)
    expect([answer.status, answer.body.error]).toEqual([status, expect.any(String)])
  }
})

test('PA-30 the seller changes any field; what is left out stays', async () => {
  const id = await list({ tags: ['a'], externalUrl: 'https://seller.example/about', inputSchema: INPUT })
  const before = await read(id)
  const changes = { title: 'Renamed', priceCents: '7', httpMethod: 'GET', settlesFirst: true, externalUrl: null }
  expect(await seller.patch(`/api/v1/offers/${id}`, changes)).toMatchObject({ status: 200, body: { ok: true } })
  const after = await read(id)
  const updatedAt = expect.any(String)
  expect(after).toEqual({ ...before, ...changes, priceCents: 7, priceUsd: 0.07, updatedAt })
  for (const bad of [{}, { priceCents: 0 }, { sellerId: newId() }, { endpoint: null }, { isActive: 'yes' }])
    expect((await seller.patch(`/api/v1/offers/${id}`, bad)).status).toBe(400)
  expect(await read(id)).toEqual(after)
})

test('PA-30 others get 403 and change nothing; unknown offers are 404', async () => {
  const id = await list()
  const before = await read(id)
  const change = { endpoint: 'http://10.0.0.1/' }
  expect((await other.patch(`/api/v1/offers/${id}`, { priceCents: 1 })).status).toBe(403)
  expect((await other.patch(`/api/v1/offers/${id}`, change)).status).toBe(403)
  expect((await other.delete(`/api/v1/offers/${id}`)).status).toBe(403)
  expect((await other.patch(`/api/v1/offers/${newId()}`, change)).status).toBe(404)
  expect((await other.delete(`/api/v1/offers/${newId()}`)).status).toBe(404)
  expect((await other.delete('/api/v1/offers/nothing')).status).toBe(400)
  expect(await read(id)).toEqual(before)
})

test('PA-31 DELETE deactivates the offer, and isActive lists it again', async () => {
  const category = newId()
  const id = await list({ category })
  for (let i = 0; i < 2; i++)
    expect(await seller.delete(`/api/v1/offers/${id}`)).toMatchObject({ status: 200, body: { ok: true } })
  expect(await found({ category })).toEqual([])
  await seller.patch(`/api/v1/offers/${id}`, { isActive: true })
  expect(await found({ category })).toEqual([id])
})

test('D-14 the same Idempotency-Key lists an offer once', async () => {
  const category = newId()
  const headers = { 'idempotency-key': newId() }
  const send = () => seller.post('/api/v1/offers', { ...OFFER, category }, headers)
  const [first, again] = [await send(), await send()]
  expect([again.status, again.body]).toEqual([201, first.body])
  expect(await found({ category })).toEqual([first.body.offerId])
})

test('D-33 a key that may only read lists nothing', async () => {
  const made = await seller.post('/api/v1/auth/keys', { name: 'reader', scopes: ['read'] })
  const { status } = await world.call('POST', '/api/v1/offers', { key: made.body.apiKey, body: OFFER })
  expect(status).toBe(403)
})

test('D-35 a suspended seller lists nothing new', async () => {
  const suspended = await world.agent()
  await world.call('PATCH', `/api/v1/admin/agents/${suspended.id}`, {
    key: world.operatorKey,
    body: { suspended: true },
  })
  const { status, body } = await suspended.post('/api/v1/offers', OFFER)
  expect([status, body.code]).toEqual([403, 'seller_suspended'])
})

test.each(['top', 'price', 'new'])('PA-22 sorted by %s every offer is met once, page by page', async (sort) => {
  for (const priceCents of [5, 1, 9, 1, 5]) await list({ priceCents })
  const whole = await browse({ sort, limit: '200' })
  expect(whole.nextCursor).toBeNull()
  const seen: { id: string; priceCents: number }[] = []
  let cursor: string | null | undefined
  do {
    const page = await browse({ sort, limit: '3', ...(cursor ? { cursor } : {}) })
    seen.push(...page.offers)
    cursor = page.nextCursor
  } while (cursor)
  expect(seen).toEqual(whole.offers)
  expect(seen.length).toBeGreaterThan(5)
  const prices = seen.map(({ priceCents }) => priceCents)
  if (sort === 'price') expect(prices).toEqual([...prices].sort((a, b) => a - b))
})

test('PA-22 without sort the proven come first, and every offer is shown with buyUrl and its seller', async () => {
  const id = await list()
  await called(id, [true, true, true])
  const { offers } = await browse()
  expect(offers[0]).toMatchObject({
    id,
    _id: id,
    buyUrl: `/x402/${id}`,
    priceUsd: 0.02,
    paidCalls: 3,
    deliveredCalls: 3,
    seller: { id: seller.id, reputation: { successRate: 1, score: 0, trusted: false } },
  })
  expect(offers[0]).not.toHaveProperty('inputSchema')
})

test('PA-22 limit is 50 unless said and is brought to 1 to 200', async () => {
  for (let i = 0; i < 51; i++) await list()
  const sizes = async (limit: string) => (await browse({ limit })).offers.length
  expect([await sizes(''), await sizes('ten'), await sizes('0'), await sizes('-5'), await sizes('2')]).toEqual([
    50, 50, 1, 1, 2,
  ])
  expect(await sizes('1000')).toBeGreaterThan(50)
})

test.each(['sort=best', 'offerType=relay', 'cursor=x', 'cursor=dG9wIDEgMQ', 'sort=price&sort=new', 'q=a&q=b'])(
  'PA-22 offers?%s is refused with 400',
  async (query) => {
    expect((await world.call('GET', `/api/v1/offers?${query}`)).status).toBe(400)
  },
)

test('PA-22 a cursor belongs to the sort it came from', async () => {
  const { nextCursor } = await browse({ sort: 'price', limit: '1' })
  const { status, body } = await world.call('GET', `/api/v1/offers?sort=new&cursor=${nextCursor}`)
  expect([status, body.code]).toEqual([400, 'cursor_invalid'])
})

test('PA-23 q searches title, description and tags; with q or category there are no pages', async () => {
  const word = `w${newId().slice(-12)}`
  const category = newId()
  const byTitle = await list({ category, title: `The ${word} offer` })
  const byTag = await list({ category, tags: [word], offerType: 'download', fileUrl: 'https://seller.example/f' })
  const byText = await list({ category: newId(), description: `Does ${word}, too.` })
  expect(await found({ q: word })).toEqual([byTitle, byTag, byText])
  expect(await found({ q: word, category })).toEqual([byTitle, byTag])
  expect(await found({ q: word, offerType: 'download' })).toEqual([byTag])
  expect(await found({ q: word, limit: '1' })).toEqual([byTitle])
  expect(await found({ category, sort: 'new' })).toEqual([byTag, byTitle])
  expect(await found({ q: '%' })).toEqual([])
  for (const query of [{ q: word }, { category }]) expect(await browse(query)).not.toHaveProperty('nextCursor')
  expect(await browse({ q: ' ', category: '' })).toHaveProperty('nextCursor')
})

test('PA-66 an offer paid three times and never delivered is hidden, and can still be read', async () => {
  const category = newId()
  const [bad, good] = [await list({ category }), await list({ category })]
  await called(bad, [false, false])
  expect(await found({ category })).toEqual([good, bad])
  await called(bad, [false])
  expect(await found({ category })).toEqual([good])
  expect(await read(bad)).toMatchObject({ paidCalls: 3, deliveredCalls: 0 })
  await called(bad, [true])
  expect(await found({ category })).toEqual([good, bad])
})
