import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWallet, faucet, tokenBalance, type Wallet } from '@souk/devchain/evm'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import sql from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '#platform/http/limits'
import { writeAuthorization } from '#settlement'
import { EVM_NETWORK, signPayment, TOKEN } from '#tests/evm-payments'
import { type Answer, openWorld, type World } from '#tests/world'

let world: World
let seller: Seller
let buyer: PrivateKeyAccount
/** The seller's agent: its key, and the wallet it is paid to. */
let agent: { key: string; agentId: string; wallet: Hex }

/** Only wallets are limited here. */
const LIMITS = {
  ...Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, { max: 1_000_000, windowSeconds: 60 }])),
  paidCall: { max: 200, windowSeconds: 600 },
}

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true, limits: JSON.stringify(LIMITS) })
  seller = await startSeller()
  const wallet = getAddress((await createWallet()).address)
  const about = { name: 'Shouter', description: 'Says it louder.', walletAddress: wallet }
  const { body } = await world.call('POST', '/api/v1/agents', { body: about })
  agent = { key: body.apiKey, agentId: body.agentId, wallet }
  buyer = await fundedWallet()
})
afterAll(async () => {
  await world.close()
  seller.server.close()
})
beforeEach(() => {
  seller.calls.length = 0
  seller.answer = { status: 200, body: '{"loud":"HELLO"}', type: 'application/json' }
})

interface Seller {
  readonly server: Server
  readonly url: string
  readonly calls: { method: string; url: string; body: string }[]
  answer: { status: number; body: string; type: string; afterMs?: number; before?: () => Promise<unknown> | undefined }
}

/** A seller's endpoint, as sellers run them. */
async function startSeller(): Promise<Seller> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await textOf(request)
    seller.calls.push({ method: request.method ?? '', url: request.url ?? '', body })
    const { status, type, body: text, afterMs = 0, before } = seller.answer
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    await before?.()
    response.writeHead(status, { 'content-type': type }).end(text)
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}`, calls: [], answer: { status: 200, body: '', type: '' } }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

async function keyedWallet(amount = 0n): Promise<{ wallet: Wallet; account: PrivateKeyAccount }> {
  const wallet = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address: wallet.address, amount })
  return { wallet, account: privateKeyToAccount(wallet.secretKey as Hex) }
}

const fundedWallet = async (amount = 1_000_000_000n) => (await keyedWallet(amount)).account

const held = (owner: string) => tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner })

async function offer(fields: object = {}): Promise<string> {
  const { body } = await world.call('POST', '/api/v1/offers', {
    key: agent.key,
    body: {
      ...{ title: 'Shout', description: 'Says it louder.', category: 'text', priceCents: 1, offerType: 'api' },
      ...{ endpoint: `${seller.url}/shout`, httpMethod: 'POST', ...fields },
    },
  })
  return body.offerId
}

/** The header a wallet makes for this offer, by hand, so that it can be sent again and again. */
async function headerFor(offerId: string, change: object = {}, from = buyer): Promise<Record<string, string>> {
  const { headers } = await world.call('POST', `/x402/${offerId}`, { body: {} })
  const required = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
  const accepted = required.accepts[0]
  const payment = await signPayment({ from, to: accepted.payTo, value: BigInt(accepted.amount) })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization), ...change }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
}

const buy = (offerId: string, headers: Record<string, string>, body: object = { text: 'hello' }): Promise<Answer> =>
  world.call('POST', `/x402/${offerId}`, { headers, body })

const wire = (text: string) => Buffer.from(text).toString('base64')

const stockFetch = (from = buyer) =>
  wrapFetchWithPayment(fetch, new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(from)))

test('PA-1 PA-2 without a payment it answers 402 with the exact price, the seller’s wallet and the network', async () => {
  const id = await offer({ priceCents: 25 })
  for (const method of ['GET', 'POST'] as const) {
    const { status, body, headers } = await world.call(method, `/x402/${id}`)
    expect(status).toBe(402)
    expect(body).toMatchObject({ error: 'Payment required', priceUsd: 0.25 })
    const required = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
    expect(required).toMatchObject({ x402Version: 2, resource: { url: `${world.url}/x402/${id}` } })
    const [accepted] = required.accepts
    expect(accepted).toMatchObject({ scheme: 'exact', network: EVM_NETWORK, amount: '250000', payTo: agent.wallet })
    expect(accepted).toMatchObject({ asset: TOKEN.address, extra: { name: 'USDC', version: '2' } })
    expect(body.accepts[0]).toMatchObject({ network: 'base-sepolia', maxAmountRequired: '250000', payTo: agent.wallet })
  }
  expect(seller.calls).toEqual([])
})

test('PA-3 PA-4 PA-5 PA-11 an unchanged x402 client buys: output, receipt, and money straight to the seller', async () => {
  const id = await offer()
  seller.answer = { status: 201, body: 'LOUD', type: 'text/plain; charset=utf-8' }
  const [before, paid] = [await held(agent.wallet), await held(buyer.address)]
  const url = `${world.url}/x402/${id}`
  const sent = { method: 'POST', body: '{"text":"hello"}', headers: { 'content-type': 'application/json' } }
  const answer = await stockFetch()(url, sent)
  expect([answer.status, await answer.text()]).toEqual([201, 'LOUD'])
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(seller.calls).toEqual([{ method: 'POST', url: '/shout', body: '{"text":"hello"}' }])
  expect((await held(agent.wallet)) - before).toBe(10_000n)
  expect(paid - (await held(buyer.address))).toBe(10_000n)
  const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
  expect(settled).toMatchObject({ success: true, network: EVM_NETWORK, payer: buyer.address.toLowerCase() })
  expect(answer.headers.get('x-tx-hash')).toBe(settled.transaction)
  const receiptId = answer.headers.get('x-receipt-id')
  const { body } = await world.call('GET', `/api/v1/receipts/${receiptId}`)
  expect(body.receipt).toMatchObject({ sellerId: agent.agentId, offerId: id, amountCents: 1, status: 'confirmed' })
  expect(body.receipt).toMatchObject({ txHash: settled.transaction, network: EVM_NETWORK, settlementType: 'direct' })
})

test('PA-33 a download is paid first, and its place is told to who paid only', async () => {
  const id = await offer({ offerType: 'download', endpoint: undefined, fileUrl: `${seller.url}/file.zip` })
  const shown = await world.call('GET', `/api/v1/offers/${id}`)
  expect(JSON.stringify(shown.body)).not.toContain('file.zip')
  const answer = await stockFetch()(`${world.url}/x402/${id}`)
  const { receiptId, fileUrl, txHash } = (await answer.json()) as Record<string, string>
  expect([answer.status, fileUrl, txHash]).toEqual([200, `${seller.url}/file.zip`, answer.headers.get('x-tx-hash')])
  expect(receiptId).toBe(answer.headers.get('x-receipt-id'))
})

test('PA-8 a payment with another recipient, amount, network or asset, or without one, is refused and nothing is settled', async () => {
  const id = await offer()
  const { headers } = await world.call('POST', `/x402/${id}`)
  const [accepted] = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString()).accepts
  const before = await held(agent.wallet)
  const wrong = { payTo: buyer.address, amount: '9999', network: 'eip155:8453', asset: agent.wallet, scheme: 'upto' }
  for (const [field, value] of Object.entries(wrong)) {
    for (const other of [value, undefined]) {
      const answer = await buy(id, await headerFor(id, { accepted: { ...accepted, [field]: other } }))
      expect([answer.status, answer.body.error]).toEqual([
        402,
        expect.stringContaining(`integrity check failed: ${field}`),
      ])
    }
  }
  const cheap = await signPayment({ from: buyer, to: agent.wallet, value: 9_999n })
  const underpaid = await buy(id, await headerFor(id, { payload: writeAuthorization(cheap.authorization) }))
  expect([underpaid.status, underpaid.body.error]).toEqual([402, expect.stringContaining('verification failed')])
  for (const garbage of ['!!!', wire('[]'), wire('{"x402Version":2}')])
    expect((await buy(id, { 'payment-signature': garbage })).status).toBe(400)
  expect(await held(agent.wallet)).toBe(before)
  expect(seller.calls).toEqual([])
})

test('D-30 a payment in a header is read as strictly as a body: no key twice, no number that changes', async () => {
  const id = await offer()
  const good = Buffer.from((await headerFor(id))['payment-signature'] ?? '', 'base64').toString()
  const cases: [string, string][] = [
    [good.replace('{', '{"x402Version":1,'), 'occurs twice'],
    [good.replace('{', '{"extra":9007199254740993,'), 'cannot be held exactly'],
    [good.replace('{', '{"__proto__":{},'), '__proto__'],
  ]
  for (const [text, said] of cases) {
    const answer = await buy(id, { 'payment-signature': wire(text) })
    expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(said)])
  }
  expect(seller.calls).toEqual([])
})

test('PA-9 input that the schema refuses is a 400 that costs nothing, and the same payment still buys', async () => {
  const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }
  const id = await offer({ inputSchema })
  const before = await held(agent.wallet)
  const headers = await headerFor(id)
  for (const input of [{}, { text: 5 }]) {
    const answer = await buy(id, headers, input)
    expect([answer.status, answer.body.code]).toEqual([400, 'input_refused'])
  }
  expect([seller.calls, await held(agent.wallet)]).toEqual([[], before])
  expect((await buy(id, headers, { text: 'x' })).status).toBe(200)
})

test('D-12 (for PA-10) a seller that fails costs the buyer nothing, and the same payment may try again', async () => {
  const id = await offer()
  const [before, headers] = [await held(agent.wallet), await headerFor(id)]
  seller.answer = { status: 500, body: 'oh no', type: 'text/plain' }
  const failed = await buy(id, headers)
  expect([failed.status, failed.body.code]).toEqual([502, 'seller_failed'])
  expect(await held(agent.wallet)).toBe(before)
  const purchase = await world.call('GET', `/api/v1/purchases/${failed.body.purchaseId}`)
  expect(purchase.body).toMatchObject({ status: 'failed', txHash: null, receiptId: null })
  seller.answer = { status: 200, body: '"at last"', type: 'application/json' }
  const again = await buy(id, headers)
  expect([again.status, again.body]).toEqual([200, 'at last'])
  expect((await held(agent.wallet)) - before).toBe(10_000n)
})

test('D-16 one payment sent fifty times at once: the seller runs once, the money moves once, all hear the same', async () => {
  const id = await offer()
  seller.answer = { ...seller.answer, afterMs: 300 }
  const [before, headers] = [await held(agent.wallet), await headerFor(id)]
  const answers = await Promise.all(Array.from({ length: 50 }, () => buy(id, headers)))
  expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`))).toEqual(
    new Set(['200 {"loud":"HELLO"}']),
  )
  expect(new Set(answers.map((answer) => answer.headers['x-tx-hash'])).size).toBe(1)
  expect([seller.calls.length, (await held(agent.wallet)) - before]).toEqual([1, 10_000n])
})

test('D-16 a client that loses every answer and sends the same payment again pays once, and has what it bought', async () => {
  const id = await offer()
  const before = await held(agent.wallet)
  for (let n = 0; n < 5; n++) {
    const headers = await headerFor(id)
    const lost = await buy(id, headers)
    const again = await buy(id, headers)
    expect([again.status, again.body, again.headers['x-receipt-id']]).toEqual([
      200,
      lost.body,
      lost.headers['x-receipt-id'],
    ])
  }
  expect([seller.calls.length, (await held(agent.wallet)) - before]).toEqual([5, 50_000n])
})

test('D-16 the same payment for other words, or for another offer, is a 409', async () => {
  const [one, other] = [await offer(), await offer()]
  const headers = await headerFor(one)
  expect((await buy(one, headers)).status).toBe(200)
  for (const [id, input] of [
    [one, { text: 'something else' }],
    [other, { text: 'hello' }],
  ] as const) {
    const answer = await buy(id, headers, input)
    expect([answer.status, answer.body.code]).toEqual([409, 'payment_spent_elsewhere'])
  }
})

test('D-16 by the authorization alone an answer opens for 120 s; by the payment id also later', async () => {
  const id = await offer()
  const paymentId = `purchase_${randomBytes(8).toString('hex')}`
  const named = { extensions: { 'payment-identifier': { info: { id: paymentId } } } }
  const [plain, withId] = [await headerFor(id), await headerFor(id, named)]
  for (const headers of [plain, withId]) expect((await buy(id, headers)).body).toEqual({ loud: 'HELLO' })
  // The market's clock, which purchases end by, is what counts (D-26).
  await world.pass(60)
  expect((await buy(id, plain)).body).toEqual({ loud: 'HELLO' })
  await world.pass(61)
  expect((await buy(id, plain)).body).toMatchObject({ status: 'settled', txHash: expect.stringMatching(/^0x/) })
  expect((await buy(id, withId)).body).toEqual({ loud: 'HELLO' })
  const stolen = await buy(id, await headerFor(id, named))
  expect([stolen.status, stolen.body.code]).toEqual([409, 'payment_id_reused'])
})

test('PA-12 PA-13 PA-14 no own offers; one agent per wallet; unknown and inactive offers are 404', async () => {
  const id = await offer()
  const { secretKey, address } = await createWallet()
  const self = privateKeyToAccount(secretKey as Hex)
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 1_000_000n })
  const own = await world.call('POST', '/api/v1/agents', {
    body: { name: 'Self', description: 'Sells to itself.', walletAddress: getAddress(address) },
  })
  const mine = await world.call('POST', '/api/v1/offers', {
    key: own.body.apiKey,
    body: { title: 'x', description: 'x', category: 'x', priceCents: 1, offerType: 'api', endpoint: seller.url },
  })
  const refused = await buy(mine.body.offerId, await headerFor(mine.body.offerId, {}, self))
  expect([refused.status, refused.body.code]).toEqual([400, 'own_offer'])

  const stranger = await fundedWallet()
  for (let n = 0; n < 2; n++) expect((await buy(id, await headerFor(id, {}, stranger))).status).toBe(200)
  const rows = await world.souk.store.read.rows<{ buyer: string }>(
    sql`select distinct buyer_id as buyer from purchase where payer = ${stranger.address.toLowerCase()}`,
  )
  expect(rows).toHaveLength(1)
  expect((await world.call('GET', `/api/v1/agents/${rows[0]?.buyer}`)).status).toBe(200)

  await world.call('DELETE', `/api/v1/offers/${id}`, { key: agent.key })
  const nowhere = '01890000-0000-7000-8000-000000000000'
  for (const gone of [id, nowhere]) expect((await world.call('POST', `/x402/${gone}`)).status).toBe(404)
  expect((await world.call('POST', '/x402/none')).status).toBe(400)
})

test('PA-12 D-4 nor with the seller’s own key, whoever’s wallet pays', async () => {
  const id = await offer()
  const headers = await headerFor(id)
  const refused = await buy(id, { ...headers, authorization: `Bearer ${agent.key}` })
  expect([refused.status, refused.body.code, seller.calls]).toEqual([400, 'own_offer', []])
  expect((await buy(id, headers)).status).toBe(200)
})

test('PA-62 paid calls are 60 a minute per wallet, and only what the wallet has signed counts', async () => {
  expect(DEFAULT_LIMITS.paidCall).toEqual({ requests: 60, seconds: 60 })
  const id = await offer()
  const [own, other] = [await fundedWallet(), await fundedWallet()]
  const headers = await headerFor(id, {}, own)
  const { authorization, signature } = JSON.parse(
    Buffer.from(headers['payment-signature'] ?? '', 'base64').toString(),
  ).payload
  const forged = await headerFor(id, { payload: { authorization, signature: signature.replace(/^0x../, '0x00') } })
  const ask = (sent: Record<string, string>, times: number) =>
    Promise.all(Array.from({ length: times }, async () => (await buy(id, sent)).status))
  expect(new Set(await ask(forged, 20))).toEqual(new Set([402]))
  const statuses = await ask(headers, LIMITS.paidCall.max)
  expect(new Set(statuses)).toEqual(new Set([200]))
  const refused = await buy(id, headers)
  expect([refused.status, refused.body.error]).toEqual([429, 'Rate limit exceeded'])
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await buy(id, await headerFor(id, {}, other))).status).toBe(200)
})

test('a seller that has named no wallet cannot be paid: 503, and nothing is asked of the buyer', async () => {
  const { key } = await world.agent({ name: `walletless-${randomBytes(3).toString('hex')}`, funds: 0n })
  const listed = await world.call('POST', '/api/v1/offers', {
    key,
    body: { title: 'x', description: 'x', category: 'x', priceCents: 1, offerType: 'api', endpoint: seller.url },
  })
  const answer = await world.call('POST', `/x402/${listed.body.offerId}`)
  expect([answer.status, answer.body.code]).toEqual([503, 'seller_without_wallet'])
})

test('D-12 three payments that failed after the work, and the wallet pays first', async () => {
  const id = await offer()
  const { wallet, account: poor } = await keyedWallet()
  // What is there when it is checked is gone when it is to be paid.
  const spend = () => world.evm?.send(wallet, agent.wallet, 10_000n)
  for (let n = 0; n < 3; n++) {
    await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address: poor.address, amount: 10_000n })
    seller.answer = { ...seller.answer, before: spend }
    const answer = await buy(id, await headerFor(id, {}, poor))
    expect([answer.status, answer.body.error]).toEqual([402, expect.stringContaining('insufficient_funds')])
  }
  expect(seller.calls).toHaveLength(3)
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address: poor.address, amount: 20_000n })
  seller.answer = { status: 200, body: '"after payment"', type: 'application/json' }
  const first = await buy(id, await headerFor(id, {}, poor))
  expect([first.status, first.body]).toEqual([200, 'after payment'])
  const [row] = await world.souk.store.read.rows<{ first: boolean }>(
    sql`select settles_first as first from purchase where payer = ${poor.address.toLowerCase()} order by created_at desc limit 1`,
  )
  expect(row).toEqual({ first: true })
})

test('D-12 a wallet with money for one has one worked for before it has paid, of twelve at once', async () => {
  const id = await offer()
  const poor = await fundedWallet(10_000n)
  const headers = await Promise.all(Array.from({ length: 12 }, () => headerFor(id, {}, poor)))
  seller.answer = { ...seller.answer, afterMs: 500 }
  const answers = await Promise.all(headers.map((each) => buy(id, each)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(402)])
  // One unpaid, and one that has paid before: whichever of the two had the money.
  expect(seller.calls.length).toBeLessThanOrEqual(2)
})

test('a seller cannot pass for ours: neither a file that is none, nor words of its own URL overridden', async () => {
  const id = await offer({ endpoint: `${seller.url}/shout?key=own`, httpMethod: 'GET' })
  seller.answer = { status: 200, body: 'x', type: 'application/vnd.souk.file+json' }
  const answer = await buy(id, await headerFor(id), { key: 'mine', text: 'hello' })
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/octet-stream'])
  expect(seller.calls.map(({ url }) => url)).toEqual(['/shout?key=own&text=hello'])
})

test('D-16 what was bought stays bought: a new price, another schema or a deactivated offer change nothing for a repetition', async () => {
  const id = await offer()
  const headers = await headerFor(id)
  const first = await buy(id, headers)
  const before = await held(agent.wallet)
  const changes = [{ priceCents: 99 }, { inputSchema: { type: 'object', required: ['other'] } }, { isActive: false }]
  for (const change of changes) {
    await world.call('PATCH', `/api/v1/offers/${id}`, { key: agent.key, body: change })
    const again = await buy(id, headers)
    expect([again.status, again.body]).toEqual([200, first.body])
  }
  expect([seller.calls.length, await held(agent.wallet)]).toEqual([1, before])
})
