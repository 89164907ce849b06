import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KeyPairSigner } from '@solana/kit'
import { createWallet as createEvmWallet } from '@souk/devchain/evm'
import { walletSigner } from '@souk/devchain/solana'
import { HTTPFacilitatorClient } from '@x402/core/server'
import type { Network, PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { ExactSvmScheme } from '@x402/svm/exact/client'
import { ExactSvmSchemeV1 } from '@x402/svm/exact/v1/client'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { MINT, SVM_NETWORK, signTransaction, tokenAccountOf } from '#tests/svm-payments'
import { type Answer, openWorld, type World } from '#tests/world'

let world: World
let shop: Shop
let buyer: KeyPairSigner
/** The seller's agent, paid on Solana only. */
let agent: { key: string; agentId: string; wallet: string }

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await startShop()
  agent = await seller()
  buyer = await fundedWallet()
})
afterAll(async () => {
  await world.close()
  shop.server.close()
})
beforeEach(() => {
  shop.calls = 0
  shop.answer = { status: 200, afterMs: 0 }
})

interface Shop {
  readonly server: Server
  readonly url: string
  calls: number
  answer: { status: number; afterMs: number }
}

/** A seller's endpoint: it says it louder. */
async function startShop(): Promise<Shop> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    shop.calls++
    const { status, afterMs } = shop.answer
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    response.writeHead(status, { 'content-type': 'application/json' }).end(text.toUpperCase())
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { server, url, calls: 0, answer: { status: 200, afterMs: 0 } }
}

async function seller(fields: object = {}) {
  const { address: wallet } = await world.chain.wallet(0n)
  const about = { name: 'Shouter', description: 'Says it louder.', walletAddress: wallet, ...fields }
  const { status, body } = await world.call('POST', '/api/v1/agents', { body: about })
  expect(status).toBe(201)
  return { key: body.apiKey, agentId: body.agentId, wallet }
}

const fundedWallet = async (amount = 1_000_000_000n) => walletSigner((await world.chain.wallet(amount)).secretKey)

async function offer(fields: object = {}, key = agent.key): Promise<string> {
  const about = { title: 'Shout', description: 'Says it louder.', category: 'text', priceCents: 1, offerType: 'api' }
  const body = { ...about, endpoint: shop.url, httpMethod: 'POST', ...fields }
  const { body: made } = await world.call('POST', '/api/v1/offers', { key, body })
  return made.offerId
}

const client = (from = buyer) =>
  new x402Client().register(SVM_NETWORK as Network, new ExactSvmScheme(from, { rpcUrl: world.chain.rpcUrl }))
const stockFetch = (from = buyer) => wrapFetchWithPayment(fetch, client(from))
const ASK = { method: 'POST', body: '{"text":"hello"}', headers: { 'content-type': 'application/json' } }

async function asked(offerId: string): Promise<PaymentRequirements> {
  const { headers } = await world.call('POST', `/x402/${offerId}`, { body: {} })
  const required = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
  return required.accepts.find(({ network }: PaymentRequirements) => network === SVM_NETWORK)
}

/** The header a wallet makes for this offer, by hand, so that it can be sent again and again. */
async function headerFor(offerId: string, change: object = {}, from = buyer): Promise<Record<string, string>> {
  const accepted = await asked(offerId)
  const { payTo, amount, extra } = accepted
  const wish = { from, payTo, value: BigInt(amount), feePayer: String(extra?.['feePayer']), ...change }
  const transaction = await signTransaction(world.chain.rpcUrl, wish)
  const payload = { x402Version: 2, accepted, payload: { transaction } }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
}

const buy = (offerId: string, headers: Record<string, string>, body: object = { text: 'hello' }): Promise<Answer> =>
  world.call('POST', `/x402/${offerId}`, { headers, body })

const held = (owner: string) => world.chain.balance(owner)

test('PA-2 a seller paid on Solana is asked for there: exact price, wallet, mint, and who pays the fees', async () => {
  const { headers, body } = await world.call('POST', `/x402/${await offer({ priceCents: 25 })}`)
  const { accepts } = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
  const { body: supported } = await world.call('GET', '/facilitator/supported')
  const [feePayer] = supported.signers['solana:*']
  expect(accepts).toEqual([
    {
      ...{ scheme: 'exact', network: SVM_NETWORK, amount: '250000', asset: MINT, payTo: agent.wallet },
      ...{ maxTimeoutSeconds: 60, extra: { feePayer, paymentFlow: 'authorization' } },
    },
  ])
  const first = { network: 'solana-devnet', maxAmountRequired: '250000', payTo: agent.wallet, extra: { feePayer } }
  expect(body.accepts).toMatchObject([first])
})

test('PA-3 PA-4 PA-5 an unchanged x402 client buys on Solana: output, receipt, and money straight to the seller', async () => {
  const id = await offer()
  const [before, paid] = [await held(agent.wallet), await held(buyer.address)]
  const answer = await stockFetch()(`${world.url}/x402/${id}`, ASK)
  expect([answer.status, await answer.json()]).toEqual([200, { TEXT: 'HELLO' }])
  expect([shop.calls, (await held(agent.wallet)) - before, paid - (await held(buyer.address))]).toEqual([
    ...[1, 10_000n, 10_000n],
  ])
  const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
  expect(settled).toMatchObject({ success: true, network: SVM_NETWORK, payer: buyer.address })
  const { body } = await world.call('GET', `/api/v1/receipts/${answer.headers.get('x-receipt-id')}`)
  expect(body.receipt).toMatchObject({ sellerId: agent.agentId, offerId: id, amountCents: 1, status: 'confirmed' })
  expect(body.receipt).toMatchObject({ txHash: settled.transaction, network: SVM_NETWORK, chain: 'solana-devnet' })
  const buyerProfile = await world.call('GET', `/api/v1/agents/${body.receipt.buyerId}`)
  expect(buyerProfile.body).toMatchObject({ walletAddress: buyer.address })
  const landed = await world.chain.call<object>('getTransaction', settled.transaction, {
    ...{ encoding: 'json', commitment: 'confirmed', maxSupportedTransactionVersion: 0 },
  })
  expect(landed).toMatchObject({ meta: { err: null } })
})

test('PA-3 an unchanged client of x402’s first version buys on Solana', async () => {
  const id = await offer()
  const scheme = new ExactSvmSchemeV1(buyer, { rpcUrl: world.chain.rpcUrl })
  const { body } = await world.call('POST', `/x402/${id}`, { body: {} })
  const payment = await scheme.createPaymentPayload(1, body.accepts[0])
  const header = Buffer.from(JSON.stringify(payment)).toString('base64')
  const answer = await buy(id, { 'x-payment': header })
  expect([answer.status, answer.body]).toEqual([200, { TEXT: 'HELLO' }])
  expect((await buy(id, { 'x-payment': header })).headers['x-tx-hash']).toBe(answer.headers['x-tx-hash'])
})

test('PA-33 a download is bought on Solana: paid first, and its place is told to who paid', async () => {
  const id = await offer({ offerType: 'download', endpoint: undefined, fileUrl: `${shop.url}/file.zip` })
  const answer = await stockFetch()(`${world.url}/x402/${id}`)
  const { fileUrl, txHash } = (await answer.json()) as Record<string, string>
  expect([answer.status, fileUrl, txHash]).toEqual([200, `${shop.url}/file.zip`, answer.headers.get('x-tx-hash')])
})

test('a seller with a wallet on each network is asked for on both, and each buyer pays on his own', async () => {
  const evm = await createEvmWallet()
  const solana = await world.chain.wallet(0n)
  const { key } = await seller({ walletAddress: evm.address, solanaWalletAddress: solana.address })
  const id = await offer({}, key)
  const { headers } = await world.call('POST', `/x402/${id}`)
  const { accepts } = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
  expect(accepts.map(({ network, payTo }: PaymentRequirements) => [network, payTo])).toEqual([
    ['eip155:84532', evm.address],
    [SVM_NETWORK, solana.address],
  ])
  expect((await stockFetch()(`${world.url}/x402/${id}`, ASK)).status).toBe(200)
  expect(await held(solana.address)).toBe(10_000n)
})

test('PA-15 a wallet on Solana is one agent’s, is a wallet and no token account, and there is one of a kind', async () => {
  const { address } = await world.chain.wallet(0n)
  const about = { name: 'Paid', description: 'On Solana.' }
  const register = (fields: object) => world.call('POST', '/api/v1/agents', { body: { ...about, ...fields } })
  const made = await register({ walletAddress: address })
  const profile = await world.call('GET', `/api/v1/agents/${made.body.agentId}`)
  expect(profile.body).toMatchObject({ walletAddress: address, solanaWalletAddress: address, chain: 'solana' })
  const evm = (await createEvmWallet()).address
  const cases: [object, number, string][] = [
    [{ walletAddress: address }, 409, 'wallet_taken'],
    [{ walletAddress: evm, solanaWalletAddress: address }, 409, 'wallet_taken'],
    [{ walletAddress: await tokenAccountOf(address) }, 400, 'wallet_invalid'],
    [{ walletAddress: '1'.repeat(32) }, 400, 'wallet_invalid'],
    [{ walletAddress: address, solanaWalletAddress: buyer.address }, 400, 'wallets_conflict'],
  ]
  for (const [fields, status, code] of cases) {
    const refused = await register(fields)
    expect([refused.status, refused.body.code]).toEqual([status, code])
  }
})

test('PA-8 another amount, destination, mint, network, or somebody else’s payment: refused, nothing moves, nobody works', async () => {
  const id = await offer()
  const before = await held(agent.wallet)
  const accepted = await asked(id)
  const good = headerOf(await headerFor(id))
  for (const [field, value] of Object.entries({
    payTo: buyer.address,
    amount: '9999',
    asset: agent.wallet,
    network: 'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z',
  })) {
    const answer = await buy(id, sent({ ...good, accepted: { ...accepted, [field]: value } }))
    expect([answer.status, answer.body.error]).toEqual([
      402,
      expect.stringContaining(`integrity check failed: ${field}`),
    ])
  }
  const other = await tokenAccountOf(buyer.address)
  const stranger = await fundedWallet(1_000_000n)
  const wishes: [object, string][] = [
    [{ value: 9_999n }, 'amount_mismatch'],
    [{ destination: other }, 'recipient_mismatch'],
    [{ authority: stranger.address }, 'signature_invalid'],
    [{ blockhash: MINT }, 'simulation_failed'],
  ]
  for (const [wish, reason] of wishes) {
    const answer = await buy(id, await headerFor(id, wish))
    expect([answer.status, answer.body.error]).toEqual([402, expect.stringContaining(reason)])
  }
  expect((await buy(id, sent({ ...good, payload: { transaction: 'AAAA' } }))).status).toBe(400)
  expect([shop.calls, await held(agent.wallet)]).toEqual([0, before])
})

const headerOf = (headers: Record<string, string>) =>
  JSON.parse(Buffer.from(headers['payment-signature'] ?? '', 'base64').toString())
const sent = (payload: object) => ({ 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') })

test('PA-12 who sells on Solana cannot buy its own offer from there', async () => {
  const wallet = await world.chain.wallet(1_000_000n)
  const { key } = await seller({ walletAddress: wallet.address })
  const own = await offer({}, key)
  const headers = await headerFor(await offer(), {}, await walletSigner(wallet.secretKey))
  const refused = await buy(own, sent({ ...headerOf(headers), accepted: await asked(own) }))
  expect([refused.status, refused.body.code]).toEqual([400, 'own_offer'])
})

test('D-12 a seller that fails costs the buyer nothing, and the same payment may try again', async () => {
  const id = await offer()
  const [before, headers] = [await held(agent.wallet), await headerFor(id)]
  shop.answer = { status: 500, afterMs: 0 }
  const failed = await buy(id, headers)
  expect([failed.status, failed.body.code, await held(agent.wallet)]).toEqual([502, 'seller_failed', before])
  shop.answer = { status: 200, afterMs: 0 }
  expect((await buy(id, headers)).status).toBe(200)
  expect((await held(agent.wallet)) - before).toBe(10_000n)
})

test('D-16 one payment sent twenty times at once: the seller runs once, one settlement on the chain, all hear the same', async () => {
  const id = await offer()
  shop.answer = { status: 200, afterMs: 200 }
  const [before, headers] = [await held(agent.wallet), await headerFor(id)]
  const answers = await Promise.all(Array.from({ length: 20 }, () => buy(id, headers)))
  expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1)
  expect(answers[0]?.status).toBe(200)
  const [txHash, ...others] = new Set(answers.map((answer) => answer.headers['x-tx-hash']))
  expect(others).toEqual([])
  expect([shop.calls, (await held(agent.wallet)) - before]).toEqual([1, 10_000n])
  const rows = await world.souk.store.read.rows(sql`select id from svm_settlement where signature = ${String(txHash)}`)
  expect(rows).toHaveLength(1)
})

test('D-16 a client that loses every answer and sends the same payment again pays once; for other words it is a 409', async () => {
  const id = await offer()
  const before = await held(agent.wallet)
  for (let n = 0; n < 3; n++) {
    const headers = await headerFor(id)
    const lost = await buy(id, headers)
    const again = await buy(id, headers)
    const receipt = lost.headers['x-receipt-id']
    expect([again.status, again.body, again.headers['x-receipt-id']]).toEqual([200, lost.body, receipt])
    const other = await buy(id, headers, { text: 'something else' })
    expect([other.status, other.body.code]).toEqual([409, 'payment_spent_elsewhere'])
  }
  expect([shop.calls, (await held(agent.wallet)) - before]).toEqual([3, 30_000n])
})

test('D-15 D-28 an answer of the chain that is lost is unknown, not failed: the same payment, sent again, has what it bought', async () => {
  const id = await offer()
  const before = await held(agent.wallet)
  for (const fault of ['accept-then-error', 'drop'] as const) {
    await world.chain.fault(fault)
    const headers = await headerFor(id)
    const bought = await world.until(async () => {
      const answer = await buy(id, headers)
      expect([200, 503]).toContain(answer.status)
      return answer.status === 200 ? answer : undefined
    })
    expect(bought.body).toEqual({ TEXT: 'HELLO' })
  }
  expect([shop.calls, (await held(agent.wallet)) - before]).toEqual([2, 20_000n])
})

test('the field’s own client of facilitators has a payment on Solana checked, and settled once', async () => {
  const facilitator = new HTTPFacilitatorClient({ url: `${world.url}/facilitator` })
  const { kinds } = await facilitator.getSupported()
  const kind = kinds.find(({ network, x402Version }) => network === SVM_NETWORK && x402Version === 2)
  const { address: payTo } = await world.chain.wallet(0n)
  const requirements: PaymentRequirements = {
    ...{ scheme: 'exact', network: SVM_NETWORK as Network, amount: '1234', asset: MINT, payTo },
    ...{ maxTimeoutSeconds: 60, extra: { ...kind?.extra, memo: `order ${randomBytes(4).toString('hex')}` } },
  }
  const resource = { url: 'http://example.com/', description: '', mimeType: '' }
  const made = await client().createPaymentPayload({ x402Version: 2, resource, accepts: [requirements] })
  const payload: PaymentPayload = { ...made, resource, accepted: requirements }
  expect(await facilitator.verify(payload, requirements)).toMatchObject({ isValid: true, payer: buyer.address })
  const settled = await facilitator.settle(payload, requirements)
  expect(settled).toMatchObject({ success: true, payer: buyer.address, network: SVM_NETWORK, amount: '1234' })
  expect(await held(payTo)).toBe(1_234n)
  const again = await world.call('POST', '/facilitator/settle', {
    body: { x402Version: 2, paymentPayload: payload, paymentRequirements: requirements },
  })
  const duplicate = { success: false, errorReason: 'duplicate_settlement', transaction: '', network: SVM_NETWORK }
  expect([again.status, again.body]).toMatchObject([200, duplicate])
  const reason = 'duplicate_settlement'
  expect(await facilitator.verify(payload, requirements)).toMatchObject({ isValid: false, invalidReason: reason })
  expect(await held(payTo)).toBe(1_234n)
})
