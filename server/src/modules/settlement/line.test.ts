import { randomBytes } from 'node:crypto'
import {
  createWallet,
  type EvmChain,
  faucet,
  sendToken,
  startEvmChain,
  tokenBalance,
  type Wallet,
} from '@souk/devchain/evm'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { createPublicClient, type Hex, http, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { signPayment, TOKEN as token } from '#tests/evm-payments'
import type { SettlementChain } from './chain.ts'
import { createEvmChain } from './evm-chain.ts'
import { createEvmFacilitator } from './facilitator.ts'
import { raisedFees } from './line.ts'
import type { Facilitator, Payment } from './payment.ts'
import type { Settlement } from './store.ts'

/*
 * What a chain can do to transactions that were sent: lose them, take them back, leave them lying; and what a node can say.
 */
const settings = { pollMs: 20, patienceMs: 20_000, resendMs: 50, raiseMs: 100, watchMs: 1000 }
const log = pino({ level: process.env['SHOW'] ?? 'silent' })

let db: TestDatabase
let node: EvmChain
let chain: SettlementChain
let wallet: Wallet
let buyer: PrivateKeyAccount
let seller: Hex
let reversed: Settlement[]

beforeEach(async () => {
  db = await openTestDatabase()
  node = await startEvmChain({ dataDir: null, faults: true, finalAfterMs: 3_600_000 })
  chain = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey: toHex(randomBytes(32)) })
  await fund(chain.relayer, 0n)
  wallet = await createWallet()
  buyer = privateKeyToAccount(wallet.secretKey as Hex)
  seller = (await createWallet()).address.toLowerCase() as Hex
  await fund(buyer.address, 1_000_000n)
  reversed = []
})
afterEach(async () => {
  await node.close()
  await db.close()
})

const fund = (address: string, amount: bigint) => faucet({ rpcUrl: node.rpcUrl, address, amount })
const held = () => tokenBalance({ rpcUrl: node.rpcUrl, token: token.address, owner: seller })
const rpc = (method: string, params: object) =>
  createPublicClient({ transport: http(node.rpcUrl) }).request({ method, params: [params] } as never)
/** Sent, and not waited for: the chain is not to take it. */
const begin = (facilitator: Facilitator, payment: Payment) => facilitator.settle(payment, { waits: false })
const payment = (value: bigint) => signPayment({ from: buyer, to: seller, value })

const facilitatorOf = (change: Partial<SettlementChain> = {}): Facilitator =>
  createEvmFacilitator({
    ...{ store: db.store, log, settings, chain: { ...chain, ...change } },
    onReversed: async (_tx, settlement) => void reversed.push(settlement),
  })

/** What is done in the background, until it has done all it can. */
async function swept(facilitator: Facilitator, rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, settings.raiseMs + 10))
    for (const { run } of facilitator.sweeps) await run()
  }
}

const transactions = () =>
  db.store.read.rows<{ nonce: bigint; attempt: number }>(
    sql`select nonce, attempt from relayed_transaction order by nonce, attempt`,
  )

test('D-15 a node that lost three transactions is sent all of them again, in order, as the same bytes', async () => {
  const facilitator = facilitatorOf()
  await rpc('souk_dropNextTransactions', { count: 3, mode: 'drop' })
  const payments = [await payment(1n), await payment(2n), await payment(3n)]
  const pending = []
  for (const each of payments) pending.push(await begin(facilitator, each))
  expect(pending.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
  await swept(facilitator)
  const settled = await Promise.all(payments.map((each) => facilitator.settle(each)))
  expect(settled).toEqual(pending.map((each) => ({ ...each, state: 'settled' })))
  expect([await held(), (await transactions()).length]).toEqual([6n, 3])
})

test('D-15 D-28 what a reorganization took away is under way again and paid again, and what waits behind it lands', async () => {
  const facilitator = facilitatorOf()
  const [one, other] = [await payment(1n), await payment(2n)]
  for (const each of [one, other]) expect(await facilitator.settle(each)).toMatchObject({ state: 'settled' })
  await rpc('souk_reorg', { depth: 2 })
  expect(await held()).toBe(0n)
  const third = await payment(4n)
  expect(await begin(facilitator, third)).toMatchObject({ state: 'pending' })
  await swept(facilitator)
  for (const each of [one, other, third]) expect(await facilitator.settle(each)).toMatchObject({ state: 'settled' })
  expect([await held(), (await transactions()).length, reversed]).toEqual([7n, 3, []])
})

test('what others wait behind is sent again also where its own settlement has ended by somebody else’s hand', async () => {
  const facilitator = facilitatorOf()
  const [one, other] = [await payment(1n), await payment(2n)]
  await rpc('souk_dropNextTransactions', { count: 1, mode: 'drop' })
  expect(await begin(facilitator, one)).toMatchObject({ state: 'pending' })
  const rival = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey: toHex(randomBytes(32)) })
  await fund(rival.relayer, 0n)
  await rival.broadcast((await rival.sign(one.authorization, { nonce: 0n, fees: await rival.fees() })).bytes)
  // Ended, and its number is still to be used.
  await db.store.transact(async (tx) => {
    const paid = await rival.transferOf(one.authorization)
    await tx.run(sql`
      update settlement set state = 'settled', tx_hash = ${paid?.txHash}, block = ${paid?.block}, block_hash = ${paid?.blockHash}`)
  })
  expect(await begin(facilitator, other)).toMatchObject({ state: 'pending' })
  await swept(facilitator)
  expect(await facilitator.settle(other)).toMatchObject({ state: 'settled' })
  expect(await held()).toBe(3n)
})

test('a node that counts too many of our transactions makes us skip no number', async () => {
  const absurd = { landedByRelayer: async () => 1_000_000n }
  const one = await payment(1n)
  expect(await facilitatorOf().settle(one)).toMatchObject({ state: 'settled' })
  const other = await payment(2n)
  await expect(facilitatorOf(absurd).settle(other)).rejects.toMatchObject({ name: 'ChainUnreachable' })
  expect(await facilitatorOf().settle(other)).toMatchObject({ state: 'settled' })
  expect((await transactions()).map(({ nonce }) => nonce)).toEqual([0n, 1n])
})

test('behind a number that was never used nothing stays: it is signed for the one whose turn it is, and pays once', async () => {
  const leaping = { landedByRelayer: async () => 3n }
  const [one, other] = [await payment(1n), await payment(2n)]
  for (const each of [one, other]) expect(await begin(facilitatorOf(leaping), each)).toMatchObject({ state: 'pending' })
  expect((await transactions()).map(({ nonce }) => nonce)).toEqual([3n, 4n])
  const facilitator = facilitatorOf()
  await swept(facilitator)
  for (const each of [one, other]) expect(await facilitator.settle(each)).toMatchObject({ state: 'settled' })
  expect(await facilitator.settle(await payment(4n))).toMatchObject({ state: 'settled' })
  expect(await held()).toBe(7n)
})

test('a number that something else has used strands its transaction, which is signed anew', async () => {
  const stale = { landedByRelayer: async () => 0n }
  expect(await facilitatorOf().settle(await payment(1n))).toMatchObject({ state: 'settled' })
  // As a database does that was brought back from before.
  await db.store.transact(async (tx) => {
    await tx.run(sql`delete from relayed_transaction`)
    await tx.run(sql`delete from relayer`)
  })
  const late = await payment(2n)
  expect(await begin(facilitatorOf(stale), late)).toMatchObject({ state: 'pending' })
  const facilitator = facilitatorOf()
  await swept(facilitator, 5)
  expect(await facilitator.settle(late)).toMatchObject({ state: 'settled' })
  expect(await held()).toBe(3n)
})

test('D-15 a transaction below the market’s price is replaced under its number, each replacement kept first, and pays once', async () => {
  const cheap = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }
  const poor = facilitatorOf({ fees: async () => cheap })
  const paid = await payment(5n)
  expect(await begin(poor, paid)).toMatchObject({ state: 'pending' })
  const facilitator = facilitatorOf()
  await swept(facilitator)
  expect(await facilitator.settle(paid)).toMatchObject({ state: 'settled' })
  expect(await transactions()).toEqual([
    { nonce: 0n, attempt: 0 },
    { nonce: 0n, attempt: 1 },
  ])
  expect(await held()).toBe(5n)
})

test('two that raise the same transaction at once keep one replacement', async () => {
  const cheap = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }
  const paid = await payment(5n)
  await begin(facilitatorOf({ fees: async () => cheap }), paid)
  await new Promise((resolve) => setTimeout(resolve, settings.raiseMs + 10))
  const both = [facilitatorOf(), facilitatorOf()]
  await Promise.all(both.map(({ sweeps }) => sweeps[0]?.run()))
  expect((await transactions()).map(({ attempt }) => attempt)).toEqual([0, 1])
  await swept(facilitatorOf())
  expect(await facilitatorOf().settle(paid)).toMatchObject({ state: 'settled' })
  expect(await held()).toBe(5n)
})

test('no node makes us offer more than the ceiling, and what is above it waits', async () => {
  const low = createEvmChain({ rpcUrl: node.rpcUrl, token, relayerKey: toHex(randomBytes(32)), maxFeePerGas: 7n })
  expect(await low.fees()).toEqual({ maxFeePerGas: 7n, maxPriorityFeePerGas: 7n })
  expect((await low.marketFees()).maxFeePerGas).toBeGreaterThan(7n)
  const old = { maxFeePerGas: 100n, maxPriorityFeePerGas: 8n }
  expect(raisedFees(old, { maxFeePerGas: 112n, maxPriorityFeePerGas: 8n })).toBeNull()
  expect(raisedFees(old, { maxFeePerGas: 113n, maxPriorityFeePerGas: 8n })).toEqual({
    maxFeePerGas: 113n,
    maxPriorityFeePerGas: 10n,
  })
})

test('what is settled is watched until it is final, and then no more', async () => {
  const facilitator = facilitatorOf()
  expect(await facilitator.settle(await payment(1n))).toMatchObject({ state: 'settled' })
  const unfinal = () => db.store.read.rows(sql`select 1 from settlement where state = 'settled' and final_at is null`)
  await swept(facilitator, 1)
  expect(await unfinal()).toHaveLength(1)
  await rpc('souk_mine', { blocks: 8 })
  await swept(facilitator, 1)
  expect(await unfinal()).toEqual([])
})

test('what was settled, was taken back and can be paid no more has failed, and the operator is told', async () => {
  const facilitator = facilitatorOf()
  const paid = await payment(1_000_000n)
  expect(await facilitator.settle(paid)).toMatchObject({ state: 'settled' })
  await rpc('souk_reorg', { depth: 1 })
  await sendToken({
    rpcUrl: node.rpcUrl,
    secretKey: wallet.secretKey,
    to: chain.relayer,
    amount: 1_000_000n,
    token: token.address,
  })
  await swept(facilitator)
  expect(await begin(facilitator, paid)).toMatchObject({ state: 'pending' })
  expect(reversed).toEqual([])
  const later = facilitatorOf({ time: async () => paid.authorization.validBefore + 31n })
  await swept(later, 2)
  expect(await facilitator.settle(paid)).toMatchObject({ state: 'failed' })
  expect(reversed.map(({ authorization }) => authorization.nonce)).toEqual([paid.authorization.nonce])
})

test('of payments that are each good alone and too much together, only what can be paid is sent', async () => {
  const payments = await Promise.all([1, 2, 3, 4].map(() => payment(500_000n)))
  const results = await Promise.all(payments.map((each) => facilitatorOf().settle(each)))
  const said = results.map((result) => (result.state === 'failed' ? result.reason : result.state)).sort()
  expect(said).toEqual(['insufficient_funds', 'insufficient_funds', 'settled', 'settled'])
  expect((await transactions()).length).toBe(2)
})
