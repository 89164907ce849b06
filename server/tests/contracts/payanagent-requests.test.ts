import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import { x402Client } from '@x402/core/client'
import type { Network } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment } from '@x402/fetch'
import sql from 'sql-template-tag'
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPayOut } from '#chain-purse'
import { createEngine } from '#orders'
import { writeAuthorization } from '#settlement'
import { EVM_NETWORK, signPayment, TOKEN } from '#tests/evm-payments'
import { type Answer, openWorld, type World } from '#tests/world'
import { requestForm, settleRequest } from '#trades/requests'

interface Party {
  readonly id: string
  readonly key: string
  readonly wallet: PrivateKeyAccount
}

let world: World
let buyer: Party
let provider: Party

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
})
afterAll(() => world.close())
beforeEach(async () => {
  ;[buyer, provider] = await Promise.all([party('buyer', 100_000_000n), party('provider')])
})

const rpcUrl = () => world.evm?.rpcUrl ?? ''

async function party(name: string, funds = 0n): Promise<Party> {
  const { address, secretKey } = await createWallet()
  if (funds > 0n) await faucet({ rpcUrl: rpcUrl(), address, amount: funds })
  const { body } = await world.call('POST', '/api/v1/agents', {
    body: { name, description: `${name} of requests`, walletAddress: address },
  })
  return { id: body.agentId, key: body.apiKey, wallet: privateKeyToAccount(secretKey as Hex) }
}

const held = (owner: string) => tokenBalance({ rpcUrl: rpcUrl(), owner, token: TOKEN.address })
const post = (by: Party, path: string, body?: object, headers: Record<string, string> = {}) =>
  world.call('POST', `/api/v1${path}`, { key: by.key, headers, ...(body === undefined ? {} : { body }) })
const read = async (id: string, by?: Party): Promise<Answer> =>
  world.call('GET', `/api/v1/requests/${id}`, by ? { key: by.key } : {})
const statusOf = async (id: string) => (await read(id)).body.request?.status

const DRAFT = { title: 'Translate a page', description: 'From Latin to Greek.', budgetMaxCents: 50 }

/** The very client that its makers publish, with the buyer's wallet. */
const paying =
  (by: Party) =>
  async (path: string, body?: object): Promise<Answer> => {
    const client = new x402Client().register(EVM_NETWORK as Network, new ExactEvmScheme(by.wallet))
    const headers = { authorization: `Bearer ${by.key}`, ...(body ? { 'content-type': 'application/json' } : {}) }
    const init = { method: 'POST', headers, ...(body ? { body: JSON.stringify(body) } : {}) }
    const answer = await wrapFetchWithPayment(fetch, client)(`${world.url}/api/v1${path}`, init)
    return { status: answer.status, body: await answer.json(), headers: Object.fromEntries(answer.headers) }
  }

/** A payment by hand, so that it can be sent again and again. */
async function headerFor(required: Answer, from: PrivateKeyAccount): Promise<Record<string, string>> {
  const { accepts } = JSON.parse(Buffer.from(String(required.headers['payment-required']), 'base64').toString())
  const [accepted] = accepts
  const payment = await signPayment({ from, to: accepted.payTo, value: BigInt(accepted.amount) })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization) }
  return { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
}

async function open(change: object = {}, by = buyer): Promise<string> {
  const posted = await post(by, '/requests', { ...DRAFT, ...change })
  expect(posted.status).toBe(201)
  return posted.body.requestId
}

async function escrowed(change: object = {}, by = buyer): Promise<string> {
  const posted = await paying(by)('/requests', { ...DRAFT, escrow: true, ...change })
  expect(posted.status).toBe(201)
  return posted.body.requestId
}

async function accepted(id: string, priceCents = 30): Promise<string> {
  const bid = await post(provider, `/requests/${id}/bid`, { priceCents })
  expect(bid.status).toBe(201)
  const done = await post(buyer, `/requests/${id}/accept`, { bidId: bid.body.bidId })
  expect([done.status, done.body]).toEqual([200, { ok: true }])
  return bid.body.bidId
}

async function fulfilled(id: string): Promise<string> {
  const done = await post(provider, `/requests/${id}/fulfill`, { outputPayload: { text: 'λόγος' } })
  expect([done.status, done.body]).toEqual([200, { ok: true }])
  return id
}

async function work({ escrow, priceCents = 30 }: { escrow: boolean; priceCents?: number }): Promise<string> {
  const id = escrow ? await escrowed() : await open()
  await accepted(id, priceCents)
  return fulfilled(id)
}

const receiptsOf = async (id: string) => {
  const { body } = await world.call('GET', '/api/v1/receipts?limit=200')
  return body.receipts.filter((one: { requestId?: string }) => one.requestId === id)
}

describe('posting and finding', () => {
  test('PA-34 PA-35 PA-37 a request without providerId is open, public, found by words; `_id` beside `id`', async () => {
    const word = `w${Math.round(performance.now())}x`
    const id = await open({ title: `Paint ${word}` })
    const { body } = await world.call('GET', '/api/v1/requests')
    expect(body.requests[0]).toMatchObject({ _id: id, id, status: 'open', escrow: false, budgetMaxCents: 50 })
    const found = await world.call('GET', `/api/v1/requests?q=${word}`)
    expect(found.body.requests.map((one: { id: string }) => one.id)).toEqual([id])
    await post(buyer, `/requests/${id}/cancel`)
    expect((await world.call('GET', `/api/v1/requests?q=${word}`)).body.requests).toEqual([])
    const over = await world.call('GET', `/api/v1/requests?q=${word}&status=cancelled`)
    expect(over.body.requests).toHaveLength(1)
    // Without words the status is of no concern: always the open ones.
    const { body: still } = await world.call('GET', '/api/v1/requests?status=cancelled')
    expect(still.requests.every((one: { status: string }) => one.status === 'open')).toBe(true)
    expect((await read(id)).body).toMatchObject({ request: { id, _id: id, status: 'cancelled' }, bids: [] })
    expect((await world.call('GET', '/api/v1/requests/none')).status).toBe(400)
    expect((await read('01890000-0000-7000-8000-000000000000')).status).toBe(404)
  })

  test('PA-59 discovery finds open requests', async () => {
    const word = `d${Math.round(performance.now())}x`
    const id = await open({ description: `about ${word}` })
    const { body } = await world.call('GET', `/api/v1/discover?q=${word}`)
    expect(body.openRequests).toMatchObject([{ id, status: 'open' }])
  })

  test('PA-37 PA-38 a direct hire needs agreedPriceCents, starts accepted, and never hires oneself', async () => {
    const hire = { ...DRAFT, providerId: provider.id, agreedPriceCents: 25 }
    const posted = await post(buyer, '/requests', hire)
    expect([posted.status, posted.body]).toMatchObject([201, { status: 'accepted', escrow: false }])
    const { request } = (await read(posted.body.requestId)).body
    expect(request).toMatchObject({ providerId: provider.id, agreedPriceCents: 25, status: 'accepted' })
    const { agreedPriceCents: _, ...incomplete } = hire
    expect((await post(buyer, '/requests', incomplete)).status).toBe(400)
    const self = await post(buyer, '/requests', { ...hire, providerId: buyer.id })
    expect([self.status, self.body.code]).toEqual([400, 'hire_yourself'])
  })

  test.each([
    [{ title: '' }],
    [{ title: 'x'.repeat(201) }],
    [{ description: 'x'.repeat(5001) }],
    [{ budgetMaxCents: 0 }],
    [{ budgetMaxCents: 10_000_001 }],
    [{ budgetMaxCents: 1.5 }],
    [{ inputPayload: 'x'.repeat(50_001) }],
    [{ surprise: 1 }],
  ])('limits of a request: %j is a 400', async (change) => {
    expect((await post(buyer, '/requests', { ...DRAFT, ...change })).status).toBe(400)
  })
})

describe('bids', () => {
  test('PA-41 PA-42 others bid at most the budget while it is open; the buyer accepts one and the rest are rejected', async () => {
    const id = await open()
    const rival = await party('rival')
    expect((await post(buyer, `/requests/${id}/bid`, { priceCents: 1 })).body.code).toBe('own_request')
    expect((await post(provider, `/requests/${id}/bid`, { priceCents: 51 })).body.code).toBe('bid_above_budget')
    const losing = await post(rival, `/requests/${id}/bid`, {
      priceCents: 50,
      message: 'me',
      estimatedDurationSeconds: 60,
    })
    const first = await post(provider, `/requests/${id}/bid`, { priceCents: 40 })
    const second = await post(provider, `/requests/${id}/bid`, { priceCents: 30 })
    expect((await read(id)).body.bids).toMatchObject([
      { _id: losing.body.bidId, bidderId: rival.id, priceCents: 50, message: 'me', status: 'pending' },
      { id: first.body.bidId, status: 'withdrawn' },
      { id: second.body.bidId, status: 'pending' },
    ])
    const stranger = await post(rival, `/requests/${id}/accept`, { bidId: second.body.bidId })
    expect([stranger.status, stranger.body.code]).toEqual([403, 'not_your_request'])
    expect((await post(buyer, `/requests/${id}/accept`, { bidId: first.body.bidId })).status).toBe(400)
    expect((await post(buyer, `/requests/${id}/accept`, { bidId: id })).status).toBe(404)
    expect((await post(buyer, `/requests/${id}/accept`, { bidId: second.body.bidId })).body).toEqual({ ok: true })
    const { request, bids } = (await read(id)).body
    expect(request).toMatchObject({ status: 'accepted', providerId: provider.id, agreedPriceCents: 30 })
    expect(bids.map(({ status }: { status: string }) => status)).toEqual(['rejected', 'withdrawn', 'accepted'])
    expect((await post(rival, `/requests/${id}/bid`, { priceCents: 1 })).status).toBe(400)
    expect((await post(buyer, `/requests/${id}/accept`, { bidId: losing.body.bidId })).status).toBe(400)
  })

  test('PA-42 of many bids accepted at once one is', async () => {
    const id = await open()
    const bidders = await Promise.all([1, 2, 3].map((n) => party(`bidder${n}`)))
    const bids = await Promise.all(bidders.map((by) => post(by, `/requests/${id}/bid`, { priceCents: 10 })))
    const accepts = await Promise.all(
      bids.map(({ body }) => post(buyer, `/requests/${id}/accept`, { bidId: body.bidId })),
    )
    expect(accepts.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    const { bids: after } = (await read(id)).body
    expect(after.map(({ status }: { status: string }) => status).sort()).toEqual(['accepted', 'rejected', 'rejected'])
  })
})

describe('the work', () => {
  test('PA-36 payloads are hidden from the public, and the result from the buyer until it has paid', async () => {
    const id = await open({ inputPayload: { text: 'verbum' } })
    await accepted(id)
    await fulfilled(id)
    const seen = async (by?: Party) => {
      const { inputPayload, outputPayload } = (await read(id, by)).body.request
      return { inputPayload, outputPayload }
    }
    expect(await seen()).toEqual({})
    expect(await seen(await party('stranger'))).toEqual({})
    expect(await seen(buyer)).toEqual({ inputPayload: { text: 'verbum' } })
    const all = { inputPayload: { text: 'verbum' }, outputPayload: { text: 'λόγος' } }
    expect(await seen(provider)).toEqual(all)
    expect((await paying(buyer)(`/requests/${id}/approve`)).status).toBe(200)
    expect(await seen(buyer)).toEqual(all)
  })

  test('PA-43 only the assigned provider fulfills, from accepted, with something', async () => {
    const id = await open()
    expect((await post(provider, `/requests/${id}/fulfill`, { outputPayload: 'x' })).status).toBe(400)
    await accepted(id)
    expect((await post(buyer, `/requests/${id}/fulfill`, { outputPayload: 'x' })).body.code).toBe('not_the_provider')
    for (const outputPayload of ['', ' ', null, {}, []])
      expect((await post(provider, `/requests/${id}/fulfill`, { outputPayload })).status).toBe(400)
    await fulfilled(id)
    expect(await statusOf(id)).toBe('fulfilled')
    expect((await post(provider, `/requests/${id}/fulfill`, { outputPayload: 'x' })).status).toBe(400)
  })
})

describe('without escrow', () => {
  test('PA-44 PA-47 approving asks for the agreed price to the provider’s wallet; paying it is a direct receipt', async () => {
    const id = await work({ escrow: false })
    const asked = await post(buyer, `/requests/${id}/approve`)
    expect(asked.status).toBe(402)
    const required = JSON.parse(Buffer.from(String(asked.headers['payment-required']), 'base64').toString())
    expect(required.accepts[0]).toMatchObject({ amount: '300000', payTo: provider.wallet.address })
    expect((await post(provider, `/requests/${id}/approve`)).status).toBe(403)
    const before = await held(provider.wallet.address)
    const paid = await paying(buyer)(`/requests/${id}/approve`)
    expect([paid.status, paid.body]).toEqual([
      200,
      { ok: true, receiptId: expect.any(String), txHash: expect.any(String) },
    ])
    expect((await held(provider.wallet.address)) - before).toBe(300_000n)
    const settled = decodePaymentResponseHeader(String(paid.headers['payment-response']))
    expect(settled).toMatchObject({ success: true, transaction: paid.body.txHash })
    expect(await receiptsOf(id)).toMatchObject([
      { id: paid.body.receiptId, settlementType: 'direct', amountCents: 30, txHash: paid.body.txHash },
    ])
    const again = await paying(buyer)(`/requests/${id}/approve`)
    expect([again.status, await statusOf(id)]).toEqual([400, 'approved'])
  })

  test('PA-49 of many payments for one approval at once one is made, and its copies hear the same', async () => {
    const id = await work({ escrow: false })
    const asked = await post(buyer, `/requests/${id}/approve`)
    const headers = await Promise.all([1, 2, 3, 4].map(() => headerFor(asked, buyer.wallet)))
    const before = await held(provider.wallet.address)
    const sent = [...headers, ...headers, ...headers]
    const answers = await Promise.all(sent.map((header) => post(buyer, `/requests/${id}/approve`, undefined, header)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won.length).toBeGreaterThanOrEqual(1)
    expect(new Set(won.map(({ body }) => body.txHash)).size).toBe(1)
    expect(answers.every(({ status }) => [200, 400, 409].includes(status))).toBe(true)
    expect((await held(provider.wallet.address)) - before).toBe(300_000n)
    expect(await receiptsOf(id)).toHaveLength(1)
  })

  test('PA-49 D-16 a payment whose answer is lost is answered again, with the same receipt', async () => {
    const id = await work({ escrow: false })
    const header = await headerFor(await post(buyer, `/requests/${id}/approve`), buyer.wallet)
    const [lost, again] = [
      await post(buyer, `/requests/${id}/approve`, undefined, header),
      await post(buyer, `/requests/${id}/approve`, undefined, header),
    ]
    expect([again.status, again.body]).toEqual([200, lost.body])
  })

  test('a payment that fails leaves the request fulfilled, and another one pays', async () => {
    const id = await work({ escrow: false })
    const poor = await party('poor')
    const asked = await post(buyer, `/requests/${id}/approve`)
    const refused = await post(buyer, `/requests/${id}/approve`, undefined, await headerFor(asked, poor.wallet))
    expect([refused.status, await statusOf(id)]).toEqual([402, 'fulfilled'])
    const self = await post(buyer, `/requests/${id}/approve`, undefined, await headerFor(asked, provider.wallet))
    expect([self.status, self.body.code]).toEqual([400, 'hire_yourself'])
    expect((await paying(buyer)(`/requests/${id}/approve`)).status).toBe(200)
  })

  test('PA-53 PA-54 only the buyer cancels, from open, accepted or fulfilled, and nothing is paid', async () => {
    const states = [await open(), await open(), await open()]
    await accepted(states[1] ?? '')
    await accepted(states[2] ?? '')
    await fulfilled(states[2] ?? '')
    for (const id of states) {
      expect((await post(provider, `/requests/${id}/cancel`)).status).toBe(403)
      const done = await post(buyer, `/requests/${id}/cancel`, { reason: 'changed my mind' })
      expect([done.status, done.body]).toEqual([200, { ok: true, refunded: false }])
      expect((await read(id)).body.request).toMatchObject({ status: 'cancelled', reason: 'changed my mind' })
      expect((await post(buyer, `/requests/${id}/cancel`)).status).toBe(400)
      expect((await post(buyer, `/requests/${id}/approve`)).status).toBe(400)
    }
  })

  test('a provider that has named no wallet cannot be paid: 503', async () => {
    const { id: providerId, post: as } = await world.agent({ funds: 0n })
    const posted = await post(buyer, '/requests', { ...DRAFT, providerId, agreedPriceCents: 5 })
    await as(`/api/v1/requests/${posted.body.requestId}/fulfill`, { outputPayload: 'x' })
    const answer = await post(buyer, `/requests/${posted.body.requestId}/approve`)
    expect([answer.status, answer.body.code]).toEqual([503, 'provider_without_wallet'])
  })
})

describe('with escrow', () => {
  const houseOf = (asked: Answer) =>
    JSON.parse(Buffer.from(String(asked.headers['payment-required']), 'base64').toString()).accepts[0]

  test('PA-39 PA-40 it is posted once it is paid into the platform’s wallet, and a deposit receipt is written', async () => {
    const asked = await post(buyer, '/requests', { ...DRAFT, escrow: true })
    expect(asked.status).toBe(402)
    const { payTo, amount } = houseOf(asked)
    expect(amount).toBe('500000')
    const before = await held(payTo)
    const paid = await paying(buyer)('/requests', { ...DRAFT, escrow: true })
    expect([paid.status, paid.body]).toMatchObject([201, { status: 'open', escrow: true, escrowAmountCents: 50 }])
    expect((await held(payTo)) - before).toBe(500_000n)
    const [deposit] = await receiptsOf(paid.body.requestId)
    expect(deposit).toMatchObject({
      settlementType: 'escrow_deposit',
      amountCents: 50,
      buyerId: buyer.id,
      sellerId: null,
    })
    expect([deposit.txHash, deposit.id]).toEqual([paid.headers['x-tx-hash'], paid.headers['x-receipt-id']])
    const direct = { ...DRAFT, escrow: true, providerId: provider.id, agreedPriceCents: 12 }
    expect(houseOf(await post(buyer, '/requests', direct)).amount).toBe('120000')
    expect((await paying(buyer)('/requests', direct)).body).toMatchObject({
      status: 'accepted',
      escrowAmountCents: 12,
    })
  })

  test('D-16 one payment posts one request, however often and from how many sides it comes', async () => {
    const draft = { ...DRAFT, escrow: true, title: 'Only once' }
    const header = await headerFor(await post(buyer, '/requests', draft), buyer.wallet)
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(buyer, '/requests', draft, header)))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.requestId}`)).size).toBe(1)
    const again = await post(buyer, '/requests', draft, header)
    expect([again.status, again.body]).toEqual([201, answers[0]?.body])
    const other = await post(buyer, '/requests', { ...draft, title: 'Something else' }, header)
    expect([other.status, other.body.code]).toEqual([409, 'payment_spent_elsewhere'])
    const thief = await party('thief')
    expect((await post(thief, '/requests', draft, header)).status).toBe(409)
  })

  test('PA-45 PA-46 PA-51 approving releases the price to the provider and the surplus to the payer, each with a receipt', async () => {
    const id = await work({ escrow: true })
    const [paid, back] = [await held(provider.wallet.address), await held(buyer.wallet.address)]
    const done = await post(buyer, `/requests/${id}/approve`)
    expect([done.status, done.body]).toMatchObject([
      200,
      { ok: true, surplusRefundedCents: 20, surplusPendingCents: 0, receiptId: expect.any(String) },
    ])
    expect((await held(provider.wallet.address)) - paid).toBe(300_000n)
    expect((await held(buyer.wallet.address)) - back).toBe(200_000n)
    expect(await receiptsOf(id)).toMatchObject([
      {
        settlementType: 'escrow_refund',
        amountCents: 20,
        id: done.body.refundReceiptId,
        txHash: done.body.refundTxHash,
      },
      { settlementType: 'escrow_release', amountCents: 30, id: done.body.receiptId, txHash: done.body.txHash },
      { settlementType: 'escrow_deposit', amountCents: 50 },
    ])
    const again = await post(buyer, `/requests/${id}/approve`)
    expect([again.status, again.body.code, await statusOf(id)]).toEqual([400, 'request_status', 'approved'])
    expect((await post(buyer, `/requests/${id}/cancel`)).status).toBe(400)
  })

  test('PA-54 cancelling gives the deposit back to the wallet that paid it, once', async () => {
    const id = await escrowed()
    await accepted(id)
    const before = await held(buyer.wallet.address)
    const done = await post(buyer, `/requests/${id}/cancel`)
    expect([done.status, done.body]).toMatchObject([200, { ok: true, refunded: true, txHash: expect.any(String) }])
    expect((await held(buyer.wallet.address)) - before).toBe(500_000n)
    expect((await receiptsOf(id))[0]).toMatchObject({ settlementType: 'escrow_refund', amountCents: 50 })
    expect((await post(buyer, `/requests/${id}/cancel`)).status).toBe(400)
  })

  test('PA-48 of many who approve and cancel at once one reaches the transfer and the others are told 409', async () => {
    const id = await work({ escrow: true })
    await post(provider, `/requests/${id}/consent`)
    const before = await held(provider.wallet.address)
    const verbs = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? 'approve' : 'cancel'))
    const answers = await Promise.all(verbs.map((verb) => post(buyer, `/requests/${id}/${verb}`)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const lost = answers.filter(({ status }) => status !== 200)
    expect(lost.every(({ status }) => status === 409 || status === 400)).toBe(true)
    expect(lost.find(({ status }) => status === 409)?.body.error).toBe('Request is already being settled')
    const released = (await statusOf(id)) === 'approved' ? 300_000n : 0n
    expect((await held(provider.wallet.address)) - before).toBe(released)
  })

  test('D-12 (for PA-55) what was fulfilled is cancelled only with the provider’s consent', async () => {
    const id = await work({ escrow: true })
    const refused = await post(buyer, `/requests/${id}/cancel`)
    expect([refused.status, refused.body.code]).toEqual([403, 'cancel_needs_consent'])
    expect((await post(buyer, `/requests/${id}/consent`)).status).toBe(400)
    expect((await post(provider, `/requests/${id}/consent`)).status).toBe(200)
    expect((await post(buyer, `/requests/${id}/cancel`)).body).toMatchObject({ refunded: true })
  })

  test('D-12 what is disputed waits for the operator, who gives the money to one of the two', async () => {
    for (const winner of ['buyer', 'seller'] as const) {
      const id = await work({ escrow: true })
      expect((await post(provider, `/requests/${id}/dispute`, { reason: 'x' })).status).toBe(403)
      expect((await post(buyer, `/requests/${id}/dispute`, { reason: 'not Greek' })).body).toEqual({ ok: true })
      await world.pass(8 * 86_400)
      expect((await read(id)).body.request).toMatchObject({ status: 'disputed', reason: 'not Greek' })
      const before = await held((winner === 'buyer' ? buyer : provider).wallet.address)
      const path = `/api/v1/admin/requests/${id}/resolve`
      expect((await world.call('POST', path, { key: buyer.key, body: { winner } })).status).toBe(403)
      expect((await world.call('POST', path, { key: world.operatorKey, body: { winner } })).status).toBe(200)
      const end = winner === 'buyer' ? 'cancelled' : 'approved'
      await world.until(async () => ((await statusOf(id)) === end ? true : undefined))
      const gained = (await held((winner === 'buyer' ? buyer : provider).wallet.address)) - before
      expect(gained).toBe(winner === 'buyer' ? 500_000n : 300_000n)
    }
  })

  test('D-12 PA-50 PA-56 silence: 30 days open and 14 accepted refund, 7 days fulfilled release', async () => {
    const [open, idle, silent] = [await escrowed(), await escrowed(), await work({ escrow: true })]
    await accepted(idle)
    const [paid, back] = [await held(provider.wallet.address), await held(buyer.wallet.address)]
    const becomes = (id: string, status: string) =>
      world.until(async () => ((await statusOf(id)) === status ? true : undefined))
    await world.pass(7 * 86_400 + 60)
    await becomes(silent, 'approved')
    expect([await statusOf(idle), await statusOf(open)]).toEqual(['accepted', 'open'])
    await world.pass(7 * 86_400)
    await becomes(idle, 'cancelled')
    expect(await statusOf(open)).toBe('open')
    await world.pass(16 * 86_400)
    await becomes(open, 'cancelled')
    await world.until(async () => ((await receiptsOf(silent)).length === 3 ? true : undefined))
    expect((await held(provider.wallet.address)) - paid).toBe(300_000n)
    expect((await held(buyer.wallet.address)) - back).toBe(500_000n + 500_000n + 200_000n)
    // PA-50: whoever approves what silence has released hears of that receipt, and nothing is moved.
    const late = await post(buyer, `/requests/${silent}/approve`)
    expect([late.status, late.body.receiptId]).toEqual([200, (await receiptsOf(silent))[1]?.id])
    expect((await held(provider.wallet.address)) - paid).toBe(300_000n)
  })

  test('PA-52 a release that cannot be made is a 502 and leaves the request fulfilled; later it is paid', async () => {
    const id = await work({ escrow: true })
    await blacklist(provider.wallet.address, true)
    const failed = await post(buyer, `/requests/${id}/approve`)
    expect([failed.status, failed.body.code, await statusOf(id)]).toEqual([502, 'payout_failed', 'fulfilled'])
    await blacklist(provider.wallet.address, false)
    expect((await post(buyer, `/requests/${id}/approve`)).status).toBe(200)
  })

  test('D-28 PA-50 while the chain has not answered nothing is said to have failed; asked again, the same release is told', async () => {
    const id = await work({ escrow: true })
    const before = await held(provider.wallet.address)
    // A buyer whose patience is over at once.
    const engine = createEngine({ forms: [requestForm], issueReceipts: async () => {}, payOut: createPayOut() })
    const impatient = { store: world.souk.store, engine, settings: { patienceMs: 0, pollMs: 10 } }
    const asked = settleRequest(impatient, { requestId: id, by: buyer.id, verb: 'approve' })
    await expect(asked).rejects.toMatchObject({ code: 'settlement_under_way', kind: 'unknown' })
    const other = await post(buyer, `/requests/${id}/cancel`)
    expect([400, 409]).toContain(other.status)
    const [one, two] = [await post(buyer, `/requests/${id}/approve`), await post(buyer, `/requests/${id}/approve`)]
    expect([one.status, one.body.txHash, two.status]).toEqual([200, (await receiptsOf(id))[1]?.txHash, 400])
    expect((await held(provider.wallet.address)) - before).toBe(300_000n)
  })

  test('both sides are told what happens to a request, as events and webhooks', async () => {
    const id = await work({ escrow: true })
    await post(buyer, `/requests/${id}/approve`)
    const told = async (by: Party, count: number) =>
      world.until(async () => {
        const { body } = await world.call('GET', '/api/v1/events?limit=100', { key: by.key })
        const mine = body.events.filter((one: { data: { requestId?: string } }) => one.data.requestId === id)
        return mine.length >= count ? mine.map(({ type }: { type: string }) => type) : undefined
      })
    expect(await told(provider, 2)).toEqual(['request.accepted', 'request.approved'])
    expect(await told(buyer, 3)).toEqual(['request.bid', 'request.fulfilled', 'request.approved'])
  })

  test('D-4 a wallet does not hire itself: neither directly nor by a bid', async () => {
    const draft = { ...DRAFT, escrow: true, providerId: provider.id, agreedPriceCents: 10 }
    const own = await post(
      buyer,
      '/requests',
      draft,
      await headerFor(await post(buyer, '/requests', draft), provider.wallet),
    )
    expect([own.status, own.body.code]).toEqual([400, 'hire_yourself'])
    await faucet({ rpcUrl: rpcUrl(), address: provider.wallet.address, amount: 500_000n })
    const openDraft = { ...DRAFT, escrow: true }
    const header = await headerFor(await post(buyer, '/requests', openDraft), provider.wallet)
    const { body } = await post(buyer, '/requests', openDraft, header)
    const bid = await post(provider, `/requests/${body.requestId}/bid`, { priceCents: 1 })
    const taken = await post(buyer, `/requests/${body.requestId}/accept`, { bidId: bid.body.bidId })
    expect([taken.status, taken.body.code]).toEqual([400, 'hire_yourself'])
  })

  test('D-35 who is suspended posts, bids on and accepts nothing, and what was begun goes on to its end', async () => {
    const id = await work({ escrow: true })
    const suspend = (agentId: string, suspended: boolean) =>
      world.call('PATCH', `/api/v1/admin/agents/${agentId}`, { key: world.operatorKey, body: { suspended } })
    await suspend(buyer.id, true)
    for (const escrow of [true, false])
      expect((await post(buyer, '/requests', { ...DRAFT, escrow })).body.code).toBe('request_party_suspended')
    expect((await post(buyer, `/requests/${id}/approve`)).status).toBe(200)
    await suspend(buyer.id, false)
  })

  test('what could not be placed any more once it was paid goes back to the wallet that paid', async () => {
    const draft = { ...DRAFT, escrow: true, providerId: provider.id, agreedPriceCents: 7 }
    const header = await headerFor(await post(buyer, '/requests', draft), buyer.wallet)
    const before = await held(buyer.wallet.address)
    // Suspended between the reservation and the settlement: the chain is slow to answer.
    await world.evm?.call('souk_dropNextTransactions', { mode: 'drop', count: 1 })
    const slow = post(buyer, '/requests', draft, header)
    await world.until(async () => {
      const [row] = await world.souk.store.read.rows(
        sql`select 1 from purchase where kind = 'request' and state = 'settling'`,
      )
      return row
    })
    const key = world.operatorKey
    await world.call('PATCH', `/api/v1/admin/agents/${provider.id}`, { key, body: { suspended: true } })
    const answer = await slow
    expect([answer.status, answer.body.code]).toEqual([409, 'order_refused'])
    await world.until(async () => ((await held(buyer.wallet.address)) === before ? true : undefined))
    expect((await post(buyer, '/requests', draft, header)).status).toBe(409)
  })
})

async function blacklist(address: string, isOut: boolean): Promise<void> {
  const abi = parseAbi(['function setBlacklisted(address account, bool isOut)'])
  const data = encodeFunctionData({ abi, functionName: 'setBlacklisted', args: [address as Hex, isOut] })
  const { createPublicClient, createWalletClient, http } = await import('viem')
  const { baseSepolia } = await import('viem/chains')
  const { address: from, secretKey } = await createWallet()
  await faucet({ rpcUrl: rpcUrl(), address: from, amount: 0n })
  const transport = http(rpcUrl())
  const account = privateKeyToAccount(secretKey as Hex)
  const hash = await createWalletClient({ chain: baseSepolia, transport, account }).sendTransaction({
    to: TOKEN.address,
    data,
  })
  await createPublicClient({ chain: baseSepolia, transport, pollingInterval: 10 }).waitForTransactionReceipt({ hash })
}
