import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { createWallet, type EvmChain, faucet, startEvmChain, tokenBalance } from '@souk/devchain/evm'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { createPublicClient, type Hex, http, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { carrying, signPayment, TOKEN as token, type Wish } from '#tests/evm-payments'
import type { SettlementChain } from './chain.ts'
import { createEvmChain } from './evm-chain.ts'
import { createEvmFacilitator } from './facilitator.ts'
import type { Facilitator, Payment } from './payment.ts'

const settings = { pollMs: 50, patienceMs: 60_000, resendMs: 200, raiseMs: 60_000, watchMs: 1000 }
const log = pino({ level: process.env['SHOW'] ?? 'silent' })

let db: TestDatabase
let node: EvmChain
let chain: SettlementChain
let facilitator: Facilitator
let buyer: PrivateKeyAccount
let seller: Hex

beforeAll(async () => {
  db = await openTestDatabase()
  node = await startEvmChain({ dataDir: null, faults: true })
  const relayerKey = toHex(randomBytes(32))
  chain = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey })
  await fund(chain.relayer, 0n)
  facilitator = createEvmFacilitator({ store: db.store, chain, log, settings })
  const { secretKey } = await createWallet()
  buyer = privateKeyToAccount(secretKey as Hex)
  seller = (await createWallet()).address.toLowerCase() as Hex
  await fund(buyer.address, 1_000_000_000n)
})
afterAll(async () => {
  await node.close()
  await db.close()
})

const fund = (address: string, amount: bigint) => faucet({ rpcUrl: node.rpcUrl, address, amount })
const held = (owner: string) => tokenBalance({ rpcUrl: node.rpcUrl, token: token.address, owner })

const rpc = (method: string, params: object) =>
  createPublicClient({ transport: http(node.rpcUrl) }).request({ method, params: [params] } as never)

/** From the buyer, to the seller, unless another wish is said. */
const payment = (wish: Partial<Wish> = {}) => signPayment({ from: buyer, to: seller, value: 1000n, ...wish })

const sentOf = async () =>
  (await db.store.read.one<{ sent: bigint }>(sql`select count(*) as sent from relayed_transaction`))?.sent

test('a payment is verified, settled, and its payee has the money', async () => {
  const before = await held(seller)
  const paid = await payment({ value: 1500n })
  const verdict = { isValid: true, payer: paid.authorization.from, reason: null, funds: await held(buyer.address) }
  expect(await facilitator.verify(paid)).toEqual(verdict)
  const result = await facilitator.settle(paid)
  expect(result).toEqual({ state: 'settled', txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
  expect((await held(seller)) - before).toBe(1500n)
})

test('the same payment settled fifty times at once, and again later, moves its money once', async () => {
  const before = await held(seller)
  const paid = await payment({ value: 7n })
  const results = await Promise.all(Array.from({ length: 50 }, () => facilitator.settle(paid)))
  const hashes = new Set(results.map((result) => (result.state === 'settled' ? result.txHash : result.state)))
  expect(hashes.size).toBe(1)
  expect(await facilitator.settle(paid)).toEqual(results[0])
  expect((await held(seller)) - before).toBe(7n)
  expect(await facilitator.verify(paid)).toMatchObject({
    isValid: false,
    reason: 'invalid_exact_evm_nonce_already_used',
  })
})

test('a hundred different payments at once all land', { timeout: 120_000 }, async () => {
  const before = await held(seller)
  const payments = await Promise.all(Array.from({ length: 100 }, () => payment({ value: 3n })))
  const results = await Promise.all(payments.map((one) => facilitator.settle(one)))
  expect(results.filter(({ state }) => state !== 'settled')).toEqual([])
  expect((await held(seller)) - before).toBe(300n)
})

test.each([
  ['underpaid', { value: 10n, asked: 11n }, 'invalid_exact_evm_payload_authorization_value_mismatch'],
  ['overpaid', { value: 11n, asked: 10n }, 'invalid_exact_evm_payload_authorization_value_mismatch'],
  ['about to expire', { seconds: 3 }, 'invalid_exact_evm_payload_authorization_valid_before'],
  ['good for longer than an hour', { seconds: 7200 }, 'invalid_exact_evm_payload_authorization_valid_before'],
  ['expired', { seconds: -10 }, 'invalid_exact_evm_payload_authorization_valid_before'],
  ['beyond what the payer has', { value: 10_000_000_000n }, 'insufficient_funds'],
] as const)('a payment that is %s is refused by its code, and nothing is sent', async (_, wish, reason) => {
  const sent = await sentOf()
  const bad = await payment(wish)
  expect(await facilitator.verify(bad)).toMatchObject({ isValid: false, reason })
  expect(await facilitator.settle(bad)).toEqual({ state: 'failed', reason, txHash: null })
  expect(await sentOf()).toBe(sent)
})

test('for another network, another token, another payee, or with a signature of somebody else: refused by its code', async () => {
  const good = await payment()
  const stranger = privateKeyToAccount((await createWallet()).secretKey as Hex)
  const foreign = await payment({ from: stranger })
  const { requirements, accepted, authorization } = good
  const cases: [Payment, string][] = [
    [{ ...good, accepted: { ...accepted, scheme: 'upto' } }, 'invalid_exact_evm_scheme'],
    [{ ...good, accepted: { ...accepted, network: 'eip155:8453' } }, 'invalid_exact_evm_network_mismatch'],
    [{ ...good, requirements: { ...requirements, network: 'eip155:8453' } }, 'invalid_network'],
    [{ ...good, requirements: { ...requirements, asset: seller } }, 'invalid_payment_requirements'],
    [
      { ...good, requirements: { ...requirements, extra: { name: 'USD Coin' } } },
      'invalid_exact_evm_token_name_mismatch',
    ],
    [{ ...good, requirements: { ...requirements, payTo: stranger.address } }, 'invalid_exact_evm_recipient_mismatch'],
    [
      { ...good, ...carrying({ ...authorization, signature: foreign.authorization.signature }) },
      'invalid_exact_evm_signature',
    ],
  ]
  for (const [bad, reason] of cases) {
    expect(await facilitator.verify(bad)).toMatchObject({ isValid: false, reason })
    expect(await facilitator.settle(bad)).toMatchObject({ state: 'failed', reason })
  }
})

test('what was settled for one payee is no payment to another, nor for another price, whoever comes with it', async () => {
  const paid = await payment({ value: 12n })
  expect(await facilitator.settle(paid)).toMatchObject({ state: 'settled' })
  const { requirements } = paid
  const elsewhere = { ...paid, requirements: { ...requirements, payTo: buyer.address } }
  const reason = 'invalid_exact_evm_recipient_mismatch'
  expect(await facilitator.settle(elsewhere)).toEqual({ state: 'failed', reason, txHash: null })
  const dearer = { ...paid, requirements: { ...requirements, amount: 13n } }
  expect(await facilitator.settle(dearer, { reserved: true })).toMatchObject({ state: 'failed' })
})

test('two payments over one nonce: one is settled, the other never', async () => {
  const before = await held(seller)
  const nonce = toHex(randomBytes(32))
  const [one, other] = [await payment({ nonce, value: 5n }), await payment({ nonce, value: 6n })]
  const results = await Promise.all([one, other].map((each) => facilitator.settle(each)))
  const reasons = results.map((result) => (result.state === 'failed' ? result.reason : result.state)).sort()
  expect(reasons).toEqual(['invalid_exact_evm_nonce_already_used', 'settled'])
  expect([5n, 6n]).toContain((await held(seller)) - before)
})

test('an authorization that somebody else has sent meanwhile has paid, and counts as settled', async () => {
  const before = await held(seller)
  const paid = await payment({ value: 9n })
  const rival = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey: toHex(randomBytes(32)) })
  await fund(rival.relayer, 0n)
  const fees = await rival.fees()
  const { bytes, hash } = await rival.sign(paid.authorization, { nonce: 0n, fees })
  // The rival's lands between our look and our sending.
  const overtaken = createEvmFacilitator({
    ...{ store: db.store, log, settings },
    chain: {
      ...chain,
      broadcast: async (ours) => {
        await rival.broadcast(bytes)
        await chain.broadcast(ours)
      },
    },
  })
  expect(await overtaken.settle(paid)).toEqual({ state: 'settled', txHash: hash })
  expect((await held(seller)) - before).toBe(9n)
})

test('D-15 D-28 what was signed and never sent is pending, and the sweep sends the same bytes', async () => {
  const before = await held(seller)
  const paid = await payment({ value: 11n })
  const mute = createEvmFacilitator({
    ...{ store: db.store, log, settings: { ...settings, patienceMs: 100 } },
    chain: { ...chain, broadcast: async () => Promise.reject(new Error('cut off')) },
  })
  const pending = await mute.settle(paid)
  expect(pending).toEqual({ state: 'pending', txHash: expect.stringMatching(/^0x/) })
  expect((await held(seller)) - before).toBe(0n)
  await new Promise((resolve) => setTimeout(resolve, settings.resendMs + 50))
  await facilitator.sweeps[0]?.run()
  expect(await facilitator.settle(paid)).toEqual({ ...pending, state: 'settled' })
  expect((await held(seller)) - before).toBe(11n)
})

test('a chain that does not answer is no verdict: nothing is sent, nothing is said of the payment', async () => {
  const deaf = createEvmChain({ rpcUrl: 'http://127.0.0.1:9', token, relayerKey: toHex(randomBytes(32)) })
  const lost = createEvmFacilitator({ store: db.store, chain: deaf, log, settings })
  const paid = await payment()
  const sent = await sentOf()
  await expect(lost.verify(paid)).rejects.toMatchObject({ name: 'ChainUnreachable' })
  const said = await deaf.time().catch((error: Error) => error)
  expect(inspect(said, { depth: 9 })).not.toContain('127.0.0.1:9')
  await expect(lost.settle(paid)).rejects.toMatchObject({ name: 'ChainUnreachable' })
  expect(await sentOf()).toBe(sent)
  // Once the chain answers, the same payment is good.
  expect(await facilitator.settle(paid)).toMatchObject({ state: 'settled' })
})

test('D-28 what was paid before it was asked for here counts as paid for whoever had reserved it, and for nobody else', async () => {
  const before = await held(seller)
  const paid = await payment({ value: 13n })
  const rival = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey: toHex(randomBytes(32)) })
  await fund(rival.relayer, 0n)
  const { bytes, hash } = await rival.sign(paid.authorization, { nonce: 0n, fees: await rival.fees() })
  await rival.broadcast(bytes)
  const reason = 'invalid_exact_evm_nonce_already_used'
  expect(await facilitator.settle(paid)).toEqual({ state: 'failed', reason, txHash: null })
  expect(await facilitator.settle(paid, { reserved: true })).toEqual({ state: 'settled', txHash: hash })
  expect(await facilitator.settle(paid)).toEqual({ state: 'settled', txHash: hash })
  expect((await held(seller)) - before).toBe(13n)
})

test('D-28 who does not wait hears at once how it stands', async () => {
  const paid = await payment({ value: 14n })
  await rpc('souk_setMining', { on: false })
  try {
    expect(await facilitator.settle(paid, { waits: false })).toMatchObject({ state: 'pending' })
  } finally {
    await rpc('souk_setMining', { on: true })
    await rpc('souk_mine', { blocks: 1 })
  }
  expect(await facilitator.settle(paid, { waits: false })).toMatchObject({ state: 'settled' })
})

test('a transfer beside the use of an authorization pays for something else: each pays for itself', async () => {
  const [one, other] = [await payment({ value: 21n }), await payment({ value: 21n })]
  expect(await facilitator.settle(one)).toMatchObject({ state: 'settled' })
  expect(await chain.transferOf(one.authorization)).toMatchObject({ txHash: expect.stringMatching(/^0x/) })
  expect(await chain.transferOf({ ...one.authorization, value: 22n })).toBeNull()
  expect(await chain.transferOf(other.authorization)).toBeNull()
})

test('what the token refused on the chain stays open while it is good, as anybody may send it again; then it has failed', async () => {
  const poor = privateKeyToAccount((await createWallet()).secretKey as Hex)
  await fund(poor.address, 30n)
  const [first, second] = [await payment({ from: poor, value: 30n }), await payment({ from: poor, value: 30n })]
  const blind = createEvmFacilitator({
    ...{ store: db.store, log, settings: { ...settings, patienceMs: 300 } },
    chain: { ...chain, objectionTo: async () => null, balanceOf: async () => 30n },
  })
  expect(await facilitator.settle(first)).toMatchObject({ state: 'settled' })
  expect(await blind.settle(second)).toMatchObject({ state: 'pending' })
  const later = createEvmFacilitator({
    ...{ store: db.store, log, settings },
    chain: { ...chain, time: async () => second.authorization.validBefore + 31n },
  })
  expect(await later.settle(second)).toMatchObject({ state: 'failed', reason: 'invalid_exact_evm_transaction_failed' })
})

/** Code that a wallet may have, and what it does when it is asked for its word. */
const CODES: readonly [string, Hex][] = [
  ['answers nothing, as a token with a fallback does', '0x00'],
  ['answers too little', '0x60046000f3'],
  ['answers no', '0x60206000f3'],
  ['reverts', '0x60006000fd'],
  ['runs into an invalid instruction', '0xfe'],
  ['jumps nowhere', '0x600156'],
  ['takes from an empty stack', '0x50'],
  ['never ends', '0x5b600056'],
]

test.each(CODES)(
  'a payer that is a contract which %s has not signed, and the chain is not called silent for it',
  async (_, code) => {
    const from = await deployed(code)
    const good = await payment()
    const bad = { ...good, ...carrying({ ...good.authorization, from }) }
    expect(await facilitator.verify(bad)).toMatchObject({ isValid: false, reason: 'invalid_exact_evm_signature' })
  },
)

/** Puts code onto the chain, by a transaction that answers it. */
async function deployed(code: Hex): Promise<Hex> {
  const account = privateKeyToAccount(toHex(randomBytes(32)))
  await fund(account.address, 0n)
  const length = toHex((code.length - 2) / 2, { size: 1 }).slice(2)
  const data: Hex = `0x60${length}80600b6000396000f3${code.slice(2)}`
  const client = createPublicClient({ transport: http(node.rpcUrl) })
  const fees = await chain.fees()
  const signed = await account.signTransaction({
    type: 'eip1559',
    chainId: token.chainId,
    nonce: 0,
    gas: 200_000n,
    ...fees,
    data,
  })
  const hash = await client.sendRawTransaction({ serializedTransaction: signed })
  const { contractAddress } = await client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
  return contractAddress as Hex
}
