import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { openWorld, PLAIN_SERVICE, type TestAgent, type World } from '#tests/world'

let world: World
let client: TestAgent
let provider: TestAgent
let stranger: TestAgent

beforeAll(async () => {
  world = await openWorld()
  client = await world.agent({ name: 'client', funds: 100_000_000n })
  provider = await world.agent({ name: 'provider', funds: 0n })
  stranger = await world.agent({ name: 'stranger', funds: 0n })
})
afterAll(() => world.close())

const input = { text: 'a long text' }
const output = { bullets: ['short'] }
const hire = (serviceId: string, by = client, fields: object = {}) =>
  by.post('/api/v1/jobs', { type: 'direct', serviceId, input, ...fields })
const job = async (fields: object = {}) => {
  const hired = await hire(await world.service(provider, fields))
  expect(hired.status).toBe(201)
  return hired.body
}
const statusOf = async (id: string) => (await client.get(`/api/v1/jobs/${id}`)).body.status
const balance = async (agent: TestAgent) => (await agent.get('/api/v1/wallet/balance')).body

describe('hiring', () => {
  test('JP-56 JP-57 a job names its type, its service and its input', async () => {
    const serviceId = await world.service(provider)
    for (const body of [{}, { type: 'direct' }, { type: 'direct', serviceId }, { type: 'other', serviceId, input }]) {
      const refused = await client.post('/api/v1/jobs', body)
      expect([refused.status, typeof refused.body.error]).toEqual([400, 'string'])
    }
  })

  test('JP-60 JP-61 JP-62 the client pays price and 3 %, shown as strings of micro-units', async () => {
    expect(await job()).toMatchObject({
      type: 'direct',
      status: 'accepted',
      amount: '500000',
      platformFee: '15000',
      totalCost: '515000',
      clientAgentId: client.id,
      providerAgentId: provider.id,
      input,
    })
  })

  test('JP-63 hiring moves the total cost from available to escrowed', async () => {
    const before = await balance(client)
    await job()
    const after = await balance(client)
    expect(BigInt(before.available) - BigInt(after.available)).toBe(515_000n)
    expect(BigInt(after.escrowed) - BigInt(before.escrowed)).toBe(515_000n)
  })

  test('JP-64 a client without the money is refused and nothing changes', async () => {
    const pauper = await world.agent({ funds: 514_999n })
    const refused = await hire(await world.service(provider), pauper)
    expect([refused.status, refused.body.code, refused.body.shortfall]).toEqual([400, 'insufficient_funds', '1'])
    expect((await pauper.get('/api/v1/jobs')).body.pagination.total).toBe(0)
    expect(await pauper.available()).toBe(514_999n)
  })

  test('JP-66 a job of a service that accepts by itself is accepted at once and ends after its execution time', async () => {
    const made = await job({ maxExecutionTimeSecs: 60 })
    expect(made.status).toBe('accepted')
    expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(60_000)
  })

  test('D-6 an input that breaks the inputSchema is refused and nothing is held', async () => {
    const serviceId = await world.service(provider)
    const before = await client.available()
    const refused = await hire(serviceId, client, { input: { text: 5 } })
    expect([refused.status, refused.body.code]).toEqual([400, 'input_invalid'])
    expect(await client.available()).toBe(before)
  })

  test('an unknown, malformed or withdrawn service cannot be hired', async () => {
    const gone = await world.service(provider)
    await provider.delete(`/api/v1/services/${gone}`)
    expect((await hire(newId())).status).toBe(404)
    expect((await hire('not-an-id')).status).toBe(404)
    expect([(await hire(gone)).status, (await hire(gone)).body.code]).toEqual([409, 'service_inactive'])
  })

  test('D-4 nobody hires itself', async () => {
    const refused = await hire(await world.service(client))
    expect([refused.status, refused.body.code]).toEqual([403, 'self_trade'])
  })

  test('D-4 changing a service changes no job already made', async () => {
    const serviceId = await world.service(provider)
    const made = (await hire(serviceId)).body
    const outputSchema = { type: 'object', properties: { other: { type: 'number' } }, required: ['other'] }
    await provider.patch(`/api/v1/services/${serviceId}`, { pricePerJob: 9_000_000, outputSchema, exampleOutput: null })
    const delivered = await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    expect([delivered.status, delivered.body.amount]).toEqual([200, '500000'])
    const anew = await hire(serviceId)
    expect(anew.body.amount).toBe('9000000')
    await client.post(`/api/v1/jobs/${anew.body.id}/cancel`)
  })

  test('a client that names a maxPrice is not charged more, whatever the owner made of the price meanwhile', async () => {
    const serviceId = await world.service(provider)
    await provider.patch(`/api/v1/services/${serviceId}`, { pricePerJob: 40_000_000 })
    const before = await client.available()
    const refused = await hire(serviceId, client, { maxPrice: 500_000 })
    expect([refused.status, refused.body.code, refused.body.price]).toEqual([409, 'price_above_max', '40000000'])
    expect(await client.available()).toBe(before)
    const hired = await hire(serviceId, client, { maxPrice: '40000000' })
    expect(hired.status).toBe(201)
    await client.post(`/api/v1/jobs/${hired.body.id}/cancel`)
  })

  test('JP-47 a client below the trust floor is refused; an unproven score counts as 0.5 at most (D-6)', async () => {
    const refused = await hire(await world.service(provider, { minClientTrustScore: 0.51 }))
    expect([refused.status, refused.body.code, refused.body.score]).toEqual([403, 'trust_too_low', 0.5])
    expect((await hire(await world.service(provider, { minClientTrustScore: 0.5 }))).status).toBe(201)
  })

  test('JP-16 an agent that is not activated cannot hire', async () => {
    const newcomer = await world.agent()
    const refused = await hire(await world.service(provider), newcomer)
    expect([refused.status, refused.body.code]).toEqual([403, 'not_activated'])
  })

  test('JP-173 a retried hire takes effect once and is answered the same', async () => {
    const serviceId = await world.service(provider)
    const headers = { 'idempotency-key': newId() }
    const first = await client.post('/api/v1/jobs', { type: 'direct', serviceId, input }, headers)
    const again = await client.post('/api/v1/jobs', { input, serviceId, type: 'direct' }, headers)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(again.headers['idempotent-replayed']).toBe('true')
    const other = await client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'else' } }, headers)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
  })
})

describe('capacity', () => {
  test('JP-45 JP-49 beyond capacity jobs queue, and the oldest begins when a slot frees', async () => {
    const serviceId = await world.service(provider, { maxConcurrentJobs: 1 })
    const jobs = [(await hire(serviceId)).body, (await hire(serviceId)).body, (await hire(serviceId)).body]
    expect(jobs.map(({ status }) => status)).toEqual(['accepted', 'queued', 'queued'])
    await provider.post(`/api/v1/jobs/${jobs[0].id}/deliver`, { output })
    expect([await statusOf(jobs[1].id), await statusOf(jobs[2].id)]).toEqual(['accepted', 'queued'])
    await client.post(`/api/v1/jobs/${jobs[1].id}/cancel`)
    expect(await statusOf(jobs[2].id)).toBe('accepted')
  })

  test('JP-48 without a queue, or with a full one, a further job is refused and nothing is held', async () => {
    const noQueue = await world.service(provider, { maxConcurrentJobs: 1, queueEnabled: false })
    const fullQueue = await world.service(provider, { maxConcurrentJobs: 1, maxQueueSize: 1 })
    await hire(noQueue)
    await hire(fullQueue)
    await hire(fullQueue)
    const before = await client.available()
    for (const serviceId of [noQueue, fullQueue]) {
      const refused = await hire(serviceId)
      expect([refused.status, refused.body.code]).toEqual([409, 'service_at_capacity'])
    }
    expect(await client.available()).toBe(before)
  })

  test('a job that waited a day in the queue expires and is refunded', async () => {
    const serviceId = await world.service(provider, {
      maxConcurrentJobs: 1,
      maxExecutionTimeSecs: 3600,
      autoAccept: false,
    })
    await hire(serviceId)
    const waiting = (await hire(serviceId)).body
    expect(Date.parse(waiting.expiresAt) - Date.parse(waiting.createdAt)).toBe(86_400_000)
  })
})

describe('accepting', () => {
  test('JP-69 the provider accepts a job of a service that does not accept by itself', async () => {
    const made = await job({ autoAccept: false })
    expect(made.status).toBe('pending')
    expect((await client.post(`/api/v1/jobs/${made.id}/accept`)).status).toBe(403)
    const accepted = await provider.post(`/api/v1/jobs/${made.id}/accept`)
    expect([accepted.status, accepted.body.status]).toEqual([200, 'accepted'])
    expect((await provider.post(`/api/v1/jobs/${made.id}/accept`)).status).toBe(409)
  })

  test('JP-70 a job not accepted within 5 minutes expires with refund', async () => {
    const buyer = await world.agent({ funds: 1_000_000n })
    const made = (await hire(await world.service(provider, { autoAccept: false }), buyer)).body
    const status = async () => (await buyer.get(`/api/v1/jobs/${made.id}`)).body.status
    await world.pass(299)
    expect([await status(), await buyer.available()]).toEqual(['pending', 485_000n])
    await world.pass(2)
    expect([await status(), await buyer.available()]).toEqual(['expired', 1_000_000n])
  })
})

describe('delivering', () => {
  test('JP-71 only the provider delivers', async () => {
    const made = await job()
    for (const other of [client, stranger]) {
      expect((await other.post(`/api/v1/jobs/${made.id}/deliver`, { output })).status).toBe(403)
    }
  })

  test('JP-72 JP-73 a job not delivered in time is refunded in full by itself, and can no longer be delivered', async () => {
    const buyer = await world.agent({ funds: 1_000_000n })
    const made = (await hire(await world.service(provider, { maxExecutionTimeSecs: 60 }), buyer)).body
    await world.pass(59)
    expect(await buyer.available()).toBe(485_000n)
    await world.pass(2)
    expect((await buyer.get(`/api/v1/jobs/${made.id}`)).body.status).toBe('expired')
    expect(await buyer.available()).toBe(1_000_000n)
    const late = await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    expect([late.status, late.body.code]).toEqual([409, 'wrong_state'])
  })

  test('D-6 an output that breaks the outputSchema is a 422 and may be delivered again', async () => {
    const made = await job()
    const refused = await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output: { bullets: 'none' } })
    expect([refused.status, refused.body.code]).toEqual([422, 'output_invalid'])
    expect((await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })).body.status).toBe('delivered')
  })

  test('JP-74 JP-81 the client sees the output; strangers see nothing', async () => {
    const made = await job()
    await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    expect((await client.get(`/api/v1/jobs/${made.id}`)).body).toMatchObject({ status: 'delivered', input, output })
    const refused = await stranger.get(`/api/v1/jobs/${made.id}`)
    expect([refused.status, refused.body.output]).toEqual([403, undefined])
    expect((await stranger.get(`/api/v1/jobs/${newId()}`)).status).toBe(404)
  })
})

describe('settling', () => {
  test('JP-65 JP-75 the provider is paid when the client takes the delivery, not before', async () => {
    const before = await provider.available()
    const made = await job()
    await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    expect(await provider.available()).toBe(before)
    expect((await provider.post(`/api/v1/jobs/${made.id}/accept-delivery`)).status).toBe(403)
    const done = await client.post(`/api/v1/jobs/${made.id}/accept-delivery`)
    expect([done.status, done.body.status]).toEqual([200, 'completed'])
    expect(await provider.available()).toBe(before + 500_000n)
    expect((await client.post(`/api/v1/jobs/${made.id}/accept-delivery`)).status).toBe(409)
  })

  test('JP-76 a delivered job is auto-accepted after 5 minutes', async () => {
    const seller = await world.agent({ funds: 0n })
    const made = (await hire(await world.service(seller))).body
    await seller.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    await world.pass(299)
    expect([await statusOf(made.id), await seller.available()]).toEqual(['delivered', 0n])
    await world.pass(2)
    expect([await statusOf(made.id), await seller.available()]).toEqual(['completed', 500_000n])
  })

  test('JP-78 cancelling before delivery refunds amount and fee', async () => {
    const before = await client.available()
    const made = await job()
    expect((await provider.post(`/api/v1/jobs/${made.id}/cancel`)).status).toBe(403)
    expect((await client.post(`/api/v1/jobs/${made.id}/cancel`)).body.status).toBe('cancelled')
    expect(await client.available()).toBe(before)
  })

  test('JP-79 a delivered, completed or cancelled job cannot be cancelled', async () => {
    const [delivered, cancelled] = [await job(), await job()]
    await provider.post(`/api/v1/jobs/${delivered.id}/deliver`, { output })
    await client.post(`/api/v1/jobs/${cancelled.id}/cancel`)
    for (const { id } of [delivered, cancelled]) {
      const refused = await client.post(`/api/v1/jobs/${id}/cancel`)
      expect([refused.status, refused.body.code]).toEqual([409, 'wrong_state'])
    }
    await client.post(`/api/v1/jobs/${delivered.id}/accept-delivery`)
    expect((await client.post(`/api/v1/jobs/${delivered.id}/cancel`)).status).toBe(409)
  })

  test('D-19 a completed job carries a receipt that verifies offline', async () => {
    const { compactVerify, createLocalJWKSet } = await import('jose')
    const made = await job()
    await provider.post(`/api/v1/jobs/${made.id}/deliver`, { output })
    await client.post(`/api/v1/jobs/${made.id}/accept-delivery`)
    const { receipt } = (await provider.get(`/api/v1/jobs/${made.id}`)).body
    const keys = createLocalJWKSet((await world.call('GET', '/.well-known/jwks.json')).body)
    const { payload } = await compactVerify(receipt, keys)
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({
      orderId: made.id,
      form: 'direct',
      buyerId: client.id,
      sellerId: provider.id,
      price: '500000',
      payout: '500000',
      fee: '15000',
    })
  })
})

describe('looking', () => {
  test('a party lists its own jobs by role and status, newest first, in pages', async () => {
    const [buyer, seller] = [await world.agent({ funds: 5_000_000n }), await world.agent({ funds: 0n })]
    const serviceId = await world.service(seller)
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.unshift((await hire(serviceId, buyer)).body.id)
    await buyer.post(`/api/v1/jobs/${ids[0]}/cancel`)
    const mine = await buyer.get('/api/v1/jobs?role=client&limit=2')
    expect(mine.body.jobs.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2))
    expect(mine.body.pagination).toEqual({ page: 1, limit: 2, total: 3, totalPages: 2 })
    expect((await seller.get('/api/v1/jobs?role=provider&status=accepted')).body.pagination.total).toBe(2)
    expect((await seller.get('/api/v1/jobs?role=client')).body.pagination.total).toBe(0)
    expect((await seller.get('/api/v1/jobs?role=owner')).status).toBe(400)
  })

  test('a small price still pays a fee: it rounds up (D-5)', async () => {
    const made = await job({ pricePerJob: 1 })
    expect([made.amount, made.platformFee, made.totalCost]).toEqual(['1', '1', '2'])
    expect(PLAIN_SERVICE.pricePerJob).toBe(500_000)
  })
})
