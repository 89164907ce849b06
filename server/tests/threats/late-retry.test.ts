import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, PLAIN_SERVICE, type World } from '../world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('D-14 a retried withdrawal answers as the first time, though the address has changed since', async () => {
  const [owner, other] = await Promise.all([world.agent({ funds: 20_000_000n }), world.agent({ funds: 0n })])
  await owner.put('/api/v1/wallet/withdrawal-address', { address: owner.wallet.address })
  const withdraw = () => owner.post('/api/v1/wallet/withdraw', { amount: 5_000_000 }, { 'idempotency-key': 'rent' })
  const first = await withdraw()
  await owner.put('/api/v1/wallet/withdrawal-address', { address: other.wallet.address })
  const retry = await withdraw()
  expect([first.status, retry.status]).toEqual([200, 200])
  expect(retry.body).toEqual(first.body)
  expect(retry.headers['idempotent-replayed']).toBe('true')
  expect(await owner.available()).toBe(15_000_000n)
  await world.settle()
})

test('D-14 a retried hire answers as the first time, though the service asks for other input since', async () => {
  const [provider, client] = await Promise.all([world.agent({ funds: 0n }), world.agent({ funds: 5_000_000n })])
  const serviceId = await world.service(provider)
  const hire = () =>
    client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } }, { 'idempotency-key': 'hire' })
  const first = await hire()
  const inputSchema = { ...PLAIN_SERVICE.inputSchema, required: ['title'] }
  expect((await provider.patch(`/api/v1/services/${serviceId}`, { inputSchema })).status).toBe(200)
  // Somebody hires anew and is refused, so that the change is known to this process too.
  await client.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } })
  const retry = await hire()
  expect([first.status, retry.status]).toEqual([201, 201])
  expect(retry.body).toEqual(first.body)
})
