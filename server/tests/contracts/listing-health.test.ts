import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, faucet } from '@souk/devchain/evm'
import sql from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { createOutbound } from '#platform/outbound/index'
import { type ProbeDeps, probeSweep } from '#probes'
import { writeAuthorization } from '#settlement'
import { signPayment } from '#tests/evm-payments'
import { openWorld, type TestAgent, type World } from '#tests/world'
import { openReceiver, type Receiver } from './webhook-world.ts'

const EVERY = 3600
const PER_HOUR = 3

let world: World
let hook: Receiver
let seller: TestAgent
const shops: Shop[] = []

beforeAll(async () => {
  hook = await openReceiver()
  const market = JSON.stringify({ probeEverySeconds: EVERY, probesPerHostHour: PER_HOUR })
  world = await openWorld({ evm: true, market })
  seller = await world.agent({ callbackUrl: hook.url })
})
afterEach(async () => {
  // What one test has listed is none of the next one's.
  const { body } = await world.call('GET', '/api/v1/offers?limit=200')
  for (const { id } of body.offers) await seller.delete(`/api/v1/offers/${id}`)
  await world.settle()
  hook.received.length = 0
})
afterAll(async () => {
  await world.close()
  await Promise.all(shops.map((shop) => shop.down()))
  await hook.close()
})

interface Shop {
  readonly url: string
  readonly asked: { method: string; url: string; body: string; agent: string; headers: object }[]
  status: number
  up(): Promise<void>
  down(): Promise<void>
}

/** A seller's server that can be stopped and started at the same address. */
async function openShop(): Promise<Shop> {
  let server: Server | undefined
  let address: AddressInfo | undefined
  const asked: Shop['asked'] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { method = '', url = '', headers } = request
    asked.push({ method, url, body, agent: headers['user-agent'] ?? '', headers })
    response.writeHead(shop.status, { 'content-type': 'application/json' }).end('{}')
  }
  const start = () =>
    new Promise<void>((resolve) => {
      server = createServer((request, response) => void answer(request, response))
      server.listen(address?.port ?? 0, '127.0.0.1', () => {
        address ??= server?.address() as AddressInfo
        resolve()
      })
    })
  const shop: Shop = {
    ...{ asked, status: 200 },
    get url() {
      return `http://127.0.0.1:${address?.port}`
    },
    up: start,
    down: async () => {
      server?.closeAllConnections()
      await new Promise((done) => (server?.listening ? server.close(done) : done(null)))
    },
  }
  await start()
  shops.push(shop)
  return shop
}

const OFFER = { title: 'Offer', description: 'Does it.', category: 'text', priceCents: 1, offerType: 'api' }
async function list(fields: object): Promise<string> {
  const { status, body } = await seller.post('/api/v1/offers', { ...OFFER, ...fields })
  expect(status).toBe(201)
  await world.settle()
  return body.offerId
}
const health = async (id: string) => (await world.call('GET', `/api/v1/offers/${id}/health`)).body
const listed = async (id: string) => (await world.call('GET', `/api/v1/offers/${id}`)).body.offer.health
const told = () => hook.received.map(({ body }) => JSON.parse(body)).map(({ type, data }) => [type, data.status])

test('D-7 a seller that goes down is degraded, then failing, is told so, stays listed, and recovers by itself', async () => {
  const shop = await openShop()
  const word = `w${newId().slice(-12)}`
  const id = await list({ endpoint: `${shop.url}/run`, title: word })
  const other = await openShop()
  const plain = await list({ endpoint: other.url, description: `Also says ${word}.` })
  expect(await listed(id)).toEqual({ status: 'healthy', reason: null, checkedAt: null, stale: false })
  await world.pass(601)
  expect(await listed(id)).toMatchObject({ status: 'healthy', checkedAt: expect.stringMatching(/Z$/) })
  expect((await health(id)).healthyAt).toBe((await listed(id)).checkedAt)
  await shop.down()
  await world.pass(EVERY + 400)
  expect(await listed(id)).toMatchObject({ status: 'degraded', reason: 'a probe failed: no connection (ECONNREFUSED)' })
  await world.pass(400)
  await world.pass(800)
  const failing = await health(id)
  expect(failing).toMatchObject({ offerId: id, status: 'failing', failedProbes: 3, how: 'OPTIONS', stale: false })
  expect(failing.reason).toBe('3 probes in a row failed: no connection (ECONNREFUSED)')
  expect(failing.healthyAt < failing.checkedAt && failing.checkedAt < failing.nextProbeAt).toBe(true)
  const search = async () =>
    (await world.call('GET', `/api/v1/discover?q=${word}`)).body.offers.map((hit: { id: string }) => hit.id)
  expect(await search()).toEqual([plain, id])
  await shop.up()
  await world.pass(EVERY)
  expect(await listed(id)).toMatchObject({ status: 'healthy', reason: null })
  expect(await search()).toEqual([id, plain])
  const news = hook.received.map(({ body }) => JSON.parse(body)).filter(({ data }) => data.offerId === id)
  expect(news.map(({ type, data }) => [type, data.status])).toEqual([
    ['listing.degraded', 'degraded'],
    ['listing.degraded', 'failing'],
    ['listing.recovered', 'healthy'],
  ])
  expect(news[1].data).toEqual({
    ...{ offerId: id, status: 'failing', reason: failing.reason, checkedAt: failing.checkedAt },
    healthUrl: `/api/v1/offers/${id}/health`,
  })
})

test.each([
  ['an API called by POST', { httpMethod: 'POST' }, { method: 'OPTIONS', body: '' }],
  ['an API called by GET', { httpMethod: 'GET' }, { method: 'HEAD', body: '' }],
  ['an API called by DELETE', { httpMethod: 'DELETE', verificationBody: '{}' }, { method: 'OPTIONS', body: '' }],
  ['a seller’s own words', { verificationBody: '{"text":"probe"}' }, { method: 'POST', body: '{"text":"probe"}' }],
])('PA-29 %s is asked what buys nothing', async (_what, fields, expected) => {
  const shop = await openShop()
  const id = await list({ endpoint: `${shop.url}/run?key=s3cret`, ...fields })
  await world.pass(601)
  expect(shop.asked).toMatchObject([{ ...expected, url: '/run?key=s3cret', agent: 'Souk-Probe' }])
  const names = Object.keys(shop.asked[0]?.headers ?? {})
  expect(names.filter((name) => /payment|auth/i.test(name))).toEqual([])
  expect((await health(id)).how).toContain(expected.method)
  expect(JSON.stringify(await health(id))).not.toMatch(/s3cret|probe"/)
})

test.each([
  [{ httpMethod: 'POST' }, 404, 'healthy'],
  [{ httpMethod: 'POST' }, 401, 'healthy'],
  [{ httpMethod: 'POST' }, 501, 'healthy'],
  [{ httpMethod: 'POST' }, 410, 'degraded'],
  [{ httpMethod: 'GET' }, 503, 'degraded'],
  [{ verificationBody: '{}' }, 402, 'healthy'],
  [{ verificationBody: '{}' }, 404, 'degraded'],
  [{ offerType: 'download' }, 403, 'healthy'],
  [{ offerType: 'download' }, 404, 'degraded'],
])('a listing with %o that answers %i is %s', async (fields, status, expected) => {
  const shop = await openShop()
  shop.status = status
  const isFile = 'offerType' in fields
  const id = await list({ ...fields, ...(isFile ? { fileUrl: `${shop.url}/f.zip` } : { endpoint: `${shop.url}/run` }) })
  await world.pass(601)
  expect(await listed(id)).toMatchObject({
    status: expected,
    reason: expected === 'healthy' ? null : `a probe failed: it answered ${status}`,
  })
})

test('PA-27 why a download cannot be had says nothing of where it is', async () => {
  const shop = await openShop()
  const id = await list({ offerType: 'download', fileUrl: `${shop.url}/treasure.zip` })
  await shop.down()
  await world.pass(601)
  const report = await health(id)
  expect(report).toMatchObject({ status: 'degraded', how: 'HEAD' })
  expect(JSON.stringify(report)).not.toMatch(/treasure|127\.0\.0\.1/)
})

test('PA-61 one host is asked so often an hour and no more, whatever is listed on it, and all have their turn', async () => {
  const shop = await openShop()
  for (let n = 0; n < PER_HOUR + 2; n++) await list({ endpoint: `${shop.url}/${n}`, httpMethod: 'GET' })
  await world.pass(601)
  expect(shop.asked).toHaveLength(PER_HOUR)
  await world.pass(3000)
  expect(shop.asked).toHaveLength(PER_HOUR)
  await world.pass(601)
  expect(new Set(shop.asked.map(({ url }) => url)).size).toBe(PER_HOUR + 2)
})

test('PA-31 what is off the market is not asked; listed again, or with another endpoint, it is', async () => {
  const [shop, other] = [await openShop(), await openShop()]
  const id = await list({ endpoint: `${shop.url}/a` })
  await seller.delete(`/api/v1/offers/${id}`)
  await world.settle()
  expect((await world.call('GET', `/api/v1/offers/${id}/health`)).status).toBe(404)
  await world.pass(601)
  expect(shop.asked).toEqual([])
  await seller.patch(`/api/v1/offers/${id}`, { isActive: true })
  await world.settle()
  await world.pass(601)
  expect(shop.asked).toHaveLength(1)
  await seller.patch(`/api/v1/offers/${id}`, { endpoint: `${other.url}/b` })
  await world.settle()
  await world.pass(601)
  expect([shop.asked.length, other.asked.length]).toEqual([1, 1])
})

const moveClock = (seconds: number) =>
  world.souk.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
const sweepOf = (fetch?: ProbeDeps['outbound']['fetch']) =>
  probeSweep({
    store: world.souk.store,
    outbound: fetch ? { fetch } : createOutbound({ allowLoopback: true, ownPorts: () => [] }),
    settings: { probeEverySeconds: EVERY, probesPerHostHour: 100 },
    log: { warn: () => {} },
  })

test('D-28 processes that look at once look once each, and the work of one that died is taken over', async () => {
  const shops = await Promise.all([openShop(), openShop(), openShop()])
  for (const { url } of shops) await list({ endpoint: url })
  await moveClock(601)
  await Promise.all([sweepOf(), sweepOf(), sweepOf()].map(({ run }) => run()))
  expect(shops.map(({ asked }) => asked.length)).toEqual([1, 1, 1])
  await moveClock(EVERY + 400)
  const died = sweepOf(() => Promise.reject(new Error('the process is gone')))
  await expect(died.run()).rejects.toThrow('gone')
  expect(await sweepOf().run()).toBe(0)
  // Its lease is of the real clock.
  await world.souk.store.transact((tx) =>
    tx.run(sql`update probe set lease_until = clock_timestamp() where lease is not null`),
  )
  expect(await sweepOf().run()).toBe(3)
  expect(shops.map(({ asked }) => asked.length)).toEqual([2, 2, 2])
})

test('what was seen of an endpoint that was changed meanwhile is dropped', async () => {
  const [old, fresh] = [await openShop(), await openShop()]
  const id = await list({ endpoint: old.url })
  await old.down()
  await moveClock(601)
  const outbound = createOutbound({ allowLoopback: true, ownPorts: () => [] })
  const slow = sweepOf(async (request) => {
    await seller.patch(`/api/v1/offers/${id}`, { endpoint: fresh.url })
    await world.settle()
    return outbound.fetch(request)
  })
  await slow.run()
  expect(await listed(id)).toMatchObject({ status: 'healthy' })
})

test('a market that reaches nobody doubts itself and says nothing of its sellers', async () => {
  const shops = await Promise.all(Array.from({ length: 5 }, () => openShop()))
  const ids = []
  for (const { url } of shops) ids.push(await list({ endpoint: url }))
  await Promise.all(shops.map((shop) => shop.down()))
  await world.pass(601)
  for (const id of ids) expect(await listed(id)).toMatchObject({ status: 'healthy', checkedAt: null })
  await shops[0]?.up()
  await world.pass(301)
  const states = await Promise.all(ids.map(async (id) => (await listed(id)).status))
  expect(states.sort()).toEqual(['degraded', 'degraded', 'degraded', 'degraded', 'healthy'])
})

test('what nobody has looked at for a day says so', async () => {
  const shop = await openShop()
  const id = await list({ endpoint: shop.url })
  await world.pass(601)
  await moveClock(86_000)
  expect(await listed(id)).toMatchObject({ status: 'healthy', stale: false })
  await moveClock(401)
  expect(await listed(id)).toMatchObject({ status: 'healthy', stale: true })
  expect(await health(id)).toMatchObject({ stale: true })
  await world.settle()
  expect(await listed(id)).toMatchObject({ stale: false })
})

test('PA-14 the health of what is no id is 400, of unknown offers 404', async () => {
  expect((await world.call('GET', '/api/v1/offers/k57abc/health')).status).toBe(400)
  expect((await world.call('GET', `/api/v1/offers/${newId()}/health`)).status).toBe(404)
})

test('PA-5 D-12 paid calls that fail by the seller’s fault degrade its listing, and the next that is answered heals it', async () => {
  const shop = await openShop()
  const wallet = getAddress((await createWallet()).address)
  const about = { name: 'Paid', description: 'x', walletAddress: wallet }
  const { body: agent } = await world.call('POST', '/api/v1/agents', { body: about })
  const body = { ...OFFER, endpoint: `${shop.url}/run` }
  const { body: made } = await world.call('POST', '/api/v1/offers', { key: agent.apiKey, body })
  const id = made.offerId
  await world.settle()
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 1_000_000n })
  const buyer = privateKeyToAccount(secretKey as Hex)
  const buy = async (status: number) => {
    shop.status = status
    const { headers } = await world.call('POST', `/x402/${id}`, { body: {} })
    const required = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
    const [accepted] = required.accepts
    const payment = await signPayment({ from: buyer, to: accepted.payTo, value: BigInt(accepted.amount) })
    const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization) }
    const header = Buffer.from(JSON.stringify(payload)).toString('base64')
    return (await world.call('POST', `/x402/${id}`, { headers: { 'payment-signature': header }, body: {} })).status
  }
  for (const status of [400, 404, 422, 500, 500]) expect(await buy(status)).toBe(502)
  expect(await health(id)).toMatchObject({ status: 'healthy', failedCalls: 2, failedProbes: 0 })
  await buy(503)
  const reason = '3 paid calls in a row failed: it answered 503'
  expect(await listed(id)).toMatchObject({ status: 'degraded', reason })
  for (let n = 0; n < 3; n++) await buy(500)
  expect(await listed(id)).toMatchObject({ status: 'degraded' })
  expect(await buy(200)).toBe(200)
  expect(await health(id)).toMatchObject({ status: 'healthy', reason: null, failedCalls: 0 })
  await shop.down()
  await buy(200)
  await world.settle()
  expect(await listed(id)).toMatchObject({ status: 'degraded', reason: 'a probe failed: no connection (ECONNREFUSED)' })
})

test('D-25 a seller hears only of its own listings', async () => {
  const shop = await openShop()
  shop.status = 500
  await list({ endpoint: shop.url })
  const other = await world.agent()
  const { body } = await other.post('/api/v1/offers', { ...OFFER, endpoint: shop.url })
  await world.settle()
  await world.pass(601)
  expect(await listed(body.offerId)).toMatchObject({ status: 'degraded' })
  expect(told()).toEqual([['listing.degraded', 'degraded']])
  await other.delete(`/api/v1/offers/${body.offerId}`)
})
