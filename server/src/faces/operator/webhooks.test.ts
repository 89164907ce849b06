import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#kernel/id'
import { buildHttp, type Http } from '#platform/http/app'
import { openWebhookWorld, PLAIN, type WebhookWorld } from '#tests/contracts/webhook-world'
import { operatorWebhookRoutes } from './webhooks.ts'

const PATH = '/api/v1/admin/webhooks/deliveries'
const OPERATOR = { authorization: 'Bearer the-operator' }
const recipientId = newId()

let world: WebhookWorld
let app: Http

beforeAll(async () => {
  world = await openWebhookWorld([PLAIN])
  app = await buildHttp({
    ...{ log: pino({ level: 'silent' }), publicUrl: 'http://localhost', version: '0', operatorKey: 'the-operator' },
    ...{ authenticate: async () => undefined, limits: 'off', trustProxy: false },
  })
  operatorWebhookRoutes(app, world)
  await app.ready()
  const receiver = await world.receiver()
  receiver.answer = (response, { path }) => response.writeHead(path === '/broken' ? 500 : 200).end('so be it')
  const message = { url: `${receiver.url}/hook`, eventName: 'job.created', body: { type: 'job.created' } }
  const broken = { url: `${receiver.url}/broken`, eventName: 'job.expired', body: { type: 'job.expired' } }
  await world.emit('test.said', [
    { ...message, recipientId },
    { ...broken, recipientId: newId() },
  ])
  await world.run()
})

afterAll(async () => {
  await app.close()
  await world.close()
})

const get = (query: string) => app.inject({ url: PATH + query, headers: OPERATOR })

describe("the operator's view of webhooks", () => {
  it('D-25 lists deliveries with their attempts', async () => {
    const { statusCode, body } = await get('?event=job.expired')
    expect(statusCode, body).toBe(200)
    const list = JSON.parse(body)
    expect(list.pagination).toEqual({ page: 1, limit: 20, total: 1, totalPages: 1 })
    expect(list.deliveries).toMatchObject([
      { state: 'pending', attempts: 1, lastStatus: 500, body: '{"type":"job.expired"}', deliveredAt: null },
    ])
    expect(list.deliveries[0].log).toMatchObject([{ status: 500, error: 'answered 500', response: 'so be it' }])
    expect(Date.parse(list.deliveries[0].dueAt)).toBe(Date.parse(list.deliveries[0].log[0].at) + 1000)
  })

  it('D-25 narrows the list to a state and a recipient', async () => {
    for (const query of ['?state=delivered', `?recipient=${recipientId}`]) {
      const { deliveries } = (await get(query)).json()
      expect(deliveries, query).toMatchObject([{ state: 'delivered', recipientId, event: 'job.created' }])
    }
    expect((await get('?state=failed')).json().deliveries).toEqual([])
  })

  it.each(['?state=lost', '?recipient=me', '?limit=1000', '?color=red'])('%s is a 400', async (query) => {
    expect((await get(query)).statusCode).toBe(400)
  })

  it('D-25 sends a delivery again when asked', async () => {
    const [{ id }] = (await get('?state=delivered')).json().deliveries
    const answer = await app.inject({ method: 'POST', url: `${PATH}/${id}/redeliver`, headers: OPERATOR })
    expect(answer.statusCode).toBe(202)
    await world.run()
    const [{ log }] = (await get(`?recipient=${recipientId}`)).json().deliveries
    expect(log.map(({ status }: { status: number }) => status)).toEqual([200, 200])
  })

  it('an unknown delivery is a 404', async () => {
    const answer = await app.inject({ method: 'POST', url: `${PATH}/nonsense/redeliver`, headers: OPERATOR })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'delivery_not_found' })
  })

  it('is for the operator only', async () => {
    expect((await app.inject({ url: PATH })).statusCode).toBe(401)
    expect((await app.inject({ url: PATH, headers: { authorization: 'Bearer other' } })).statusCode).toBe(403)
  })
})
