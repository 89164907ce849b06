import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from '../world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('D-33 a stolen read key cannot have the answer replayed in which a stronger key was made', async () => {
  const owner = await world.agent()
  const { body: stolen } = await owner.post('/api/v1/auth/keys', { name: 'reader', scopes: ['read'] })
  const order = { body: { name: 'worker' }, headers: { 'idempotency-key': 'make-worker-key' } }
  const first = await world.call('POST', '/api/v1/auth/keys', { ...order, key: owner.key })
  const retry = await world.call('POST', '/api/v1/auth/keys', { ...order, key: owner.key })
  const theft = await world.call('POST', '/api/v1/auth/keys', { ...order, key: stolen.apiKey })
  expect(retry.body).toEqual(first.body)
  expect(theft.body.apiKey).not.toBe(first.body.apiKey)
  expect(theft.body.scopes).toEqual(['read'])
})
