import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import { getAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { checkOffer, listOffer } from '#offers'
import { createOutbound } from '#platform/outbound/index'
import { writeAuthorization } from '#settlement'
import { signPayment, TOKEN } from '#tests/evm-payments'
import { type Answer, openWorld, type World } from '#tests/world'

let world: World
let shop: Server
let endpoint: string
let seller: Agent
let buyer: Agent
let wallet: ReturnType<typeof privateKeyToAccount>
/** What the shop was sent. */
const calls: string[] = []

beforeAll(async () => {
  world = await openWorld({ evm: true })
  shop = createServer((request, response) => {
    request.resume()
    calls.push(`${request.method} ${request.url}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}')
  })
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/run`
  seller = await register('Seller')
  buyer = await register('Buyer')
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 10_000_000n })
  wallet = privateKeyToAccount(secretKey as Hex)
})
afterAll(async () => {
  await world.close()
  shop.close()
})

interface Agent {
  readonly agentId: string
  readonly apiKey: string
  readonly wallet: Hex
}

async function register(name: string): Promise<Agent> {
  const walletAddress = getAddress((await createWallet()).address)
  const { status, body } = await world.call('POST', '/api/v1/agents', {
    body: { name, description: 'x', walletAddress },
  })
  expect(status).toBe(201)
  return { ...body, wallet: walletAddress }
}

const OFFER = { title: 'Run', description: 'Runs it.', category: 'work', priceCents: 3, offerType: 'api' }
async function list(fields: object = {}, by = seller): Promise<string> {
  const body = { ...OFFER, endpoint, ...fields }
  return (await world.call('POST', '/api/v1/offers', { key: by.apiKey, body })).body.offerId
}

/** An offer of another market's, as the importer lists it. */
async function imported(): Promise<string> {
  const outbound = createOutbound({ allowLoopback: true, ownPorts: () => [] })
  const { priceCents, ...draft } = OFFER
  const offer = await checkOffer(
    { ...draft, offerType: 'api', endpoint, priceMicros: BigInt(priceCents) * 1000n },
    { outbound, source: 'ecosystem' },
  )
  const externalResourceId = `https://elsewhere.example/${newId()}`
  const made = await world.souk.store.transact((tx) =>
    listOffer(tx, { sellerId: seller.agentId, offer, externalResourceId }),
  )
  return made.id
}

const legacy = (
  id: string,
  { key = buyer.apiKey, headers = {} }: { key?: string; headers?: Record<string, string> } = {},
) =>
  world.call('POST', `/api/v1/offers/${id}/buy`, { ...(key === '' ? {} : { key }), headers, body: { text: 'hello' } })

async function paymentFor(asked: Answer): Promise<Record<string, string>> {
  const required = JSON.parse(Buffer.from(String(asked.headers['payment-required']), 'base64').toString())
  const [accepted] = required.accepts
  const payment = await signPayment({ from: wallet, to: accepted.payTo, value: BigInt(accepted.amount) })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization) }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
}
const held = (owner: string) => tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner })

test('PA-32 the older route asks for a key, and sells as /x402 does', async () => {
  const id = await list()
  const nobody = await legacy(id, { key: '' })
  expect([nobody.status, nobody.body.error]).toEqual([
    401,
    'Unauthorized. Provide a valid API key in Authorization: Bearer <key>',
  ])
  const asked = await legacy(id)
  expect([asked.status, asked.body.error, asked.body.priceUsd]).toEqual([402, 'Payment required', 0.03])
  const headers = await paymentFor(asked)
  const bought = await legacy(id, { headers })
  expect([bought.status, bought.body]).toEqual([200, { done: true }])
  const { receipt } = (await world.call('GET', `/api/v1/receipts/${bought.headers['x-receipt-id']}`)).body
  expect(receipt).toMatchObject({ offerId: id, sellerId: seller.agentId, txHash: bought.headers['x-tx-hash'] })
  const [before, ran] = [await held(wallet.address), calls.length]
  // Neither here nor there does the same payment buy again.
  const again = [
    await legacy(id, { headers }),
    await world.call('POST', `/x402/${id}`, { headers, body: { text: 'hello' } }),
  ]
  for (const answer of again) expect([answer.status, answer.body]).toEqual([200, { done: true }])
  expect([await held(wallet.address), calls.length]).toEqual([before, ran])
})

test('PA-32 an imported offer is a 409 that points to /x402/:id, an own one a 400, others as everywhere', async () => {
  const id = await imported()
  const elsewhere = await legacy(id)
  expect([elsewhere.status, elsewhere.body]).toMatchObject([
    409,
    { code: 'offer_elsewhere', buyUrl: `/x402/${id}`, fix: expect.stringContaining(`/x402/${id}`) },
  ])
  const own = await legacy(await list(), { key: seller.apiKey })
  expect([own.status, own.body.code]).toEqual([400, 'own_offer'])
  expect((await legacy(newId())).status).toBe(404)
  expect((await legacy('k57abc')).status).toBe(400)
})

test('PA-32 D-33 a key that may only read buys nothing', async () => {
  const body = { name: 'reader', scopes: ['read'] }
  const { apiKey } = (await world.call('POST', '/api/v1/auth/keys', { key: buyer.apiKey, body })).body
  const { status, body: refusal } = await legacy(await list(), { key: apiKey })
  expect([status, refusal.code]).toEqual([403, 'scope_missing'])
})

test('PA-6 what the buyer pays is what the seller gets: the platform takes nothing', async () => {
  const id = await list({ priceCents: 7 })
  const [paid, got] = [await held(wallet.address), await held(seller.wallet)]
  const asked = await world.call('POST', `/x402/${id}`, { body: {} })
  expect(Object.keys(asked.headers)).not.toContain('x-payanagent-fee')
  const bought = await world.call('POST', `/x402/${id}`, { headers: await paymentFor(asked), body: {} })
  expect(bought.status).toBe(200)
  expect([paid - (await held(wallet.address)), (await held(seller.wallet)) - got]).toEqual([70_000n, 70_000n])
  const { receipt } = (await world.call('GET', `/api/v1/receipts/${bought.headers['x-receipt-id']}`)).body
  expect([receipt.amountCents, receipt.fee]).toEqual([7, '0'])
})

test('D-35 what a suspended seller lists is in no list and is not sold, until it is reinstated', async () => {
  const suspended = await register('Suspended')
  const word = `w${newId().slice(-12)}`
  const id = await list({ title: word, category: word }, suspended)
  const suspend = async (is: boolean) => {
    const body = { suspended: is }
    await world.call('PATCH', `/api/v1/admin/agents/${suspended.agentId}`, { key: world.operatorKey, body })
    await world.settle()
  }
  const lists = async () => {
    const bodies = await Promise.all(
      [`/api/v1/discover?q=${word}`, `/api/v1/offers?q=${word}`, `/api/v1/offers?category=${word}`].map(
        async (path) => (await world.call('GET', path)).body.offers.length,
      ),
    )
    return bodies
  }
  const asked = await world.call('POST', `/x402/${id}`, { body: {} })
  expect([asked.status, await lists()]).toEqual([402, [1, 1, 1]])
  await suspend(true)
  const before = calls.length
  for (const headers of [{}, await paymentFor(asked)]) {
    const refused = await world.call('POST', `/x402/${id}`, { headers, body: {} })
    expect([refused.status, refused.body.code]).toEqual([403, 'offer_suspended'])
  }
  expect([await lists(), calls.length]).toEqual([[0, 0, 0], before])
  await suspend(false)
  expect(await lists()).toEqual([1, 1, 1])
  expect((await world.call('POST', `/x402/${id}`, { body: {} })).status).toBe(402)
})

test.each(['GET', 'POST'] as const)(
  'PA-63 %s /x402/:id says what is wrong, in the words of the contract',
  async (method) => {
    const id = await list({
      inputSchema: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } },
    })
    const about = async (path: string, options: object = {}) => {
      const { status, body } = await world.call(method, path, options)
      expect(body.error).toEqual(expect.any(String))
      return [status, body.code]
    }
    expect(await about('/x402/k57abc')).toEqual([400, 'invalid_request'])
    expect(await about(`/x402/${newId()}`)).toEqual([404, 'offer_unknown'])
    const garbled = { headers: { 'payment-signature': 'nothing' } }
    expect(await about(`/x402/${id}`, garbled)).toEqual([400, 'payment_malformed'])
    const asked = await world.call(method, `/x402/${id}`)
    const headers = await paymentFor(asked)
    expect(await about(`/x402/${id}`, { headers })).toEqual([400, 'input_refused'])
    if (method === 'GET') return
    const bad = { headers: { ...headers, 'content-type': 'application/json' }, body: '{"text":' }
    const { status, body } = await world.call('POST', `/x402/${id}`, bad)
    expect([status, body.error]).toEqual([400, expect.any(String)])
  },
)

test('PA-1 GET calls an endpoint that takes POST by its own method, with nothing in it', async () => {
  const id = await list()
  const headers = await paymentFor(await world.call('GET', `/x402/${id}`))
  const before = calls.length
  expect((await world.call('GET', `/x402/${id}`, { headers })).status).toBe(200)
  expect(calls.slice(before)).toEqual(['POST /run'])
})

test('PA-21 PA-57 lists answer everybody, with the limits of the contract', async () => {
  for (const path of ['receipts', `agents/${seller.agentId}/receipts`, 'offers', 'agents', 'discover?q=run']) {
    const sep = path.includes('?') ? '&' : '?'
    for (const limit of ['', '0', '-1', '9999', 'ten']) {
      const { status } = await world.call('GET', `/api/v1/${path}${sep}limit=${limit}`)
      expect([path, limit, status]).toEqual([path, limit, 200])
    }
  }
})
