// Other people's clients, as they come from the registry, buy from us.
import { createWallet, faucet } from '@souk/devchain/evm'
import { wrapAxiosWithPayment } from '@x402/axios'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch'
import axios from 'axios'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSigner, decodeXPaymentResponse, wrapFetchWithPayment as wrapFetchOfV1 } from 'x402-fetch'
import { EVM_NETWORK } from '#tests/evm-payments'
import { openShop, type Shop } from '#tests/sdk/shop'
import { openWorld, type World } from '#tests/world'

const PRICE = 10_000n

let world: World
let shop: Shop
let buyer: Awaited<ReturnType<Shop['buyer']>>

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  buyer = await shop.buyer()
})
afterAll(async () => {
  shop.close()
  await world.close()
})
beforeEach(() => {
  shop.calls.length = 0
})

/** Buys in one way, and says what the answer was. */
type Way = (url: string) => Promise<{ status: number; data: unknown; header: (name: string) => string | null }>

const JSON_TYPE = { 'content-type': 'application/json' }
const read = async (answer: Response) => {
  const { status, headers } = answer
  return { status, data: await answer.json(), header: (name: string) => headers.get(name) }
}
const second = () => new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(buyer))
const axiosOf = () =>
  wrapAxiosWithPayment(axios.create(), second() as unknown as Parameters<typeof wrapAxiosWithPayment>[1])
const ofAxios = ({ status, data, headers }: { status: number; data: unknown; headers: unknown }) => {
  const header = (name: string) => (headers as { get(name: string): string | null }).get(name)
  return { status, data, header }
}

const POST = { method: 'POST', body: '{"text":"hello"}', headers: JSON_TYPE }
const CALL = { method: 'POST', url: '/shout', body: '{"text":"hello"}' }
const LOOK = { method: 'POST', url: '/shout?text=hello', body: '{}' }

const WAYS: [string, Way, object][] = [
  ['x402-fetch 1.2, POST, with an account', async (url) => read(await wrapFetchOfV1(fetch, buyer)(url, POST)), CALL],
  ['x402-fetch 1.2, GET', async (url) => read(await wrapFetchOfV1(fetch, buyer)(`${url}?text=hello`)), LOOK],
  ['@x402/fetch 2.27, POST', async (url) => read(await wrapFetchWithPayment(fetch, second())(url, POST)), CALL],
  [
    '@x402/fetch 2.27, a Request',
    async (url) => read(await wrapFetchWithPayment(fetch, second())(new Request(url, POST))),
    CALL,
  ],
  [
    '@x402/fetch 2.27, GET',
    async (url) => read(await wrapFetchWithPayment(fetch, second())(`${url}?text=hello`)),
    LOOK,
  ],
  ['@x402/axios 2.11, POST', async (url) => ofAxios(await axiosOf().post(url, { text: 'hello' })), CALL],
  ['@x402/axios 2.11, GET', async (url) => ofAxios(await axiosOf().get(url, { params: { text: 'hello' } })), LOOK],
]

test.each(WAYS)('PA-1 PA-3 PA-4 an unchanged client buys: %s', async (_, way, asked) => {
  const id = await shop.offer()
  const [earned, held] = [await shop.earned(), await shop.held(buyer.address)]
  const { status, data, header } = await way(`${world.url}/x402/${id}`)
  expect([status, data]).toEqual([200, { loud: 'HELLO' }])
  expect(shop.calls).toEqual([asked])
  expect([(await shop.earned()) - earned, held - (await shop.held(buyer.address))]).toEqual([PRICE, PRICE])
  const settled = { success: true, transaction: header('x-tx-hash'), payer: buyer.address.toLowerCase() }
  expect(decodePaymentResponseHeader(header('payment-response') ?? '')).toMatchObject(settled)
  expect(decodeXPaymentResponse(header('x-payment-response') ?? '')).toMatchObject(settled)
  expect((await world.call('GET', `/api/v1/receipts/${header('x-receipt-id')}`)).body.receipt).toMatchObject({
    offerId: id,
    txHash: settled.transaction,
  })
})

test('PA-33 a client of the first version buys a download', async () => {
  const id = await shop.offer({ offerType: 'download', endpoint: undefined, fileUrl: 'https://files.example/a.zip' })
  const answer = await wrapFetchOfV1(fetch, buyer)(`${world.url}/x402/${id}`)
  expect([answer.status, await answer.json()]).toMatchObject([200, { fileUrl: 'https://files.example/a.zip' }])
})

test('a client of the first version that signs by a wallet client finds its network among those asked for', async () => {
  const id = await shop.offer()
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: PRICE })
  const signer = await createSigner('base-sepolia', secretKey as `0x${string}`)
  const answer = await wrapFetchOfV1(fetch, signer)(`${world.url}/x402/${id}`, POST)
  expect([answer.status, await shop.held(address)]).toEqual([200, 0n])
})

test('what is too dear for it, a client of the first version does not pay', async () => {
  const id = await shop.offer({ priceCents: 11 })
  const held = await shop.held(buyer.address)
  await expect(wrapFetchOfV1(fetch, buyer)(`${world.url}/x402/${id}`)).rejects.toThrow(/exceeds maximum/)
  expect(await shop.held(buyer.address)).toBe(held)
})

/** Headers as a page in a browser finds them. */
const seenByPages = (headers: Headers) => {
  const exposed = (headers.get('access-control-expose-headers') ?? '').toLowerCase().split(', ')
  return (name: string) => headers.has(name) && exposed.includes(name)
}

test('a page of any origin may ask, pay and read the proof: every header its client sends is allowed', async () => {
  const url = `${world.url}/x402/${await shop.offer()}`
  // What @x402/fetch sends besides is a header of answers, for which browsers ask leave all the same.
  const asked = 'access-control-expose-headers,content-type,payment-signature'
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      ...{ origin: 'https://shop.example', 'access-control-request-method': 'POST' },
      'access-control-request-headers': asked,
    },
  })
  expect([preflight.status, await preflight.text()]).toEqual([204, ''])
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    ...{ 'access-control-allow-origin': '*', 'access-control-allow-headers': asked },
    'access-control-allow-methods': expect.stringContaining('POST'),
  })
  const headers = { ...JSON_TYPE, origin: 'https://shop.example' }
  const challenge = await fetch(url, { ...POST, headers })
  expect([challenge.status, challenge.headers.get('access-control-allow-origin')]).toEqual([402, '*'])
  expect(seenByPages(challenge.headers)('payment-required')).toBe(true)
  const paid = await wrapFetchWithPayment(fetch, second())(url, { ...POST, headers })
  const isSeen = seenByPages(paid.headers)
  const proofs = ['payment-response', 'x-payment-response', 'x-receipt-id', 'x-tx-hash', 'x-purchase-id', 'date']
  expect(proofs.filter((name) => !isSeen(name))).toEqual([])
  const refused = await fetch(`${world.url}/x402/none`, { headers })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([400, '*'])
})

test('pages may not ask as the operator does, nor play with the sandbox, nor bring cookies', async () => {
  for (const path of ['/api/v1/admin/audit', '/sandbox/faucet', '/metrics', '/']) {
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
    const preflight = await fetch(world.url + path, { method: 'OPTIONS', headers })
    expect([path, preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([path, 404, null])
  }
  const answer = await fetch(`${world.url}/api/v1/offers`, { headers: { origin: 'https://shop.example' } })
  expect(answer.headers.get('access-control-allow-credentials')).toBe(null)
})

test('what a query can say reaches a seller that takes GET: lists, objects, and what is not plain', async () => {
  const id = await shop.offer({ httpMethod: 'GET' })
  const body = JSON.stringify({ tag: ['a', 'b'], near: { x: 1 }, none: null, deep: 2, is: true })
  const answer = await wrapFetchWithPayment(fetch, second())(`${world.url}/x402/${id}`, { ...POST, body })
  expect(answer.status).toBe(200)
  const asked = await wrapFetchWithPayment(fetch, second())(`${world.url}/x402/${id}?tag=a&tag=b&text=%C3%A4+1`)
  expect(asked.status).toBe(200)
  expect(shop.calls.map(({ url }) => url)).toEqual([
    `/shout?tag=a&tag=b&near=${encodeURIComponent('{"x":1}').replaceAll('%20', '+')}&deep=2&is=true`,
    '/shout?tag=a&tag=b&text=%C3%A4+1',
  ])
})

test('a body that is sent in pieces, without a length, is a body like any other', async () => {
  const url = `${world.url}/x402/${await shop.offer()}`
  const pieces = () => ReadableStream.from([Buffer.from('{"text":'), Buffer.from('"hello"}')])
  const send = (headers: object) =>
    fetch(url, { method: 'POST', body: pieces(), duplex: 'half', headers: { ...JSON_TYPE, ...headers } } as RequestInit)
  const challenge = await send({})
  const client = new x402HTTPClient(second())
  const required = client.getPaymentRequiredResponse((name) => challenge.headers.get(name), await challenge.json())
  const paid = await send(client.encodePaymentSignatureHeader(await client.createPaymentPayload(required)))
  expect([paid.status, await paid.json(), shop.calls]).toEqual([200, { loud: 'HELLO' }, [CALL]])
})
