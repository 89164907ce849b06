import type { KeyPairSigner } from '@solana/kit'
import { walletSigner } from '@souk/devchain/solana'
import type { Network } from '@x402/core/types'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { ExactSvmScheme } from '@x402/svm/exact/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SVM_NETWORK } from '#tests/svm-payments'
import { openWorld, type TestAgent, type World } from '#tests/world'

let world: World
let seller: TestAgent
let buyer: KeyPairSigner

beforeAll(async () => {
  world = await openWorld({ listens: true })
  seller = await world.agent({ funds: 0n })
  buyer = await walletSigner((await world.chain.wallet(100_000_000n)).secretKey)
})
afterAll(() => world.close())

const PRICE = 500_000n
const FEE = 15_000n
const TEXT = { text: 'long' }
const OUTPUT = { bullets: ['short'] }
const held = () => world.chain.balance(buyer.address)

/** By the field's own client; the answer does not wait for the seller. */
async function buy(serviceId: string) {
  const scheme = new ExactSvmScheme(buyer, { rpcUrl: world.chain.rpcUrl })
  const pay = wrapFetchWithPayment(fetch, new x402Client().register(SVM_NETWORK as Network, scheme))
  const headers = { 'content-type': 'application/json', prefer: 'wait=0' }
  const answer = await pay(`${world.url}/x402/${serviceId}`, { method: 'POST', body: JSON.stringify(TEXT), headers })
  const job = (await answer.json()) as { id: string; status: string }
  return { answer, job, path: new URL(answer.headers.get('location') ?? world.url).pathname }
}

test('D-20 a market that does without EVM sells its services on Solana, and the seller has the price', async () => {
  const [before, paid] = [await held(), await seller.available()]
  const { answer, job, path } = await buy(await world.service(seller))
  expect([answer.status, job.status]).toEqual([202, 'accepted'])
  const settled = decodePaymentResponseHeader(answer.headers.get('payment-response') ?? '')
  expect(settled).toMatchObject({ success: true, payer: buyer.address, network: SVM_NETWORK })
  expect(before - (await held())).toBe(PRICE + FEE)
  await seller.post(`/api/v1/jobs/${job.id}/deliver`, { output: OUTPUT })
  expect((await world.call('POST', `${path}/accept-delivery`)).body).toMatchObject({ status: 'completed' })
  expect((await seller.available()) - paid).toBe(PRICE)
})

test('D-20 what is cancelled goes back over Solana to the wallet that paid, all of it', async () => {
  const before = await held()
  const { path } = await buy(await world.service(seller))
  expect((await world.call('POST', `${path}/cancel`)).status).toBe(200)
  const ended = await world.until(async () => {
    const { body } = await world.call('GET', path)
    return body.status === 'cancelled' ? body : undefined
  })
  expect(ended.actions).toEqual([])
  // It is said to be over when it is decided; the money needs a moment more.
  await world.until(async () => ((await held()) === before ? true : undefined))
})
