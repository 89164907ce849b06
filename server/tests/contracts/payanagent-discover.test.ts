import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { noteCalls } from '#offers'
import { openWorld, type TestAgent, type World } from '../world.ts'

let world: World
let proven: TestAgent
let newcomer: TestAgent
let buyers: TestAgent[]

beforeAll(async () => {
  world = await openWorld()
  proven = await world.agent({ funds: 0n })
  newcomer = await world.agent({ funds: 0n })
  buyers = await Promise.all([world.agent({ funds: 10_000_000n }), world.agent({ funds: 10_000_000n })])
  const serviceId = await world.service(proven)
  for (const buyer of buyers) await trade(buyer, serviceId)
  await world.settle()
})
afterAll(() => world.close())

async function trade(buyer: TestAgent, serviceId: string): Promise<void> {
  const { body } = await buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'long' } })
  await proven.post(`/api/v1/jobs/${body.id}/deliver`, { output: { bullets: ['short'] } })
  expect((await buyer.post(`/api/v1/jobs/${body.id}/accept-delivery`)).status).toBe(200)
}

const OFFER = {
  ...{ title: 'Offer', description: 'Does something.', category: 'text', priceCents: 2, offerType: 'api' },
  endpoint: 'https://seller.example/run?api_key=s3cret',
}
async function offer(by: TestAgent, fields: object = {}): Promise<string> {
  const { status, body } = await by.post('/api/v1/offers', { ...OFFER, ...fields })
  expect(status).toBe(201)
  return body.offerId
}

const words = () => `w${newId().slice(-12)}`
const ask = (query: Record<string, string>) => world.call('GET', `/api/v1/discover?${new URLSearchParams(query)}`)
async function found(query: Record<string, string>) {
  const { status, body } = await ask(query)
  expect([status, body]).toEqual([200, expect.objectContaining({ agents: expect.any(Array) })])
  const idsOf = (hits: { id: string }[]) => hits.map(({ id }) => id)
  return { body, agents: idsOf(body.agents), offers: idsOf(body.offers), services: idsOf(body.services) }
}

test('PA-59 one question finds agents, offers and services, each as its own list shows it, and open requests', async () => {
  const word = words()
  const registered = await world.call('POST', '/api/v1/agents', {
    body: {
      ...{ name: `Agent ${word}`, description: 'Knows it.', walletAddress: `0x${newId().replaceAll('-', '')}00000000` },
      ...{ ownerEmail: `${word}@owner.example`, discoverySource: 'a friend' },
    },
  })
  const offerId = await offer(newcomer, { title: `The ${word} API` })
  const serviceId = await world.service(newcomer, { tags: [word] })
  const { body } = await found({ q: word })
  expect(body).toEqual({
    agents: [expect.objectContaining({ id: registered.body.agentId, _id: registered.body.agentId })],
    offers: [expect.objectContaining({ id: offerId, buyUrl: `/x402/${offerId}`, priceUsd: 0.02 })],
    openRequests: [],
    services: [expect.objectContaining({ id: serviceId, pricePerJob: '500000' })],
  })
  for (const [hit] of [body.agents, body.offers, body.services])
    expect(hit.rank).toEqual({ text: expect.any(Number), proof: expect.any(Number), weight: expect.any(Number) })
  expect(body.offers[0].seller).toMatchObject({ id: newcomer.id, reputation: { score: 0, trusted: false } })
})

test('PA-18 PA-26 PA-27 nothing private is found or shown', async () => {
  const word = words()
  const secret = words()
  await world.call('POST', '/api/v1/agents', {
    body: {
      ...{ name: word, description: 'x', walletAddress: `0x${newId().replaceAll('-', '')}00000001` },
      ...{ ownerEmail: `${secret}@owner.example`, discoverySource: secret },
    },
  })
  const files = { offerType: 'download', fileUrl: `https://seller.example/${secret}.zip`, verificationBody: secret }
  await offer(newcomer, { title: word, ...files, endpoint: undefined })
  await offer(newcomer, { title: word, endpoint: `https://seller.example/run?token=${secret}` })
  const { body } = await found({ q: word })
  expect([body.agents.length, body.offers.length]).toEqual([1, 2])
  expect(JSON.stringify(body)).not.toMatch(new RegExp(`${secret}|ownerEmail|discoverySource|fileUrl|verificationBody`))
  expect((await ask({ q: secret })).body).toEqual({ agents: [], offers: [], openRequests: [], services: [] })
})

test.each(['', '?q=', '?q=%20', '?limit=5', '?q=a&maxPriceCents=ten', '?q=a&offerType=relay', '?q=a&q=b'])(
  'PA-59 discover%s is refused with 400: q is required',
  async (query) => {
    const { status, body } = await world.call('GET', `/api/v1/discover${query}`)
    expect([status, body.error]).toEqual([400, 'Validation failed'])
  },
)

test('PA-60 maxPriceCents, offerType and category restrict the offers, and what they can the services', async () => {
  const word = words()
  const category = newId()
  const cheap = await offer(newcomer, { title: word, priceCents: 1, category })
  const dear = await offer(newcomer, { title: word, priceCents: 5 })
  const fileUrl = 'https://seller.example/file'
  const file = await offer(newcomer, { title: word, priceCents: 3, offerType: 'download', fileUrl })
  const service = await world.service(newcomer, { name: word, pricePerJob: 30_000 })
  expect((await found({ q: word })).offers.sort()).toEqual([cheap, dear, file].sort())
  const upTo3 = await found({ q: word, maxPriceCents: '3' })
  expect([upTo3.offers.sort(), upTo3.services]).toEqual([[cheap, file].sort(), [service]])
  expect(await found({ q: word, maxPriceCents: '2' })).toMatchObject({ offers: [cheap], services: [] })
  expect(await found({ q: word, maxPriceCents: '0' })).toMatchObject({ offers: [], services: [] })
  expect(await found({ q: word, offerType: 'download' })).toMatchObject({ offers: [file] })
  expect(await found({ q: word, category: category.toUpperCase() })).toMatchObject({ offers: [cheap], services: [] })
})

test('PA-59 limit bounds each list', async () => {
  const word = words()
  for (let n = 0; n < 3; n++) await offer(newcomer, { title: word })
  for (let n = 0; n < 2; n++) await world.service(newcomer, { name: word })
  const lengths = async (limit: string) => {
    const { offers, services } = await found({ q: word, limit })
    return [offers.length, services.length]
  }
  expect(await lengths('2')).toEqual([2, 2])
  expect(await lengths('0')).toEqual([1, 1])
  expect(await lengths('many')).toEqual([3, 2])
})

test('PA-5 PA-59 with the same words a seller that has delivered comes before one that has not', async () => {
  const word = words()
  const older = await offer(proven, { title: word })
  const newer = await offer(newcomer, { title: word })
  const { offers, body } = await found({ q: word })
  expect(offers).toEqual([older, newer])
  const [first, second] = body.offers
  expect(first.rank.text).toBe(second.rank.text)
  expect(first.rank.proof).toBeGreaterThan(second.rank.proof)
  expect((await world.call('GET', `/api/v1/offers?q=${word}`)).body.offers).toEqual(body.offers)
  for (const agent of [proven, newcomer]) await agent.patch('/api/v1/agents/me', { description: `Does ${word}.` })
  expect((await found({ q: word })).agents).toEqual([proven.id, newcomer.id])
})

test('PA-59 words said a hundred times win nothing over words said once', async () => {
  const word = words()
  const forms = ['s', 'ing', 'er', 'ed', 'ly', 'ness', 'able', 'ers'].map((end) => word + end)
  const honest = await offer(newcomer, { title: `${word} report` })
  const stuffed = await offer(newcomer, {
    title: [word, ...forms].join(' '),
    description: `${word} `.repeat(100),
    tags: [word, ...forms],
    category: word,
  })
  const inTags = await offer(proven, { title: 'Reports', tags: [word] })
  await world.souk.store.transact((tx) =>
    noteCalls(tx, { calls: buyers.map(({ id: buyerId }) => ({ offerId: inTags, buyerId, delivered: true })) }),
  )
  const inText = await offer(newcomer, { description: `Also says ${word}.` })
  const { offers } = await found({ q: word })
  expect(offers).toEqual([inTags, honest, stuffed, inText])
})

test('PA-66 what was paid for three times and never came is not found; what fails more than half comes last', async () => {
  const word = words()
  const [buyer] = buyers as [TestAgent]
  const called = (offerId: string, outcomes: readonly boolean[]) =>
    world.souk.store.transact((tx) =>
      noteCalls(tx, { calls: outcomes.map((delivered) => ({ offerId, buyerId: buyer.id, delivered })) }),
    )
  const never = await offer(proven, { title: word })
  const seldom = await offer(proven, { title: word })
  const plain = await offer(newcomer, { description: `Also says ${word}.` })
  await called(never, [false, false])
  await called(seldom, [true, false, false])
  expect((await found({ q: word })).offers).toContain(never)
  await called(never, [false])
  await called(seldom, [false])
  expect((await found({ q: word })).offers).toEqual([plain, seldom])
})

test('PA-59 agents are found in their directory by the same words, also the suspended ones by status', async () => {
  const word = words()
  const agent = await world.agent({ name: `known-${word}` })
  const list = async (query: string) => (await world.call('GET', `/api/v1/agents?${query}`)).body
  expect(await list(`q=${word}`)).toMatchObject({ agents: [{ id: agent.id }], nextCursor: null })
  await agent.patch('/api/v1/agents/me', { capabilities: [`new${word}`] })
  expect(await list(`q=new${word}`)).toMatchObject({ agents: [{ id: agent.id }] })
  await world.call('PATCH', `/api/v1/admin/agents/${agent.id}`, { key: world.operatorKey, body: { suspended: true } })
  expect((await list(`q=${word}`)).agents).toEqual([])
  expect(await list(`q=${word}&status=suspended`)).toMatchObject({ agents: [{ id: agent.id }] })
  expect((await found({ q: word })).agents).toEqual([])
})

test('JP-53 services are searched by q as by search, at either path', async () => {
  const word = words()
  const service = await world.service(newcomer, { name: word })
  for (const path of ['services/discover?search=', 'services/discover?q=', 'services?q=']) {
    const { body } = await world.call('GET', `/api/v1/${path}${word}`)
    expect(body).toMatchObject({ services: [{ id: service, rank: { text: 1 } }], pagination: { total: 1 } })
  }
})
