import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

let world: World
let own: string
beforeAll(async () => {
  world = await openWorld({ listens: true })
  own = world.url
})
afterAll(() => world.close())

test("a webhook may point to the sandbox's own receiver, signed and listed there, and nowhere else on the server", async () => {
  const name = 'mine'
  const seller = await world.agent({ funds: 0n, callbackUrl: `${own}/sandbox/hooks/${name}` })
  const buyer = await world.agent({ funds: 5_000_000n })
  const serviceId = await world.service(seller)
  const job = (await buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } })).body
  const received = await world.until(async () => {
    const { webhooks } = (await world.call('GET', `/sandbox/webhooks?name=${name}`)).body
    return webhooks.find(({ body }: { body: { event: string } }) => body.event === 'job.created')
  })
  expect(received.body.data).toMatchObject({ jobId: job.id, role: 'provider', status: 'accepted' })
  expect(Object.keys(received.headers)).toEqual(expect.arrayContaining(['webhook-signature', 'x-justpayai-signature']))
  for (const path of ['/api/v1/jobs', '/sandbox/hooks/../clock', '/sandbox/clock']) {
    const refused = await seller.patch('/api/v1/agents/me', { callbackUrl: `${own}${path}` })
    expect([path, refused.status, refused.body.code]).toEqual([path, 400, 'url_not_allowed'])
  }
})
