import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contractSignature, signedFields } from '#faces/v1/receipt-view'
import { newId } from '#kernel/id'
import { createStanding } from '#main/standing'
import type { Receipt } from '#receipts'
import { openWorld, type TestAgent, type World } from '#tests/world'

let world: World
let client: TestAgent
let provider: TestAgent
let serviceId: string

const PRICE = 505_000n
const FEE = 15_150n

beforeAll(async () => {
  world = await openWorld()
  client = await world.agent({ funds: 100_000_000n })
  provider = await world.agent({ funds: 0n })
  serviceId = await world.service(provider, { pricePerJob: Number(PRICE) })
  for (let n = 0; n < 5; n++) await trade()
})
afterAll(() => world.close())

/** A whole job, from hiring to payment; answers its id. */
async function trade(buyer = client, seller = provider, service = serviceId): Promise<string> {
  const { body } = await buyer.post('/api/v1/jobs', { type: 'direct', serviceId: service, input: { text: 'long' } })
  const delivered = await seller.post(`/api/v1/jobs/${body.id}/deliver`, { output: { bullets: ['short'] } })
  const paid = await buyer.post(`/api/v1/jobs/${body.id}/accept-delivery`)
  expect([delivered.status, paid.status]).toEqual([200, 200])
  return body.id
}
const get = async (path: string) => (await world.call('GET', `/api/v1${path}`)).body
const ofAgent = ({ id }: TestAgent, query = '') => get(`/agents/${id}/receipts${query}`)
const idsOf = (receipts: { id: string }[]) => receipts.map(({ id }) => id)

describe('the public feed', () => {
  test('PA-5 PA-57 every settled trade is in it at once, newest first, for everybody to see', async () => {
    const jobId = await trade()
    const { receipts } = await get('/receipts')
    expect(receipts[0]).toMatchObject({
      buyerId: client.id,
      sellerId: provider.id,
      orderId: jobId,
      listingId: serviceId,
      form: 'direct',
      amountCents: 50,
      amountMicroUsd: 505_000,
      currency: 'USDC',
      chain: 'souk',
      network: 'souk',
      txHash: null,
      settlementType: 'escrow_release',
      status: 'confirmed',
      delivered: true,
      ...{ price: '505000', payout: '505000', fee: '15150' },
    })
    expect(receipts[0]._id).toBe(receipts[0].id)
    expect(receipts[0]).not.toHaveProperty('offerId')
    expect(receipts[0].latencyMs).toBeGreaterThanOrEqual(0)
    const seqs = receipts.map(({ seq }: { seq: string }) => Number(seq))
    expect(seqs).toEqual(seqs.map((_: number, index: number) => seqs[0] - index))
    const times = receipts.map(({ emittedAt }: { emittedAt: number }) => emittedAt)
    expect(times).toEqual(times.toSorted((a: number, b: number) => b - a))
  })

  test.each([
    ['2', 2],
    ['0', 1],
    ['-7', 1],
    ['many', 50],
    ['99999', 200],
  ])('a limit of %s shows at most %i', async (limit, most) => {
    const { receipts } = await get(`/receipts?limit=${limit}`)
    const all = (await get('/receipts?limit=200')).receipts
    expect(idsOf(receipts)).toEqual(idsOf(all).slice(0, most))
  })

  test('page by page it shows each receipt once, and ends', async () => {
    const { receipts: all, nextCursor: beyond } = await get('/receipts?limit=200')
    expect(beyond).toBeNull()
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await get(`/receipts?limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...idsOf(page.receipts))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(idsOf(all))
    expect((await world.call('GET', '/api/v1/receipts?cursor=first')).status).toBe(400)
  })
})

describe('one receipt', () => {
  test('PA-57 is public by its id, with its signature', async () => {
    const [newest] = (await get('/receipts?limit=1')).receipts
    expect(await get(`/receipts/${newest.id}`)).toEqual({ receipt: newest })
    expect(newest.signature).toMatch(/^[0-9a-f]{64}$/)
  })

  test('PA-63 what is no id is a 400, what nobody has is a 404', async () => {
    expect(await world.call('GET', '/api/v1/receipts/k57abc')).toMatchObject({
      status: 400,
      body: { error: expect.any(String) },
    })
    expect(await world.call('GET', `/api/v1/receipts/${newId()}`)).toMatchObject({
      status: 404,
      body: { error: 'Receipt not found', code: 'receipt_unknown' },
    })
  })

  test('D-19 anybody verifies it with the published keys, and that it follows the one before', async () => {
    const [newest, before] = (await get('/receipts?limit=2')).receipts
    const { keys } = (await world.call('GET', '/.well-known/jwks.json')).body
    const { payload } = await compactVerify(newest.jws, await importJWK(keys[0]))
    const signed = JSON.parse(new TextDecoder().decode(payload))
    for (const field of [
      'id',
      'seq',
      'previous',
      'orderId',
      'buyerId',
      'sellerId',
      'price',
      'payout',
      'fee',
      'network',
    ])
      expect(signed[field]).toBe(newest[field])
    expect(newest.previous).toBe(createHash('sha256').update(before.jws).digest('hex'))
  })
})

describe('the signature of the contract', () => {
  const secret = new Uint8Array(32).fill(7)
  const id = fc.uuid()
  const receipt = fc.record({
    ...{ id, orderId: id, buyerId: id, sellerId: fc.option(id), offerId: fc.option(id), requestId: fc.option(id) },
    externalResourceId: fc.option(fc.string({ minLength: 1 })),
    asset: fc.constantFrom('USDC', 'CREDIT'),
    price: fc.bigInt({ min: 0n, max: 2n ** 60n }),
    network: fc.constantFrom('souk', 'eip155:8453', 'eip155:84532', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'),
    txHash: fc.option(fc.uuid()),
    type: fc.constantFrom('direct', 'escrow_deposit', 'escrow_release', 'escrow_refund', 'external'),
    issuedAt: fc.date({ noInvalidDate: true }),
  }) as unknown as fc.Arbitrary<Receipt>

  test('PA-58 is HMAC-SHA256 over the JSON of the fields in the documented order', () => {
    const known = {
      ...{ buyerId: 'b', sellerId: 's', offerId: 'o', requestId: null, asset: 'USDC', price: 1_234_567n },
      ...{ network: 'eip155:8453', txHash: '0xab', type: 'direct', issuedAt: new Date(1_700_000_000_000) },
      externalResourceId: null,
    } as unknown as Receipt
    const text =
      '{"buyerId":"b","sellerId":"s","offerId":"o","requestId":null,"amountCents":123,"currency":"USDC","chain":"base",' +
      '"network":"eip155:8453","txHash":"0xab","settlementType":"direct","status":"confirmed","emittedAt":1700000000000'
    const hmac = (json: string) => createHmac('sha256', secret).update(json).digest('hex')
    expect(contractSignature(signedFields(known), secret)).toBe(hmac(`${text},"amountMicroUsd":1234567}`))
    const external = { ...known, externalResourceId: 'r"1' }
    expect(contractSignature(signedFields(external), secret)).toBe(
      hmac(`${text},"externalResourceId":"r\\"1","amountMicroUsd":1234567}`),
    )
  })

  test('PA-58 changes when any of the fields changes, and with the secret', () => {
    fc.assert(
      fc.property(receipt, receipt, (one, other) => {
        const fields = signedFields(one)
        const signature = contractSignature(fields, secret)
        expect(contractSignature(fields, new Uint8Array(32))).not.toBe(signature)
        for (const [name, value] of Object.entries(signedFields(other))) {
          const changed = { ...fields, [name]: value }
          const isSame = value === fields[name as keyof typeof fields]
          expect(contractSignature(changed, secret) === signature).toBe(isSame)
        }
      }),
    )
  })
})

describe('receipts of an agent', () => {
  test('PA-20 PA-21 are public, with what they add up to on either side', async () => {
    const buyer = await world.agent({ funds: 10_000_000n })
    const own = await world.service(buyer, { pricePerJob: 1_000_001 })
    await trade(buyer)
    await trade(buyer)
    await trade(client, buyer, own)
    const { stats, receipts } = await ofAgent(buyer)
    expect(stats).toEqual({
      totalEarnedCents: 100,
      totalEarnedMicroUsd: 1_000_001,
      totalSpentCents: Number((2n * (PRICE + FEE)) / 10_000n),
      totalSpentMicroUsd: Number(2n * (PRICE + FEE)),
      receiptsSold: 1,
      receiptsBought: 2,
    })
    expect(receipts).toHaveLength(3)
    await world.settle()
    expect((await ofAgent(buyer)).stats).toEqual(stats)
  })

  test('PA-20 are filtered by side, newest first, page by page', async () => {
    const agent = await world.agent({ funds: 10_000_000n })
    const own = await world.service(agent)
    const bought = [await trade(agent), await trade(agent)]
    const sold = await trade(client, agent, own)
    const orders = async (query: string) =>
      (await ofAgent(agent, query)).receipts.map(({ orderId }: { orderId: string }) => orderId)
    expect(await orders('')).toEqual([sold, ...bought.toReversed()])
    expect(await orders('?side=both')).toEqual(await orders(''))
    expect(await orders('?side=buyer')).toEqual(bought.toReversed())
    expect(await orders('?side=seller')).toEqual([sold])
    expect(await orders('?side=buyer&limit=1')).toEqual([bought[1]])
    const { nextCursor } = await ofAgent(agent, '?limit=1')
    expect(await orders(`?limit=1&cursor=${nextCursor}`)).toEqual([bought[1]])
    expect((await world.call('GET', `/api/v1/agents/${agent.id}/receipts?side=all`)).status).toBe(400)
  })

  test('an agent without any has none; what is no agent has no receipts either', async () => {
    const nobody = await world.agent()
    expect(await ofAgent(nobody)).toEqual({
      stats: {
        ...{ totalEarnedCents: 0, totalEarnedMicroUsd: 0, totalSpentCents: 0, totalSpentMicroUsd: 0 },
        ...{ receiptsSold: 0, receiptsBought: 0 },
      },
      receipts: [],
      nextCursor: null,
    })
    expect((await world.call('GET', `/api/v1/agents/${newId()}/receipts`)).status).toBe(404)
    expect((await world.call('GET', '/api/v1/agents/nobody/receipts')).status).toBe(400)
  })
})

describe('reputation', () => {
  const reputation = async ({ id }: TestAgent) => {
    const { read } = world.souk.store
    return (await createStanding(read).sellerReputationOf(read, [id])).get(id)
  }

  test('PA-5 PA-64 PA-65 grows with sales to distinct buyers that have deposited', async () => {
    const seller = await world.agent({ funds: 0n })
    const service = await world.service(seller)
    expect(await reputation(seller)).toMatchObject({ successRate: 1, score: 0, trusted: false })
    const buyers = [client, await world.agent({ funds: 5_000_000n }), await world.agent({ funds: 5_000_000n })]
    for (const [index, score] of [60, 70, 80].entries()) {
      await trade(buyers[index], seller, service)
      await world.settle()
      expect(await reputation(seller)).toMatchObject({ sales: index + 1, buyers: index + 1, score, trusted: false })
    }
    await trade(client, seller, service)
    await trade(client, seller, service)
    await world.settle()
    expect((await get(`/agents/${seller.id}`)).reputation).toEqual({ successRate: 1, score: 80, trusted: true })
    expect(await reputation(seller)).toEqual({
      ...{ sales: 5, undelivered: 0, buyers: 3, successRate: 1, score: 80, trusted: true },
    })
  })
})
