// Other people's clients, as they come from the registry, buy from us.
import { wrapAxiosWithPayment } from '@x402/axios'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
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
  const { createWallet, faucet } = await import('@souk/devchain/evm')
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
