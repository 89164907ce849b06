import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from '../world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('a provider who accepts and delivers in one breath cannot slip a wrong output past the schema', async () => {
  const [provider, client] = await Promise.all([world.agent({ funds: 0n }), world.agent({ funds: 5_000_000n })])
  const serviceId = await world.service(provider, { autoAccept: false })
  for (let round = 0; round < 3; round++) {
    const hired = await client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } })
    const job = `/api/v1/jobs/${hired.body.id}`
    const [accepted, delivered] = await Promise.all([
      provider.post(`${job}/accept`),
      provider.post(`${job}/deliver`, { output: 'garbage' }),
    ])
    expect(accepted.status).toBe(200)
    expect(delivered).toMatchObject({ status: 422, body: { code: 'output_invalid' } })
    expect((await provider.post(`${job}/deliver`, { output: { bullets: [] } })).status).toBe(200)
  }
})
