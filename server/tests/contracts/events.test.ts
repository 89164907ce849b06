import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#kernel/id'
import { openWorld, type TestAgent, type World } from '#tests/world'
import { type Listener, listenTo, type SeenEvent } from './event-reader.ts'
import { openReceiver } from './webhook-world.ts'

let world: World
let client: TestAgent
let provider: TestAgent
let serviceId: string
/** Began with a key that was revoked since. */
let robbed: Listener
const listeners: Listener[] = []

beforeAll(async () => {
  world = await openWorld({ listens: true })
  ;[client, provider] = await Promise.all([world.agent({ funds: 90_000_000n }), world.agent({ funds: 0n })])
  serviceId = await world.service(provider)
  const { body } = await client.post('/api/v1/auth/keys', { name: 'stolen', scopes: ['read'] })
  robbed = listenTo(`${world.url}/api/v1/events/stream`, body.apiKey)
  await until(() => robbed.opened() > 0)
  await client.delete(`/api/v1/auth/keys/${body.keyId}`)
}, 60_000)
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close()
})
afterAll(() => world.close())

interface Page {
  readonly events: SeenEvent[]
  readonly nextCursor: string
  readonly hasMore: boolean
}

/** The list of an agent's events, once everything that was said is told. */
async function list(agent: TestAgent, query = ''): Promise<Page> {
  await world.settle()
  const { status, body } = await agent.get(`/api/v1/events${query}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

function listen(agent: TestAgent, query = ''): Listener {
  const listener = listenTo(`${world.url}/api/v1/events/stream${query}`, agent.key)
  listeners.push(listener)
  return listener
}

/** Brings money to an agent that has none. */
async function fund({ chain, call }: World, { key, depositAddress }: TestAgent): Promise<void> {
  await chain.send(await chain.wallet(5_000_000n), depositAddress, 5_000_000n)
  await chain.finalize()
  await call('POST', '/api/v1/wallet/confirm-deposit', { key })
}

/** One job from hiring to payment. */
async function trade(): Promise<string> {
  const { status, body } = await client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'long' } })
  expect(status, JSON.stringify(body)).toBe(201)
  await provider.post(`/api/v1/jobs/${body.id}/deliver`, { output: { bullets: ['short'] } })
  await client.post(`/api/v1/jobs/${body.id}/accept-delivery`)
  return body.id
}

const until = <T>(ask: () => T | undefined | false) => world.until(async () => ask() || undefined)
const typesOf = (events: readonly SeenEvent[]) => events.map(({ type }) => type)

describe('the list of events', () => {
  it('D-25 tells each party what concerns it, newest last, also without any address for webhooks', async () => {
    const { nextCursor: before } = await list(provider)
    const { nextCursor: clients } = await list(client)
    const jobId = await trade()
    const { events, hasMore, nextCursor } = await list(provider, `?after=${before}`)
    expect(typesOf(events)).toEqual(['job.created', 'job.completed'])
    expect(events[0]?.data).toMatchObject({ jobId, role: 'provider', input: { text: 'long' }, amount: '500000' })
    expect([hasMore, nextCursor]).toEqual([false, events[1]?.id])
    expect(typesOf((await list(client, `?after=${clients}`)).events)).toEqual(['job.delivered'])
    expect(Date.parse(events[0]!.timestamp)).toBeLessThanOrEqual(Date.parse(events[1]!.timestamp))
  })

  it('D-25 pages of any length tell everything once, in the same order', async () => {
    for (let n = 0; n < 4; n++) await trade()
    const whole = (await list(provider, '?limit=100')).events
    expect(whole.length).toBeGreaterThan(7)
    const read: SeenEvent[] = []
    for (let query = '?limit=3'; ; ) {
      const { events, hasMore, nextCursor } = await list(provider, query)
      expect(events.length).toBeLessThanOrEqual(3)
      read.push(...events)
      query = `?limit=3&after=${nextCursor}`
      if (!hasMore) break
    }
    expect(read).toEqual(whole)
    expect((await list(provider, `?after=${whole.at(-1)?.id}`)).events).toEqual([])
  })

  it('D-25 narrows to types; the cursor passes over the rest', async () => {
    await trade()
    const { events, nextCursor } = await list(provider, '?limit=100&type=job.completed,job.expired')
    expect(new Set(typesOf(events))).toEqual(new Set(['job.completed']))
    await trade()
    const next = await list(provider, `?type=job.created&after=${nextCursor}`)
    expect(typesOf(next.events)).toEqual(['job.created'])
  })

  it.each([
    ['?type=job.deliverd', 400, 'event_type_unknown'],
    ['?type=', 400, 'invalid_request'],
    ['?limit=0', 400, 'invalid_request'],
    ['?limit=101', 400, 'invalid_request'],
    ['?color=red', 400, 'invalid_request'],
    [`?after=${newId()}`, 404, 'event_unknown'],
    ['?after=nonsense', 404, 'event_unknown'],
  ])('D-25 %s is a %i %s, with its remedy, of the list and of the stream', async (query, status, code) => {
    for (const path of ['/api/v1/events', '/api/v1/events/stream']) {
      if (path.endsWith('stream') && query.includes('limit')) continue
      const answer = await provider.get(path + query)
      expect([answer.status, answer.body.code], path).toEqual([status, code])
      expect(answer.body.fix.length).toBeGreaterThan(10)
    }
  })

  it('D-25 the place of another party is nobody else’s to begin at', async () => {
    await trade()
    const { nextCursor } = await list(client)
    expect((await provider.get(`/api/v1/events?after=${nextCursor}`)).body.code).toBe('event_unknown')
  })

  it('D-25 an event has one id: in the list, in the stream and as webhook-id; and one text', async () => {
    const receiver = await openReceiver()
    const listener = listen(provider)
    await until(() => listener.opened() > 0)
    const { nextCursor } = await list(provider)
    await provider.patch('/api/v1/agents/me', { callbackUrl: receiver.url })
    await trade()
    const { events } = await list(provider, `?after=${nextCursor}`)
    expect(events).toHaveLength(2)
    await until(() => listener.seen.length === 2 && receiver.received.length === 2)
    expect(listener.seen).toEqual(events)
    expect(listener.ids).toEqual(events.map(({ id }) => id))
    const hooked = receiver.received.map(({ headers, body }) => {
      const { type, timestamp, data } = JSON.parse(body)
      return { id: headers['webhook-id'], type, timestamp, data }
    })
    expect(hooked.sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1))).toEqual(events)
    await provider.patch('/api/v1/agents/me', { callbackUrl: null })
    await receiver.close()
  })
})

describe('the stream of events', () => {
  it('D-25 begins with what comes next, or after the event that is named', async () => {
    await trade()
    const { events } = await list(provider, '?limit=100')
    const late = listen(provider)
    const early = listen(provider, `?after=${events[0]?.id}`)
    await until(() => late.opened() > 0 && early.seen.length === events.length - 1)
    expect(early.seen).toEqual(events.slice(1))
    expect(late.seen).toEqual([])
    await trade()
    await until(() => late.seen.length === 2 && early.seen.length === events.length + 1)
    expect(typesOf(late.seen)).toEqual(['job.created', 'job.completed'])
  })

  it('D-25 narrows to types', async () => {
    const listener = listen(provider, '?type=job.completed')
    await until(() => listener.opened() > 0)
    await trade()
    await until(() => listener.seen.length > 0)
    expect(typesOf(listener.seen)).toEqual(['job.completed'])
  })

  it('D-25 says by its headers that nothing on the way may hold it back', async () => {
    const abort = new AbortController()
    const { status, headers } = await fetch(`${world.url}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${client.key}`, accept: 'text/event-stream' },
      signal: abort.signal,
    })
    abort.abort()
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  it('D-25 a connection lost before anything happened loses nothing', async () => {
    const fresh = await world.agent()
    const { events, nextCursor } = await list(fresh)
    expect(events).toEqual([])
    const first = await fetch(`${world.url}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${fresh.key}` },
    })
    const { value } = await first.body!.getReader().read()
    const [, id] = /^retry: 2000\nid: (\S+)\n\n$/.exec(Buffer.from(value!).toString()) ?? []
    expect(id).toBe(nextCursor)
    await fund(world, fresh)
    const told = (await list(fresh, `?after=${nextCursor}`)).events
    expect(typesOf(told)).toEqual(['wallet.deposit_credited'])
    const listener = listen(fresh, `?after=${id}`)
    await until(() => listener.seen.length > 0)
    expect(listener.seen).toEqual(told)
  })

  it('D-25 a key opens ten streams and no more; who closes one has room again', async () => {
    const { body } = await client.post('/api/v1/auth/keys', { name: 'streams', scopes: ['read'] })
    const url = `${world.url}/api/v1/events/stream`
    const open = () => listenTo(url, body.apiKey)
    const ten = Array.from({ length: 10 }, open)
    listeners.push(...ten)
    await until(() => ten.every((listener) => listener.opened() === 1))
    const refused = await world.call('GET', '/api/v1/events/stream', { key: body.apiKey })
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_streams'])
    ten[0]?.close()
    const again = await world.until(async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${body.apiKey}` } })
      return answer.status === 200 ? answer : undefined
    })
    await again.body?.cancel()
  })

  it('D-33 a stream ends with its key, and is refused from then on', async () => {
    await until(() => robbed.refused.length > 0)
    expect(robbed.refused).toEqual([401])
  })

  it('D-25 without a key there is neither list nor stream', async () => {
    for (const path of ['/api/v1/events', '/api/v1/events/stream'])
      expect((await world.call('GET', path)).status).toBe(401)
  })
})
