import { type BuyOptions, buy, deliveryOf, memoryStore, usdc } from '@souk/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type TestAgent, type World } from '#tests/world'
import { openShop, type Shop } from './shop.ts'

const OUTPUT = { bullets: ['short'] }

let world: World
let shop: Shop
let seller: TestAgent
let wallet: Awaited<ReturnType<Shop['buyer']>>

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  shop = await openShop(world)
  seller = await world.agent({ funds: 0n })
  wallet = await shop.buyer()
})
afterAll(async () => {
  shop.close()
  await world.close()
})

/** Does not let itself be kept waiting, as a proxy before the market may not. */
const impatient: typeof fetch = (input, init) =>
  fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), prefer: 'respond-async' } })

const plain = (key: string): BuyOptions => ({
  ...{ wallet, store: memoryStore(), maxPrice: usdc('0.6'), input: { text: 'long' }, key, fetch: impatient },
})

test('D-20 a service: 202 is no last word, its delivery is waited for, and the same purchase has it without another payment', async () => {
  const id = await world.service(seller)
  const { key: _, ...options } = { ...plain(''), windowSeconds: -1 }
  const begun = await buy(`${world.url}/x402/${id}`, options)
  expect([begun.status, begun.payment?.amount]).toEqual([202, 515_000n])
  const meanwhile = await buy(`${world.url}/x402/${id}`, options)
  expect([meanwhile.status, meanwhile.payment]).toEqual([202, begun.payment])
  const waiting = deliveryOf(begun)
  const jobId = begun.json<{ id: string }>().id
  await expect(deliveryOf(begun, { patienceMs: 1, fetch: impatient })).rejects.toMatchObject({ fault: 'unfinished' })
  expect((await seller.post(`/api/v1/jobs/${jobId}/deliver`, { output: OUTPUT })).status).toBe(200)
  expect((await waiting).output).toEqual(OUTPUT)
  const held = await shop.held(wallet.address)
  const again = await buy(`${world.url}/x402/${id}`, options)
  expect([again.status, again.json(), await shop.held(wallet.address)]).toEqual([200, OUTPUT, held])
})

test('D-20 a job that ends without a delivery is told as such, and its payment goes back', async () => {
  const id = await world.service(seller, { autoAccept: false })
  const options = plain('another job')
  const begun = await buy(`${world.url}/x402/${id}`, options)
  const location = begun.headers.get('location') ?? ''
  const held = await shop.held(wallet.address)
  expect((await fetch(`${location}/cancel`, { method: 'POST' })).status).toBe(200)
  await expect(deliveryOf(begun)).rejects.toMatchObject({ fault: 'undelivered' })
  await expect(buy(`${world.url}/x402/${id}`, options)).rejects.toMatchObject({
    ...{ fault: 'undelivered', details: { code: 'job_not_done', status: 502 } },
  })
  await world.until(async () => ((await shop.held(wallet.address)) === held + 515_000n ? true : undefined))
})
