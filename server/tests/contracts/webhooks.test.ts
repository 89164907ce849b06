import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#kernel/id'
import { openWorld, type TestAgent, type World } from '#tests/world'
import { openReceiver, type Receiver } from './webhook-world.ts'

let world: World
let agent: TestAgent
let stranger: TestAgent
let secret: string
let receiver: Receiver

beforeAll(async () => {
  world = await openWorld()
  ;[agent, stranger] = await Promise.all([world.agent(), world.agent()])
  const { body } = await agent.post('/api/v1/auth/webhook-secret', { previousValidSeconds: 0 })
  secret = body.webhookSecret
})
beforeEach(async () => {
  await receiver?.close()
  receiver = await openReceiver()
  await agent.patch('/api/v1/agents/me', { callbackUrl: `${receiver.url}/hook` })
})
afterAll(async () => {
  await receiver.close()
  await world.close()
})

async function ask(method: 'get' | 'post', path: string, body?: object) {
  const answer =
    method === 'get' ? await agent.get(`/api/v1/webhooks${path}`) : await agent.post(`/api/v1/webhooks${path}`, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  await world.settle()
  return answer.body
}

/** Sends a test message and answers its delivery as the list shows it. */
async function pinged(body?: object) {
  const { webhookId } = await ask('post', '/ping', body)
  return (await ask('get', `/deliveries?webhookId=${webhookId}`)).deliveries[0]
}

describe('an agent’s own view of its webhooks', () => {
  it('D-25 a test message is sent like any other and can be looked up by its webhook-id', async () => {
    const delivery = await pinged()
    expect(delivery).toMatchObject({ event: 'webhook.ping', state: 'delivered', attempts: 1, lastStatus: 200 })
    const [{ headers, body }] = receiver.received as [Receiver['received'][number]]
    expect(headers['webhook-id']).toBe(delivery.webhookId)
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({ type: 'webhook.ping' })
    const { events } = (await agent.get('/api/v1/events?type=webhook.ping&limit=100')).body
    expect(events.at(-1).id).toBe(delivery.webhookId)
  })

  it('D-25 a delivery shows what was sent, byte for byte, and what was answered, at each attempt', async () => {
    receiver.answer = (response) => response.writeHead(500).end(`so\u0000 be it${'.'.repeat(5000)}`)
    const { id } = await pinged()
    await world.pass(1)
    const { log, body, ...delivery } = await ask('get', `/deliveries/${id}`)
    expect(delivery).toMatchObject({ state: 'pending', attempts: 2, lastStatus: 500, lastError: 'answered 500' })
    expect(log).toHaveLength(2)
    expect(Date.parse(delivery.nextAttemptAt) - Date.parse(log[1].at)).toBe(4000)
    for (const [index, { headers, body: sent }] of receiver.received.entries()) {
      expect(sent).toBe(body)
      expect(headers).toMatchObject(
        Object.fromEntries(Object.entries(log[index].request).map(([name, value]) => [name.toLowerCase(), value])),
      )
      expect(log[index]).toMatchObject({ status: 500, error: 'answered 500' })
      expect(log[index].response).toMatch(/^so\uFFFD be it\.+$/)
    }
    expect(log[0].request['webhook-signature']).toMatch(/^v1,/)
    const { deliveries } = await ask('get', '/deliveries?state=pending')
    expect(deliveries[0].lastAttempt.response.length).toBeLessThan(500)
  })

  it('D-25 lists deliveries, newest first, by state, event and endpoint', async () => {
    const first = await pinged()
    receiver.answer = (response) => response.writeHead(500).end()
    const second = await pinged()
    const { deliveries, pagination } = await ask('get', `/deliveries?endpointId=${first.endpointId}`)
    expect(deliveries.map(({ id }: { id: string }) => id)).toEqual([second.id, first.id])
    expect(pagination).toMatchObject({ total: 2 })
    const narrowed = await ask('get', `/deliveries?endpointId=${first.endpointId}&state=delivered&event=webhook.ping`)
    expect(narrowed.deliveries).toMatchObject([{ id: first.id }])
    expect((await ask('get', '/deliveries?event=job.created')).deliveries).toEqual([])
  })

  it('D-25 one delivery, or all since a time, is sent again under its webhook-id', async () => {
    const taken = await pinged()
    await ask('post', `/deliveries/${taken.id}/redeliver`)
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([taken.webhookId, taken.webhookId])
    receiver.answer = (response) => response.writeHead(500).end()
    const since = (await pinged()).createdAt
    for (let n = 0; n < 5; n++) await world.pass(300)
    receiver.answer = (response) => response.end()
    const { endpointId } = taken
    expect(await ask('post', '/redeliver', { since, endpointId })).toEqual({ redelivering: 1, nextCursor: null })
    expect(await ask('post', '/redeliver', { since, endpointId })).toEqual({ redelivering: 0, nextCursor: null })
    expect((await ask('get', `/deliveries?state=failed&endpointId=${endpointId}`)).deliveries).toEqual([])
    expect(await ask('post', '/redeliver', { since, endpointId, delivered: true })).toMatchObject({ redelivering: 1 })
  })

  it('D-25 an address that answers 410 is disabled, told of in the events, and works again once enabled', async () => {
    const { nextCursor } = (await agent.get('/api/v1/events')).body
    receiver.answer = (response) => response.writeHead(410).end()
    const { endpointId, state } = await pinged()
    expect(state).toBe('disabled')
    const listed = (await ask('get', '/endpoints')).endpoints.find(({ id }: { id: string }) => id === endpointId)
    expect(listed).toMatchObject({ state: 'disabled', disabledBecause: 'gone', undelivered: 1, pending: 0 })
    const { events } = (await agent.get(`/api/v1/events?after=${nextCursor}&type=webhook.disabled`)).body
    expect(events.map(({ data }: { data: object }) => data)).toMatchObject([
      { endpointId, url: listed.url, because: 'gone', reason: 'It answered 410.' },
    ])
    for (const body of [undefined, { endpointId }]) {
      const refused = await agent.post('/api/v1/webhooks/ping', body)
      expect([refused.status, refused.body.code]).toEqual([409, 'endpoint_disabled'])
      expect(refused.body.fix).toContain(`/api/v1/webhooks/endpoints/${endpointId}/enable`)
    }
    receiver.answer = (response) => response.end()
    expect(await ask('post', `/endpoints/${endpointId}/enable`)).toMatchObject({ state: 'enabled', undelivered: 1 })
    expect(await ask('post', `/endpoints/${endpointId}/enable`)).toMatchObject({ state: 'enabled' })
    expect(await pinged()).toMatchObject({ endpointId, state: 'delivered' })
  })

  it('D-25 that another address was disabled is told to the agent’s own', async () => {
    const other = await openReceiver()
    await agent.patch('/api/v1/agents/me', { callbackUrl: other.url })
    other.answer = (response) => response.writeHead(500).end()
    const { endpointId } = await pinged()
    await agent.patch('/api/v1/agents/me', { callbackUrl: `${receiver.url}/hook` })
    other.answer = (response) => response.writeHead(410).end()
    await world.pass(1)
    await world.settle()
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'webhook.disabled', data: { endpointId, url: other.url } },
    ])
    await other.close()
  })

  it('D-25 the operator enables and redelivers as well', async () => {
    receiver.answer = (response) => response.writeHead(410).end()
    const { id, endpointId } = await pinged()
    receiver.answer = (response) => response.end()
    const operator = (path: string) => world.call('POST', `/api/v1/admin/webhooks/${path}`, { key: world.operatorKey })
    expect((await operator(`deliveries/${id}/redeliver`)).body.code).toBe('endpoint_disabled')
    expect((await operator(`endpoints/${endpointId}/enable`)).status).toBe(200)
    expect((await operator(`deliveries/${id}/redeliver`)).status).toBe(202)
    await world.settle()
    expect(receiver.received).toHaveLength(2)
    expect((await operator(`endpoints/${newId()}/enable`)).status).toBe(404)
  })

  it('D-25 who has no address is told so, and what is another’s is nobody else’s', async () => {
    const none = await stranger.post('/api/v1/webhooks/ping')
    expect([none.status, none.body.code]).toEqual([409, 'no_callback_url'])
    const { id, endpointId } = await pinged()
    const tries: [string, object?][] = [
      [`/deliveries/${id}/redeliver`],
      [`/endpoints/${endpointId}/enable`],
      ['/ping', { endpointId }],
      ['/redeliver', { since: '2020-01-01T00:00:00Z', endpointId }],
    ]
    for (const [path, body] of tries)
      expect((await stranger.post(`/api/v1/webhooks${path}`, body)).status, path).toBe(404)
    expect((await stranger.get(`/api/v1/webhooks/deliveries/${id}`)).status).toBe(404)
    expect((await stranger.get(`/api/v1/webhooks/deliveries?endpointId=${endpointId}`)).body.deliveries).toEqual([])
    expect((await stranger.get('/api/v1/webhooks/endpoints')).body.endpoints).toEqual([])
  })

  it('D-33 looking needs the scope to read, sending the scope to trade', async () => {
    const { body } = await agent.post('/api/v1/auth/keys', { name: 'reader', scopes: ['read'] })
    const reader = { key: body.apiKey }
    expect((await world.call('GET', '/api/v1/webhooks/deliveries', reader)).status).toBe(200)
    for (const path of ['ping', `deliveries/${newId()}/redeliver`, `endpoints/${newId()}/enable`])
      expect((await world.call('POST', `/api/v1/webhooks/${path}`, reader)).status).toBe(403)
  })

  it.each([
    ['get', '/deliveries?state=lost'],
    ['get', '/deliveries?endpointId=me'],
    ['get', '/deliveries/nonsense'],
    ['post', '/redeliver', {}],
    ['post', '/redeliver', { since: 'yesterday' }],
    ['post', '/ping', { url: 'https://elsewhere.example' }],
  ] as const)('%s %s is a 400', async (method, path, body?: object) => {
    const answer = await (method === 'get'
      ? agent.get(`/api/v1/webhooks${path}`)
      : agent.post(`/api/v1/webhooks${path}`, body))
    expect(answer.status).toBe(400)
  })
})

describe('rotating the secret', () => {
  const rotate = (body?: object) => agent.post('/api/v1/auth/webhook-secret', body)
  const verify = (key: string) => {
    const { body, headers } = receiver.received.at(-1)!
    return () => new Webhook(key).verify(body, headers as Record<string, string>)
  }

  it('D-25 both secrets verify with the reference library until the old one ends; a second rotation meanwhile is refused', async () => {
    const old = secret
    const { body } = await rotate()
    secret = body.webhookSecret
    await pinged()
    verify(old)()
    verify(secret)()
    const refused = await rotate()
    expect([refused.status, refused.body.code]).toEqual([409, 'webhook_secret_rotating'])
    expect(refused.body.until).toBe(body.previousValidUntil)
    await pinged()
    verify(old)()
    await world.pass(86_400)
    await pinged()
    verify(secret)()
    expect(verify(old)).toThrow()
    expect((await rotate({ previousValidSeconds: 0 })).status).toBe(200)
  })

  it('D-25 after a leak only the newest verifies, at once, also in the middle of a rotation', async () => {
    const first = (await rotate()).body.webhookSecret
    const second = (await rotate({ previousValidSeconds: 0 })).body.webhookSecret
    await pinged()
    verify(second)()
    expect(verify(first)).toThrow()
    secret = second
  })

  it('D-25 of many rotations at once one happens: nobody’s secret is pushed out unseen', async () => {
    const before = secret
    const answers = await Promise.all([rotate(), rotate(), rotate()])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    secret = answers.find(({ status }) => status === 200)?.body.webhookSecret
    await pinged()
    verify(before)()
    verify(secret)()
  })

  it('D-25 what is under way or waits for an attempt while the secret rotates still verifies with the old one', async () => {
    await rotate({ previousValidSeconds: 0 }).then(({ body }) => (secret = body.webhookSecret))
    const old = secret
    let held = () => {}
    receiver.answer = (response) => {
      held = () => response.writeHead(500).end()
    }
    await agent.post('/api/v1/webhooks/ping')
    const settled = world.settle()
    await world.until(async () => receiver.received.length > 0 || undefined)
    const { body } = await rotate()
    held()
    receiver.answer = (response) => response.end()
    await settled
    await world.pass(1)
    expect(receiver.received).toHaveLength(2)
    for (const { body: text, headers } of receiver.received)
      new Webhook(old).verify(text, headers as Record<string, string>)
    verify(body.webhookSecret)()
    secret = body.webhookSecret
  })

  it.each([-1, 604_801, 1.5, '60'])('previousValidSeconds %j is a 400', async (previousValidSeconds) => {
    expect((await rotate({ previousValidSeconds })).status).toBe(400)
  })
})
