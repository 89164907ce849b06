import { type BuyOptions, buy, createSouk, evmWallet, memoryStore, usdc, type Wallet } from '@souk/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { EVM_NETWORK, TOKEN } from '#tests/evm-payments'
import { openWorld, type World } from '#tests/world'
import { type Cut, type CuttingProxy, firstOfEachPayment, openCuttingProxy } from './cutting-proxy.ts'
import { openShop, type Shop } from './shop.ts'

const SECOND = 1000

let world: World
let shop: Shop
let wallet: Awaited<ReturnType<Shop['buyer']>>
const proxies: CuttingProxy[] = []

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  wallet = await shop.buyer()
})
afterAll(async () => {
  shop.close()
  await world.close()
})
beforeEach(() => {
  shop.calls.length = 0
  shop.answer = { status: 200, body: '{"loud":"HELLO"}', type: 'application/json' }
})
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close()
})

const plain = (): BuyOptions => ({ wallet, store: memoryStore(), maxPrice: usdc('0.01'), input: { text: 'hello' } })
const urlOf = (id: string, base = world.url) => `${base}/x402/${id}`

async function through(answered: Cut): Promise<CuttingProxy> {
  const proxy = await openCuttingProxy(world.url, { answered })
  proxies.push(proxy)
  return proxy
}

/** What went wrong, as a purchase tells. */
const faultOf = (purchase: Promise<unknown>) =>
  purchase.then(
    () => 'bought',
    ({ fault, details, message }) => ({ fault, message, ...details }),
  )

/** Counts what it signs. */
function counting(inner: Wallet = evmWallet(wallet)): Wallet & { readonly signed: () => number } {
  let signed = 0
  return {
    ...inner,
    signed: () => signed,
    sign: (requirement) => {
      signed++
      return inner.sign(requirement)
    },
  }
}

test('PA-3 PA-4 PA-5 it buys an offer by its id: output, money straight to the seller, and a receipt that it verifies', async () => {
  const id = await shop.offer()
  const souk = createSouk({ baseUrl: world.url, buying: plain() })
  const [earned, held] = [await shop.earned(), await shop.held(wallet.address)]
  const bought = await souk.buy(id)
  expect([bought.status, bought.json()]).toEqual([200, { loud: 'HELLO' }])
  expect(shop.calls).toEqual([{ method: 'POST', url: '/shout', body: '{"text":"hello"}' }])
  expect([(await shop.earned()) - earned, held - (await shop.held(wallet.address))]).toEqual([10_000n, 10_000n])
  const { payment } = bought
  expect(payment).toMatchObject({ amount: 10_000n, network: EVM_NETWORK, asset: TOKEN.address, payTo: shop.payTo })
  expect(payment).toMatchObject({
    payer: wallet.address.toLowerCase(),
    txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
  })
  const { data } = await souk.GET('/api/v1/receipts/{id}', { params: { path: { id: payment?.receiptId ?? '' } } })
  if (!data) throw new Error('there is no receipt')
  expect(await souk.verifyReceipt(data.receipt)).toMatchObject({
    valid: true,
    facts: { price: '10000', txHash: payment?.txHash, sellerId: shop.agentId, offerId: id },
  })
  expect(await souk.verifyReceipt({ ...data.receipt, amountCents: 2 })).toMatchObject({ valid: false })
  const purchase = await souk.GET('/api/v1/purchases/{id}', { params: { path: { id: payment?.purchaseId ?? '' } } })
  expect(purchase.data?.status).toBe('settled')
})

test('input for GET goes into the query, and what is free is simply answered', async () => {
  const id = await shop.offer({ httpMethod: 'GET' })
  const bought = await buy(urlOf(id), { ...plain(), method: 'GET', input: { text: 'a b', n: 2 } })
  expect([bought.status, shop.calls.map(({ url }) => url)]).toEqual([200, ['/shout?text=a+b&n=2']])
  const free = await buy(`${world.url}/health`, { ...plain(), input: undefined })
  expect([free.status, free.payment]).toEqual([200, null])
})

test('nothing is signed that is too dear, not approved, not known or not there', async () => {
  const id = await shop.offer({ priceCents: 2 })
  const own = counting()
  const options = { ...plain(), wallet: own }
  const shown: unknown[] = []
  const approve = (terms: object) => {
    shown.push(terms)
    return false
  }
  expect(await faultOf(buy(urlOf(id), options))).toMatchObject({
    fault: 'too_expensive',
    message: expect.stringMatching(/0\.02.*0\.01/),
  })
  const dear = { ...options, maxPrice: usdc('0.02') }
  expect(await faultOf(buy(urlOf(id), { ...dear, approve }))).toMatchObject({ fault: 'declined' })
  expect(shown).toEqual([
    { url: urlOf(id), network: EVM_NETWORK, asset: TOKEN.address, amount: 20_000n, payTo: shop.payTo },
  ])
  const elsewhere = { ...own, pays: evmWallet(wallet, { tokens: [] }).pays }
  expect(await faultOf(buy(urlOf(id), { ...dear, wallet: elsewhere }))).toMatchObject({ fault: 'not_payable' })
  const nowhere = urlOf('01890000-0000-7000-8000-000000000000')
  expect(await faultOf(buy(nowhere, dear))).toMatchObject({ fault: 'refused', status: 404, code: 'offer_unknown' })
  const dead = { ...dear, patienceMs: 300 }
  expect(await faultOf(buy('http://127.0.0.1:1/x402/x', dead))).toMatchObject({ fault: 'unreachable' })
  expect(own.signed()).toBe(0)
})

test('D-16 an answer lost on the way is asked for again with the same payment, and paid once', async () => {
  const id = await shop.offer()
  const proxy = await through(firstOfEachPayment())
  const earned = await shop.earned()
  const bought = await buy(urlOf(id, proxy.url), plain())
  expect([bought.status, bought.json(), proxy.lost()]).toEqual([200, { loud: 'HELLO' }, 1])
  const payments = proxy.seen.map(({ payment }) => payment).filter((payment) => payment !== null)
  expect([payments.length, new Set(payments).size]).toEqual([2, 1])
  expect([shop.calls.length, (await shop.earned()) - earned]).toEqual([1, 10_000n])
})

test('D-16 nobody answers to the end: it says so, and the next call with the same key pays nothing more', async () => {
  const id = await shop.offer()
  let isDead = true
  const proxy = await through(({ payment }) => isDead && payment !== null)
  const own = counting()
  const options = { ...plain(), wallet: own, key: 'order-17', patienceMs: SECOND }
  const earned = await shop.earned()
  expect(await faultOf(buy(urlOf(id, proxy.url), options))).toMatchObject({ fault: 'unfinished', key: 'order-17' })
  isDead = false
  const bought = await buy(urlOf(id, proxy.url), { ...options, patienceMs: 30 * SECOND })
  expect([bought.json(), own.signed(), shop.calls.length]).toEqual([{ loud: 'HELLO' }, 1, 1])
  expect((await shop.earned()) - earned).toBe(10_000n)
})

test('D-16 many calls with one key at once make one payment, and all have its answer', async () => {
  const id = await shop.offer()
  const [own, earned] = [counting(), await shop.earned()]
  const options = { ...plain(), wallet: own, key: 'at once' }
  const all = await Promise.all(Array.from({ length: 10 }, () => buy(urlOf(id), options)))
  expect(new Set(all.map(({ payment, text }) => `${payment?.txHash} ${text()}`)).size).toBe(1)
  expect([own.signed(), shop.calls.length, (await shop.earned()) - earned]).toEqual([1, 1, 10_000n])
})

test('D-16 two stores over one place, as two processes have them, make one payment', async () => {
  const id = await shop.offer()
  const { store } = plain()
  const [own, earned] = [counting(), await shop.earned()]
  const options = { ...plain(), wallet: own, key: 'shared' }
  const views = Array.from({ length: 5 }, () => ({ read: store.read, swap: store.swap }))
  const all = await Promise.all(views.map((view) => buy(urlOf(id), { ...options, store: view })))
  expect(new Set(all.map(({ payment }) => payment?.txHash)).size).toBe(1)
  expect([own.signed() > 1, shop.calls.length, (await shop.earned()) - earned]).toEqual([true, 1, 10_000n])
})

test('a key stands for one request; without one, the same request is the same purchase within its window', async () => {
  const id = await shop.offer()
  const [own, earned] = [counting(), await shop.earned()]
  const options = { ...plain(), wallet: own }
  await buy(urlOf(id), { ...options, key: 'mine' })
  const other = { ...options, key: 'mine', input: { text: 'else' } }
  expect(await faultOf(buy(urlOf(id), other))).toMatchObject({ fault: 'key_taken' })
  const [one, two] = [await buy(urlOf(id), options), await buy(urlOf(id), options)]
  expect(two.payment).toEqual(one.payment)
  const three = await buy(urlOf(id), { ...options, windowSeconds: -1 })
  expect(three.payment?.txHash).not.toBe(one.payment?.txHash)
  expect([own.signed(), (await shop.earned()) - earned]).toEqual([3, 30_000n])
})

test('D-12 a seller that fails is asked again with the same payment, and costs nothing until it delivers', async () => {
  const id = await shop.offer()
  const [own, earned] = [counting(), await shop.earned()]
  const options = { ...plain(), wallet: own, key: 'failing' }
  shop.answer = { status: 500, body: 'oh no', type: 'text/plain' }
  expect(await faultOf(buy(urlOf(id), options))).toMatchObject({
    ...{ fault: 'refused', status: 502, code: 'seller_failed', purchaseId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  })
  expect([shop.calls.length > 1, (await shop.earned()) - earned]).toEqual([true, 0n])
  shop.answer = { status: 200, body: '"at last"', type: 'application/json' }
  expect((await buy(urlOf(id), options)).json()).toBe('at last')
  expect([own.signed(), (await shop.earned()) - earned]).toEqual([1, 10_000n])
})

test('PA-9 what the seller’s schema refuses is said, and costs nothing', async () => {
  const id = await shop.offer({ inputSchema: { type: 'object', required: ['text'] } })
  const refused = await faultOf(buy(urlOf(id), { ...plain(), input: {} }))
  expect(refused).toMatchObject({ fault: 'refused', status: 400, code: 'input_refused' })
  expect(shop.calls).toEqual([])
})

/** Signs what has expired already, as a payment has that was kept for long. */
const late = (account: typeof wallet, seconds = -100): Wallet => {
  const inner = evmWallet(account)
  return { ...inner, sign: (asked) => inner.sign({ ...asked, maxTimeoutSeconds: seconds }) }
}

test('D-15 a new payment is signed only once the old one has expired and the server says that it was not used', async () => {
  const id = await shop.offer()
  const [own, earned] = [counting(), await shop.earned()]
  const options = { ...plain(), key: 'expired' }
  expect(await faultOf(buy(urlOf(id), { ...options, wallet: late(wallet) }))).toMatchObject({
    fault: 'refused',
    status: 402,
  })
  expect((await buy(urlOf(id), { ...options, wallet: own })).status).toBe(200)
  expect([own.signed(), shop.calls.length, (await shop.earned()) - earned]).toEqual([1, 1, 10_000n])
})

test('D-15 while it may still be used, a payment that was refused is the only one', async () => {
  const id = await shop.offer()
  const poor = await shop.buyer(0n)
  const own = counting(evmWallet(poor))
  const options = { ...plain(), wallet: own, key: 'poor' }
  for (let n = 0; n < 3; n++)
    expect(await faultOf(buy(urlOf(id), options))).toMatchObject({ fault: 'refused', status: 402 })
  await world.evm?.give(poor.address, 10_000n)
  expect((await buy(urlOf(id), options)).status).toBe(200)
  expect([own.signed(), await shop.held(poor.address)]).toEqual([1, 0n])
})

test('D-15 an expired payment that the chain has taken is never replaced', async () => {
  const id = await shop.offer()
  let isDead = true
  const proxy = await through(({ payment }) => isDead && payment !== null)
  const inner = evmWallet(wallet, { rpcUrls: { [EVM_NETWORK]: world.evm?.rpcUrl ?? '' } })
  // The record says that it has expired; the chain, that it was used.
  const own = counting({
    ...inner,
    sign: async (asked) => ({ ...(await inner.sign(asked)), validBefore: Math.floor(Date.now() / 1000) - 100 }),
  })
  const options = { ...plain(), wallet: own, key: 'used' }
  const earned = await shop.earned()
  expect(await faultOf(buy(urlOf(id, proxy.url), { ...options, patienceMs: SECOND }))).toMatchObject({
    fault: 'unfinished',
  })
  isDead = false
  expect((await buy(urlOf(id, proxy.url), options)).json()).toEqual({ loud: 'HELLO' })
  expect([own.signed(), (await shop.earned()) - earned]).toEqual([1, 10_000n])
})

test('D-15 the chain’s word alone: open until a final block is younger than the payment’s end, then void', async () => {
  const { fateOf } = evmWallet(wallet, { rpcUrls: { [EVM_NETWORK]: world.evm?.rpcUrl ?? '' } })
  const payment = { network: EVM_NETWORK, asset: TOKEN.address, payer: wallet.address, nonce: `0x${'7'.repeat(64)}` }
  const ended = { ...payment, validBefore: Math.floor(Date.now() / 1000) - 1 }
  await world.until(async () => {
    await world.evm?.finalize()
    return (await fateOf?.(ended)) === 'void' ? true : undefined
  })
  expect(await fateOf?.({ ...payment, validBefore: Math.floor(Date.now() / 1000) + 3600 })).toBe('open')
})
