import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { jobWebhookFormat, type OrderNews } from '#faces/v1/webhook-format'
import { newId } from '#kernel/id'
import { openWebhookWorld, type Received, type Receiver, SECRET, type WebhookWorld } from './webhook-world.ts'

const client = newId()
const provider = newId()
const callbackUrls = new Map<string, string>()
const inputs = new Map<string, unknown>()

let world: WebhookWorld
let clientHook: Receiver
let providerHook: Receiver

beforeAll(async () => {
  world = await openWebhookWorld([
    jobWebhookFormat({
      callbackUrlsOf: async () => callbackUrls,
      orderInput: async (_db, orderId) => inputs.get(orderId),
      reputationOf: async () => new Map([[client, { trustScore: 0.9, disputeRate: 0.01, jobsCompleted: 42 }]]),
    }),
  ])
})
afterAll(() => world.close())
beforeEach(async () => {
  clientHook = await world.receiver()
  providerHook = await world.receiver()
  callbackUrls.clear()
  callbackUrls.set(client, `${clientHook.url}/default`).set(provider, `${providerHook.url}/default`)
})

function order(state: string, more: Partial<OrderNews> = {}) {
  return {
    ...{ orderId: newId(), form: 'direct', state, buyerId: client, sellerId: provider, listingId: newId() },
    ...{ price: '500000', fee: '15000', callbackUrl: null, at: '2026-02-09T12:00:00.000Z' },
    ...{ assignedAt: null, deliveredAt: null, ...more },
  }
}

async function tell(name: string, payload: object) {
  await world.emit(name, payload)
  await world.run()
}

const bodyOf = (received: Received | undefined) => JSON.parse(received?.body ?? 'null')

describe('JustPayAI: webhooks', () => {
  it('JP-167 carry event, data and timestamp as documented, here job.delivered to the client (JP-74)', async () => {
    const news = order('delivered', { assignedAt: '2026-02-09T12:00:00.000Z', deliveredAt: '2026-02-09T12:00:12.900Z' })
    await tell('order.delivered', news)
    const [received] = clientHook.received
    expect(bodyOf(received)).toEqual({
      event: 'job.delivered',
      data: {
        jobId: news.orderId,
        status: 'delivered',
        role: 'client',
        providerAgentId: provider,
        clientAgentId: client,
        serviceId: news.listingId,
        amount: '500000',
        executionTimeSecs: 12,
      },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      type: 'job.delivered',
    })
    expect(received?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Souk-Webhooks' })
    expect(received?.path).toBe('/default')
    expect(providerHook.received).toHaveLength(0)
  })

  it.each([
    ['order.placed', 'assigned', 'job.created', 'accepted', ['provider']],
    ['order.placed', 'pending', 'job.created', 'pending', ['provider']],
    ['order.placed', 'queued', 'job.created', 'queued', ['provider']],
    ['order.seated', 'pending', 'job.pending', 'pending', ['provider']],
    ['order.assigned', 'assigned', 'job.assigned', 'accepted', ['provider']],
    ['order.delivered', 'delivered', 'job.delivered', 'delivered', ['client']],
    ['order.completed', 'completed', 'job.completed', 'completed', ['provider']],
    ['order.cancelled', 'cancelled', 'job.cancelled', 'cancelled', ['provider']],
    ['order.expired', 'expired', 'job.expired', 'expired', ['client', 'provider']],
  ])('JP-74, 77, 80, 170 %s (%s) is %s (%s) to %j', async (name, state, event, status, roles) => {
    await tell(name, order(state))
    const heard = [...clientHook.received, ...providerHook.received].map(bodyOf)
    expect(heard.map(({ data }) => data.role)).toEqual(roles)
    for (const body of heard) expect(body).toMatchObject({ event, type: event, data: { status } })
  })

  it('JP-67 the callbackUrl of a job is for its client only', async () => {
    const jobHook = await world.receiver()
    const callbackUrl = `${jobHook.url}/this-job`
    await tell('order.delivered', order('delivered', { callbackUrl }))
    await tell('order.completed', order('completed', { callbackUrl }))
    await tell('order.expired', order('expired', { callbackUrl }))
    expect(jobHook.received.map((received) => bodyOf(received).event)).toEqual(['job.delivered', 'job.expired'])
    expect(jobHook.received[0]?.path).toBe('/this-job')
    expect(clientHook.received).toHaveLength(0)
    const told = providerHook.received.map((received) => bodyOf(received).event)
    expect(told.sort()).toEqual(['job.completed', 'job.expired'])
  })

  it('JP-67 a job with a callbackUrl tells a client without a default address', async () => {
    callbackUrls.delete(client)
    await tell('order.delivered', order('delivered'))
    await tell('order.delivered', order('delivered', { callbackUrl: `${clientHook.url}/this-job` }))
    expect(clientHook.received.map(({ path }) => path)).toEqual(['/this-job'])
  })

  it('JP-170 job.created carries the client’s reputation and the input', async () => {
    const news = order('assigned')
    inputs.set(news.orderId, { text: 'söme text' })
    await tell('order.placed', news)
    expect(bodyOf(providerHook.received[0]).data).toMatchObject({
      clientReputation: { trustScore: 0.9, disputeRate: 0.01, jobsCompleted: 42 },
      input: { text: 'söme text' },
    })
  })

  it.each([15_000, 16_000, 5_000_000])('D-25 an input of %i bytes never makes a body of 20 kB', async (bytes) => {
    const news = order('assigned')
    inputs.set(news.orderId, 'ж'.repeat(bytes / 2))
    await tell('order.placed', news)
    const [received] = providerHook.received
    expect(Buffer.byteLength(received?.body ?? '')).toBeLessThan(16_000)
    const { data } = bodyOf(received)
    expect('input' in data).toBe(bytes === 15_000)
    expect(data.inputTruncated).toBe(bytes === 15_000 ? undefined : true)
    expect(data.clientReputation.jobsCompleted).toBe(42)
  })

  it('JP-86 nobody hears of an open job before somebody is chosen, who hears job.assigned', async () => {
    await tell('order.placed', order('open', { form: 'open', sellerId: null }))
    await tell('order.cancelled', order('cancelled', { form: 'open', sellerId: null }))
    expect(clientHook.received).toHaveLength(0)
    await tell('order.assigned', order('assigned', { form: 'open' }))
    expect(providerHook.received.map((received) => bodyOf(received).event)).toEqual(['job.assigned'])
  })

  it('silent news and orders of other forms are not told', async () => {
    await tell('order.completed', order('completed', { silent: true }))
    await tell('order.completed', order('completed', { form: 'chat' }))
    expect(providerHook.received).toHaveLength(0)
  })

  it('JP-142 a changed withdrawal address is told to its agent', async () => {
    const change = { network: 'solana', address: 'So1', cooldownUntil: '2026-02-10T12:00:00.000Z' }
    await tell('wallet.address_changed', { partyId: client, ...change })
    expect(bodyOf(clientHook.received[0])).toMatchObject({
      event: 'wallet.address_changed',
      data: { agentId: client, ...change },
    })
    expect(providerHook.received).toHaveLength(0)
  })

  it('D-25 deposits and withdrawals are told to their agent', async () => {
    const payoutId = newId()
    await tell('wallet.deposited', { partyId: client, amount: '1000000', network: 'solana', txHash: '5sig' })
    await tell('wallet.withdrawal_confirmed', { partyId: client, payoutId, amount: '5000000', txHash: '6sig' })
    await tell('wallet.withdrawal_failed', { partyId: client, payoutId, amount: '5000000', reason: 'no such account' })
    await tell('wallet.withdrawal_requested', { partyId: client, payoutId, amount: '5000000' })
    expect(clientHook.received.map(bodyOf)).toMatchObject([
      { event: 'wallet.deposit_credited', data: { agentId: client, amount: '1000000', txHash: '5sig' } },
      { event: 'wallet.withdrawal_completed', data: { transactionId: payoutId, amount: '5000000', txHash: '6sig' } },
      { event: 'wallet.withdrawal_failed', data: { transactionId: payoutId, reason: 'no such account' } },
    ])
  })

  it('JP-169, D-6 both signatures verify, and neither does for a tampered body or another secret', async () => {
    await tell('order.completed', order('completed'))
    const { body, headers } = providerHook.received[0] as Received
    const signature = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')
    expect(headers['x-justpayai-signature']).toBe(signature(SECRET, body))
    const standard = headers as Record<string, string>
    expect(new Webhook(SECRET).verify(body, standard)).toEqual(JSON.parse(body))
    const tampered = body.replace('500000', '900000')
    expect(tampered).not.toBe(body)
    expect(headers['x-justpayai-signature']).not.toBe(signature(SECRET, tampered))
    expect(() => new Webhook(SECRET).verify(tampered, standard)).toThrow()
    const other = `whsec_${Buffer.from('another agent’s own secret').toString('base64')}`
    expect(() => new Webhook(other).verify(body, standard)).toThrow()
  })

  it('D-25 while secrets rotate, receivers with the new and with the old one can verify', async () => {
    const fresh = `whsec_${Buffer.from('the secret after the rotation!!!').toString('base64')}`
    world.secrets.set(provider, [fresh, SECRET])
    await tell('order.completed', order('completed'))
    world.secrets.delete(provider)
    const { body, headers } = providerHook.received[0] as Received
    for (const secret of [fresh, SECRET]) new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(headers['x-justpayai-signature']).toBe(createHmac('sha256', fresh).update(body).digest('hex'))
  })

  it('JP-168 every attempt is signed anew with the time of day, though the market’s clock has moved', async () => {
    providerHook.answer = (response) => response.writeHead(500).end()
    await tell('order.completed', order('completed'))
    await world.setClock(new Date(Date.now() + 7 * 86_400_000))
    await world.run()
    const [first, second] = providerHook.received
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    for (const { body, headers } of providerHook.received) {
      new Webhook(SECRET).verify(body, headers as Record<string, string>)
    }
  })
})
