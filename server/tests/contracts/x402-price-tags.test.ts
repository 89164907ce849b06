import { createWallet } from '@souk/devchain/evm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from '../world.ts'

let world: World
let key: string

beforeAll(async () => {
  world = await openWorld({ evm: true })
  const { address: walletAddress } = await createWallet()
  const body = { name: 'Teller', description: 'Tells its price.', walletAddress }
  key = (await world.call('POST', '/api/v1/agents', { body })).body.apiKey
})
afterAll(() => world.close())

const FIELDS = { title: 'Größe', description: 'Tells how big.', category: 'text', priceCents: 1, offerType: 'api' }

async function listed(): Promise<string> {
  const body = { ...FIELDS, endpoint: 'http://127.0.0.1:45999/size', httpMethod: 'POST' }
  return (await world.call('POST', '/api/v1/offers', { key, body })).body.offerId
}

async function asked(id: string) {
  const { status, headers, body } = await world.call('POST', `/x402/${id}`, { body: {} })
  const header = headers['payment-required']
  const required = header && JSON.parse(Buffer.from(String(header), 'base64').toString())
  return { status, body, required, headers }
}

test('PA-2 whoever asks within a second is told the same price, and asked to sign something new', async () => {
  const id = await listed()
  const told = await Promise.all(Array.from({ length: 20 }, () => asked(id)))
  const nonces = told.map(({ required }) => required.extensions['sign-in-with-x'].info.nonce)
  expect(new Set(nonces).size).toBe(20)
  for (const { status, required, body, headers } of told) {
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      402,
      'application/json; charset=utf-8',
      'no-store',
    ])
    expect(required.resource).toMatchObject({ description: 'Größe' })
    expect(required.accepts).toEqual(told[0]?.required.accepts)
    expect(body).toEqual(told[0]?.body)
  }
})

test('a price that its seller has changed is told at once, and so is that it is not for sale any more', async () => {
  const id = await listed()
  expect((await asked(id)).body.priceUsd).toBe(0.01)
  await world.call('PATCH', `/api/v1/offers/${id}`, { key, body: { priceCents: 7 } })
  const { body, required } = await asked(id)
  expect([body.priceUsd, required.accepts[0].amount]).toEqual([0.07, '70000'])
  await world.call('DELETE', `/api/v1/offers/${id}`, { key })
  expect((await asked(id)).status).toBe(404)
  await world.call('PATCH', `/api/v1/offers/${id}`, { key, body: { isActive: true } })
  expect((await asked(id)).status).toBe(402)
})

test('D-35 a suspended seller sells nothing from the moment it is suspended', async () => {
  const id = await listed()
  expect((await asked(id)).status).toBe(402)
  const { body: me } = await world.call('GET', '/api/v1/agents/me', { key })
  const suspend = (suspended: boolean) =>
    world.call('PATCH', `/api/v1/admin/agents/${me.id}`, { key: world.operatorKey, body: { suspended } })
  expect((await suspend(true)).status).toBe(200)
  expect((await asked(id)).status).not.toBe(402)
  expect((await suspend(false)).status).toBe(200)
  expect((await asked(id)).status).toBe(402)
})
