import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import { HTTPFacilitatorClient } from '@x402/core/server'
import type { Network, PaymentPayload, PaymentRequirements } from '@x402/core/types'
import type { Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { EVM_NETWORK, signPayment, TOKEN } from '#tests/evm-payments'
import { openWorld, type World } from '#tests/world'

let world: World
let client: HTTPFacilitatorClient
let buyer: PrivateKeyAccount
let payTo: Hex

beforeAll(async () => {
  world = await openWorld({ evm: true, listens: true })
  client = new HTTPFacilitatorClient({ url: `${world.url}/facilitator` })
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl: world.evm?.rpcUrl ?? '', address, amount: 1_000_000n })
  buyer = privateKeyToAccount(secretKey as Hex)
  payTo = (await createWallet()).address as Hex
})
afterAll(() => world.close())

const held = () => tokenBalance({ rpcUrl: world.evm?.rpcUrl ?? '', token: TOKEN.address, owner: payTo })

interface Wired {
  readonly requirements: PaymentRequirements
  readonly payload: PaymentPayload
}

async function wired(value: bigint, asked = value): Promise<Wired> {
  const { authorization } = await signPayment({ from: buyer, to: payTo, value })
  const requirements: PaymentRequirements = {
    ...{ scheme: 'exact', network: EVM_NETWORK as Network, amount: String(asked), asset: TOKEN.address, payTo },
    ...{ maxTimeoutSeconds: 60, extra: { name: TOKEN.name, version: TOKEN.version } },
  }
  const resource = { url: 'http://example.com/', description: '', mimeType: '' }
  return {
    requirements,
    payload: { x402Version: 2, resource, accepted: requirements, payload: writeAuthorization(authorization) },
  }
}

test('the field’s own client of facilitators finds what is supported, has a payment checked, and settled once', async () => {
  const supported = await client.getSupported()
  const extra = { name: TOKEN.name, version: TOKEN.version }
  expect(supported.kinds.filter(({ extra: each }) => each?.['name'] === TOKEN.name)).toEqual([
    { x402Version: 2, scheme: 'exact', network: EVM_NETWORK, extra },
    { x402Version: 1, scheme: 'exact', network: 'base-sepolia', extra },
  ])
  const { payload, requirements } = await wired(1_234n)
  const payer = buyer.address.toLowerCase()
  expect(await client.verify(payload, requirements)).toMatchObject({ isValid: true, payer })
  const settled = await client.settle(payload, requirements)
  expect(settled).toMatchObject({ success: true, payer, network: EVM_NETWORK, amount: '1234' })
  expect(await client.settle(payload, requirements)).toEqual(settled)
  expect(await held()).toBe(1_234n)
  const reason = 'invalid_exact_evm_nonce_already_used'
  expect(await client.verify(payload, requirements)).toMatchObject({ isValid: false, invalidReason: reason })
})

test('a payment in the words of the first version is settled as well', async () => {
  const before = await held()
  const { payload } = await wired(77n)
  const first = {
    x402Version: 1,
    paymentPayload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: payload.payload },
    paymentRequirements: {
      ...{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '77', asset: TOKEN.address, payTo },
      ...{ resource: 'http://example.com/', description: '', mimeType: '', maxTimeoutSeconds: 60 },
    },
  }
  const { status, body } = await world.call('POST', '/facilitator/settle', { body: first })
  expect([status, body]).toMatchObject([200, { success: true, network: 'base-sepolia' }])
  expect((await held()) - before).toBe(77n)
})

test('what is no payment is a 400 that says why; what is a bad one is no error but a verdict', async () => {
  const { payload, requirements } = await wired(5n, 6n)
  const bad = await world.call('POST', '/facilitator/settle', {
    body: { paymentPayload: payload, paymentRequirements: requirements },
  })
  const reason = 'invalid_exact_evm_payload_authorization_value_mismatch'
  expect([bad.status, bad.body]).toMatchObject([200, { success: false, errorReason: reason, transaction: '' }])
  const elsewhere = { ...payload, accepted: { ...requirements, network: 'eip155:1' } }
  for (const path of ['verify', 'settle']) {
    const nowhere = { paymentPayload: elsewhere, paymentRequirements: requirements }
    const { status, body } = await world.call('POST', `/facilitator/${path}`, { body: nowhere })
    expect([status, body.invalidReason ?? body.errorReason]).toEqual([200, 'invalid_network'])
  }
  const cases: [object, string][] = [
    [{ paymentPayload: 'x', paymentRequirements: {} }, 'paymentPayload is no object'],
    [{ paymentPayload: {}, paymentRequirements: [] }, 'paymentRequirements is no object'],
    [{ paymentPayload: { x402Version: 3 }, paymentRequirements: {} }, 'x402Version'],
    [{ paymentPayload: { ...payload, payload: { transaction: 'AA' } }, paymentRequirements: requirements }, 'EIP-3009'],
    [{ paymentPayload: payload, paymentRequirements: { ...requirements, amount: '1.5' } }, 'no whole number'],
    [{ paymentPayload: payload, paymentRequirements: { ...requirements, payTo: 5 } }, 'payTo is no text'],
  ]
  for (const [body, said] of cases) {
    for (const path of ['verify', 'settle']) {
      const answer = await world.call('POST', `/facilitator/${path}`, { body })
      expect([answer.status, answer.body.code, answer.body.error]).toEqual([
        400,
        'payment_malformed',
        expect.stringContaining(said),
      ])
    }
  }
})
