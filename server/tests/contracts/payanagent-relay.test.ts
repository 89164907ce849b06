import { randomBytes } from 'node:crypto'
import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import type { Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { type Bazaar, resource, startBazaar } from '#tests/bazaar'
import { EVM_NETWORK, signPayment, TOKEN } from '#tests/evm-payments'
import { startSeller } from '#tests/seller'
import { type Manners, STOCK_PRICE, type StockMarket, startStockMarket } from '#tests/stock-market'
import { type Answer, openWorld, type World } from '#tests/world'

let world: World
let market: StockMarket
let bazaar: Bazaar
let buyer: PrivateKeyAccount
/** The stock seller's resource as it is sold here, called by POST. */
let id: string
/** So many seconds the chain's clock is said to be ahead. */
let ahead = 0n

beforeAll(async () => {
  world = await openWorld({
    evm: true,
    listens: true,
    settlesOver: (chain) => ({ ...chain, time: async () => (await chain.time()) + ahead }),
  })
  const rpcUrl = world.evm?.rpcUrl ?? ''
  market = await startStockMarket(rpcUrl)
  bazaar = await startBazaar()
  buyer = await fundedWallet()
  id = await imported({ url: market.url, title: 'Stock shouter' })
})
afterAll(async () => {
  await world.close()
  market.close()
  bazaar.close()
})
beforeEach(() => {
  Object.assign(market, { manners: 'honest', paid: 0, worked: 0 })
})

let imports = 0

/** Lists a resource of somebody's and waits until it is found here; answers its id. */
async function imported({ url, title, method = 'POST', ...paid }: { url: string; title: string; method?: string }) {
  const info = { input: { type: 'http', method } }
  const item = resource(
    imports++,
    { resource: url, serviceName: title, extensions: { bazaar: { info, schema: {} } } },
    paid,
  )
  bazaar.items = [...bazaar.items, item]
  await world.call('POST', '/api/v1/admin/ecosystem/sources', { key: world.operatorKey, body: { url: bazaar.url } })
  return world.until(async () => {
    const { offers } = (await world.call('GET', '/api/v1/offers?sort=new&limit=200')).body
    return offers.find((offer: { title: string }) => offer.title === title)?.id as string | undefined
  })
}

async function fundedWallet(amount = 1_000_000n): Promise<PrivateKeyAccount> {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount })
  return privateKeyToAccount(secretKey as Hex)
}

const held = (owner: string = market.wallet) =>
  tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner })

async function challengeOf(offerId = id) {
  const { status, headers, body } = await world.call('POST', `/x402/${offerId}`, { body: { text: 'hello' } })
  const header = String(headers['payment-required'])
  return { status, body, required: JSON.parse(Buffer.from(header, 'base64').toString()) }
}

/** What a wallet would send for this challenge, by hand, so that it can be sent again and again. */
async function headerFor({ change = {}, from = buyer }: { change?: object; from?: PrivateKeyAccount } = {}) {
  const { required } = await challengeOf()
  const accepted = { ...required.accepts[0], ...change }
  const { authorization } = await signPayment({ from, to: accepted.payTo, value: BigInt(accepted.amount) })
  const payload = { x402Version: 2, resource: required.resource, accepted, payload: writeAuthorization(authorization) }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
}

const buy = (headers: Record<string, string>, body: object = { text: 'hello' }): Promise<Answer> =>
  world.call('POST', `/x402/${id}`, { headers, body })

const purchaseOf = async (purchaseId: string) => (await world.call('GET', `/api/v1/purchases/${purchaseId}`)).body
const receiptOf = async (receiptId: string) => (await world.call('GET', `/api/v1/receipts/${receiptId}`)).body.receipt

test('PA-1 PA-7 without a payment the seller’s own challenge is handed on, its ways to pay unchanged', async () => {
  const theirs = await fetch(market.url, { method: 'POST' })
  const said = JSON.parse(Buffer.from(theirs.headers.get('payment-required') ?? '', 'base64').toString())
  const { status, body, required } = await challengeOf()
  expect([status, body]).toEqual([402, { error: 'Payment required', priceUsd: 0.001234 }])
  expect(required.accepts).toEqual(said.accepts)
  expect(required).toMatchObject({ x402Version: 2, resource: { url: market.url } })
  expect((await world.call('GET', `/x402/${id}`)).status).toBe(402)
  expect(market.paid).toBe(0)
})

test('PA-3 PA-7 a stock client buys from a stock seller through us, by POST and by GET, and has receipts of it', async () => {
  const pay = wrapFetchWithPayment(fetch, new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(buyer)))
  const byGet = await imported({ url: `${market.url}?lang=en`, title: 'Stock shouter by GET', method: 'GET' })
  const before = await held()
  const headers = { 'content-type': 'application/json' }
  const calls = [
    () => pay(`${world.url}/x402/${id}`, { method: 'POST', headers, body: '{"text":"hello"}' }),
    () => pay(`${world.url}/x402/${byGet}?text=hello`),
  ]
  for (const call of calls) {
    const answer = await call()
    expect([answer.status, await answer.json()]).toEqual([200, { loud: 'HELLO' }])
    expect(answer.headers.get('extension-responses')).toBeNull()
    const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
    const txHash = answer.headers.get('x-tx-hash') ?? ''
    expect(settled).toMatchObject({ success: true, network: EVM_NETWORK, transaction: txHash })
    const receipt = await receiptOf(answer.headers.get('x-receipt-id') ?? '')
    expect(receipt).toMatchObject({
      ...{
        settlementType: 'external',
        status: 'confirmed',
        txHash,
        amountMicroUsd: Number(STOCK_PRICE),
        amountCents: 0,
      },
      ...{ network: EVM_NETWORK, delivered: true, deliveryStatus: 200 },
    })
    expect(receipt.externalResourceId).toContain(market.url)
  }
  expect([market.worked, market.paid, (await held()) - before]).toEqual([2, 2, 2n * STOCK_PRICE])
  const { offer } = (await world.call('GET', `/api/v1/offers/${id}`)).body
  expect(offer).toMatchObject({ paidCalls: 1, deliveredCalls: 1 })
})

test('D-16 one payment sent fifty times at once is sent on once, and all hear the same', async () => {
  const [before, headers] = [await held(), await headerFor()]
  const answers = await Promise.all(Array.from({ length: 50 }, () => buy(headers)))
  expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`))).toEqual(
    new Set(['200 {"loud":"HELLO"}']),
  )
  expect([market.paid, market.worked, (await held()) - before]).toEqual([1, 1, STOCK_PRICE])
  expect((await buy(headers)).body).toEqual({ loud: 'HELLO' })
  const elsewhere = await buy(headers, { text: 'other words' })
  expect([elsewhere.status, elsewhere.body.code]).toEqual([409, 'payment_spent_elsewhere'])
})

test('PA-8 a payment for anything else than the seller asks is not sent on', async () => {
  for (const change of [{ amount: '1' }, { payTo: buyer.address }, { network: 'eip155:1' }, { asset: buyer.address }]) {
    const answer = await buy(await headerFor({ change }))
    expect([answer.status, answer.body.error]).toEqual([402, expect.stringContaining('integrity check failed')])
  }
  const poor = await fundedWallet(1n)
  const short = await buy(await headerFor({ from: poor }))
  expect([short.status, short.body.error]).toEqual([
    402,
    expect.stringMatching(/verification failed: insufficient_funds/),
  ])
  expect(market.paid).toBe(0)
})

const AFTER: [Manners, string][] = [
  ['fails after', 'answers 500'],
  ['asks again after', 'asks for payment again'],
  ['breaks off after', 'breaks the connection off'],
  ['redirects after', 'sends us elsewhere'],
  ['answers too much after', 'answers more than is taken'],
]

test.each(AFTER)(
  'D-28 PA-7 a seller that %s settling: the chain tells that it was paid, and the receipt that nothing came',
  async (manners) => {
    market.manners = manners
    const [before, headers] = [await held(), await headerFor()]
    const answer = await buy(headers)
    expect([answer.status, answer.body.error]).toEqual([502, expect.stringContaining('took the money')])
    expect((await held()) - before).toBe(STOCK_PRICE)
    expect(await purchaseOf(answer.body.purchaseId)).toMatchObject({
      status: 'settled',
      kind: 'relay',
      txHash: answer.body.txHash,
    })
    expect(await receiptOf(answer.body.receiptId)).toMatchObject({
      settlementType: 'external',
      status: 'confirmed',
      delivered: false,
    })
    market.manners = 'honest'
    expect((await buy(headers)).body).toEqual(answer.body)
    expect([market.paid, (await held()) - before]).toEqual([1, STOCK_PRICE])
  },
)

test('PA-14 what the seller does not ask a price for that can be looked at is not sold: 501, 502, 400', async () => {
  const price = { scheme: 'exact', network: 'eip155:137', asset: TOKEN.address, amount: '5', payTo: market.wallet }
  const said: { status: number; headers?: Record<string, string>; body?: string } = { status: 200 }
  const stranger = await startSeller((_request, response) => {
    response.writeHead(said.status, said.headers ?? {}).end(said.body ?? '')
  })
  const strange = await imported({ url: `${stranger.url}/x`, title: 'Strange seller' })
  const asked = async (change: typeof said) => {
    Object.assign(said, { headers: {}, body: '' }, change)
    const { status, body } = await world.call('POST', `/x402/${strange}`, { body: {} })
    return [status, body.code]
  }
  const header = (value: object) => ({ 'payment-required': Buffer.from(JSON.stringify(value)).toString('base64') })
  const permit2 = { ...price, network: EVM_NETWORK, extra: { assetTransferMethod: 'permit2' } }
  for (const accepts of [[price], [], 'x', [permit2], [{ ...price, network: EVM_NETWORK, scheme: 'upto' }]])
    expect(await asked({ status: 402, headers: header({ x402Version: 2, accepts }) })).toEqual([
      501,
      'relay_network_unknown',
    ])
  for (const status of [200, 302, 404, 500]) expect(await asked({ status })).toEqual([502, 'relay_unasked'])
  for (const body of ['', '[]', 'x'.repeat(300_000)])
    expect(await asked({ status: 402, body })).toEqual([502, 'relay_unasked'])
  expect(await asked({ status: 400 })).toEqual([400, 'relay_input_refused'])
  stranger.close()
  const gone = await asked({ status: 200 })
  expect(gone).toEqual([502, 'relay_unasked'])
})

test('a seller of the first version is paid in its own words', async () => {
  const wallet = (await createWallet()).address
  const seen: string[] = []
  const accepts = [
    {
      ...{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '77', asset: TOKEN.address, payTo: wallet },
      ...{ resource: 'http://127.0.0.1/first', description: '', mimeType: '', maxTimeoutSeconds: 60 },
      extra: { name: TOKEN.name, version: TOKEN.version },
    },
  ]
  const old = await startSeller((request, response) => {
    const payment = request.headers['x-payment']
    if (typeof payment !== 'string')
      return void response.writeHead(402).end(JSON.stringify({ x402Version: 1, error: 'X-PAYMENT', accepts }))
    seen.push(payment)
    const paymentPayload = JSON.parse(Buffer.from(payment, 'base64').toString())
    const settle = { x402Version: 1, paymentPayload, paymentRequirements: accepts[0] }
    const body = JSON.stringify(settle)
    fetch(`${world.url}/facilitator/settle`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then((answer) => response.writeHead(answer.ok ? 200 : 500).end('"first"'))
      .catch(() => response.destroy())
  })
  const first = await imported({ url: `${old.url}/first`, title: 'Seller of the first version' })
  const asked = await world.call('POST', `/x402/${first}`, { body: {} })
  expect(asked.headers['payment-required']).toBeUndefined()
  expect(asked.body).toEqual({ x402Version: 1, error: 'Payment required', priceUsd: 0.000077, accepts })
  const { authorization } = await signPayment({ from: buyer, to: wallet as Hex, value: 77n })
  const payload = {
    x402Version: 1,
    scheme: 'exact',
    network: 'base-sepolia',
    payload: writeAuthorization(authorization),
  }
  const header = Buffer.from(JSON.stringify(payload)).toString('base64')
  const bought = await world.call('POST', `/x402/${first}`, { headers: { 'x-payment': header }, body: {} })
  expect([bought.status, bought.headers['x-tx-hash']]).toEqual([200, expect.stringMatching(/^0x/)])
  expect([seen, await held(wallet)]).toEqual([[header], 77n])
  old.close()
})

test('a seller that cannot be reached has been sent nothing: nothing was charged, and the same payment still buys', async () => {
  const headers = await headerFor()
  const before = await held()
  // Between its price and the payment for it the seller's name leads nowhere any more.
  const [row] = bazaar.items as { resource: string }[]
  expect(row?.resource).toBe(market.url)
  const closed = await startSeller(() => {})
  closed.close()
  const payment = { 'payment-signature': headers['payment-signature'] ?? '' }
  const unreachable = await imported({
    url: `${closed.url}/gone-${randomBytes(4).toString('hex')}`,
    title: 'Gone seller',
  })
  const answer = await world.call('POST', `/x402/${unreachable}`, { headers: payment, body: {} })
  expect([answer.status, answer.body.code]).toEqual([502, 'relay_unasked'])
  const bought = await buy(headers)
  expect([bought.status, (await held()) - before]).toEqual([200, STOCK_PRICE])
})

const WITHOUT: [Manners, RegExp][] = [
  ['asks again', /the seller asked for payment again: not good enough/],
  ['fails', /the seller answered 500/],
  ['gives for nothing', /valid_before/],
]

test('D-16 D-28 a seller that takes the payment and not the money: unknown as long as it could, then failed with its reason', async () => {
  const before = await held()
  const ids: string[] = []
  const begun: Record<string, string>[] = []
  for (const [manners] of WITHOUT) {
    const headers = await headerFor({ from: await fundedWallet() })
    begun.push(headers)
    market.manners = manners
    const answer = await buy(headers)
    expect([answer.status, answer.body.code]).toEqual([503, 'settlement_unknown'])
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.headers['payment-required']).toBeUndefined()
    ids.push(answer.body.purchaseId)
  }
  // Until no block can take them any more.
  ahead = 1000n
  const ended = await world.until(async () => {
    const purchases = await Promise.all(ids.map(purchaseOf))
    return purchases.every(({ status }) => status === 'failed') ? purchases : undefined
  })
  ahead = 0n
  for (const [index, [, reason]] of WITHOUT.entries()) expect(ended[index].reason).toMatch(reason)
  market.manners = 'honest'
  const again = await buy(begun[0] ?? {})
  expect([again.status, again.body.error]).toEqual([
    402,
    expect.stringContaining('settlement failed: the seller asked'),
  ])
  expect([market.paid, await held()]).toEqual([3, before])
})
