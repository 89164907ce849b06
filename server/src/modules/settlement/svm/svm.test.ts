import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { AccountRole, address, generateKeyPairSigner, type KeyPairSigner } from '@solana/kit'
import { walletSigner } from '@souk/devchain/solana'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { startTestChain, type TestChain } from '#tests/solana-chain'
import {
  MINT,
  memoOf,
  requirementsOf,
  SVM_NETWORK,
  type SvmWish,
  signTransaction,
  tokenAccountOf,
  unitLimit,
  unitPrice,
} from '#tests/svm-payments'
import type { Facilitator, Payment } from '../payment.ts'
import { createSvmChain, type SvmChain } from './chain.ts'
import { createSvmFacilitator } from './facilitator.ts'

const settings = { pollMs: 20, patienceMs: 20_000, resendMs: 200 }
const log = pino({ level: 'silent' })
const DUPLICATE = { state: 'failed', reason: 'duplicate_settlement', txHash: null }

let db: TestDatabase
let node: TestChain
let chain: SvmChain
let facilitator: Facilitator
let buyer: KeyPairSigner
let seller: string

beforeAll(async () => {
  const opened = await Promise.all([openTestDatabase(), startTestChain()])
  db = opened[0]
  node = opened[1]
  chain = await createSvmChain({
    ...{ rpcUrl: node.rpcUrl, network: SVM_NETWORK, mint: MINT },
    relayerSeed: Uint8Array.from(randomBytes(32)),
  })
  await node.gas(chain.relayer)
  facilitator = createSvmFacilitator({ store: db.store, chain, log, settings })
  buyer = await walletSigner((await node.wallet(1_000_000_000n)).secretKey)
  seller = (await node.wallet(0n)).address
})
afterAll(async () => {
  await node.close()
  await db.close()
})

type Wish = Partial<SvmWish>

const wished = (wish: Wish): SvmWish => ({
  ...{ from: buyer, payTo: seller, value: 1000n, feePayer: chain.relayer },
  ...wish,
})

/** From the buyer, to the seller, unless another wish is said. */
async function payment(wish: Wish = {}): Promise<Payment> {
  const whole = wished(wish)
  const transaction = await signTransaction(node.rpcUrl, whole)
  const accepted = { scheme: 'exact', network: SVM_NETWORK }
  return { ...facilitator.read({ transaction }), accepted, requirements: requirementsOf(whole) }
}

/** As a purchase settles, which has reserved the payment. */
const ours = (by: Facilitator, paid: Payment) => by.settle(paid, { reserved: true })

const rowsOf = async (state: string) =>
  (await db.store.read.one<{ n: number }>(sql`select count(*)::int as n from svm_settlement where state = ${state}`))?.n

test('D-16 a payment is known by who pays and by the hash of what he signed; it is verified, settled, and its payee has the money', async () => {
  const before = await node.balance(seller)
  const paid = await payment({ value: 1500n })
  expect(paid).toMatchObject({ network: SVM_NETWORK, payer: buyer.address, amount: 1500n })
  expect(paid.nonce).toMatch(/^[0-9a-f]{64}$/)
  expect(await facilitator.verify(paid)).toEqual({
    ...{ isValid: true, payer: buyer.address, reason: null },
    // What his wallet holds before he pays.
    funds: await node.balance(buyer.address),
  })
  const result = await ours(facilitator, paid)
  expect(result).toEqual({ state: 'settled', txHash: expect.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{64,88}$/) })
  expect((await node.balance(seller)) - before).toBe(1500n)
  expect(await facilitator.verify(paid)).toMatchObject({ isValid: false, reason: 'duplicate_settlement' })
})

test('the same payment settled twenty times at once, and again later, moves its money once', async () => {
  const before = await node.balance(seller)
  const paid = await payment({ value: 7n })
  const results = await Promise.all(Array.from({ length: 20 }, () => ours(facilitator, paid)))
  expect(new Set(results.map((result) => (result.state === 'settled' ? result.txHash : result.state))).size).toBe(1)
  expect(await ours(facilitator, paid)).toEqual(results[0])
  expect((await node.balance(seller)) - before).toBe(7n)
})

test('twenty different payments at once all land, equal ones too', async () => {
  const before = await node.balance(seller)
  const payments = await Promise.all(Array.from({ length: 20 }, () => payment({ value: 3n })))
  const results = await Promise.all(payments.map((one) => ours(facilitator, one)))
  expect(results.filter(({ state }) => state !== 'settled')).toEqual([])
  expect((await node.balance(seller)) - before).toBe(60n)
})

test('duplicate_settlement: of strangers who settle one payment at once a single one is told so, and nobody is told twice', async () => {
  const before = await node.balance(seller)
  const paid = await payment({ value: 5n })
  const results = await Promise.all(Array.from({ length: 20 }, () => facilitator.settle(paid)))
  expect(results.filter(({ state }) => state === 'settled')).toHaveLength(1)
  expect(results.filter(({ state }) => state === 'failed')).toEqual(Array.from({ length: 19 }, () => DUPLICATE))
  expect(await facilitator.settle(paid)).toEqual(DUPLICATE)
  expect((await node.balance(seller)) - before).toBe(5n)
})

test('duplicate_settlement: one payment buys here or in somebody else’s shop, and never in both', async () => {
  const [mine, theirs] = [await payment(), await payment()]
  expect(await ours(facilitator, mine)).toMatchObject({ state: 'settled' })
  expect(await facilitator.settle(mine)).toEqual(DUPLICATE)
  expect(await facilitator.settle(theirs)).toMatchObject({ state: 'settled' })
  expect(await ours(facilitator, theirs)).toEqual(DUPLICATE)
})

const budget = () => [unitLimit(20_000), unitPrice(1n)]
const MALFORMED = 'invalid_exact_svm_payload_transaction_instructions'
const FEE_PAYER = 'invalid_exact_svm_payload_transaction_fee_payer_transferring_funds'
const MISNAMED = 'invalid_exact_svm_payload'
const stranger = (program: string) => ({ programAddress: address(program), data: Uint8Array.from([1]) })

/** What is wrong, the wish that makes it so, and the code it is refused by. */
const BAD: [string, () => Wish | Promise<Wish>, string][] = [
  ['underpaid', () => ({ value: 10n, asked: 11n }), `${MISNAMED}_amount_mismatch`],
  ['overpaid', () => ({ value: 11n, asked: 10n }), `${MISNAMED}_amount_mismatch`],
  ['beyond what the payer has', () => ({ value: 10_000_000_000n }), 'insufficient_funds'],
  [
    'paid to another destination',
    async () => ({ destination: await tokenAccountOf(buyer.address) }),
    `${MISNAMED}_recipient_mismatch`,
  ],
  ['paid to the wallet itself, not to its account', () => ({ destination: seller }), `${MISNAMED}_recipient_mismatch`],
  [
    'of another mint',
    async () => ({ mint: 'So11111111111111111111111111111111111111112', source: await tokenAccountOf(buyer.address) }),
    `${MISNAMED}_mint_mismatch`,
  ],
  [
    'of the money of who pays the fees',
    async () => ({ source: await tokenAccountOf(chain.relayer), authority: chain.relayer }),
    FEE_PAYER,
  ],
  [
    'naming who pays the fees in a memo',
    () => ({
      last: [{ ...memoOf('x'), accounts: [{ address: address(chain.relayer), role: AccountRole.READONLY_SIGNER }] }],
    }),
    FEE_PAYER,
  ],
  [
    'signed for somebody else’s fees',
    () => ({ feePayer: seller }),
    'invalid_exact_svm_fee_payer_not_managed_by_facilitator',
  ],
  ['dear', () => ({ price: 5_000_001n }), `${MALFORMED}_compute_price_instruction_too_high`],
  ['heavy', () => ({ units: 1_400_000 }), `${MALFORMED}_compute_limit_instruction_too_high`],
  [
    'without a compute limit',
    () => ({ first: [memoOf('a'), unitPrice(1n)] }),
    `${MALFORMED}_compute_limit_instruction`,
  ],
  [
    'without a compute price',
    () => ({ first: [unitLimit(9_000), memoOf('a')] }),
    `${MALFORMED}_compute_price_instruction`,
  ],
  [
    'without a transfer where it belongs',
    () => ({ first: [...budget(), memoOf('a')] }),
    `${MISNAMED}_no_transfer_instruction`,
  ],
  ['too long', () => ({ last: [memoOf('a'), memoOf('b'), memoOf('c')] }), `${MALFORMED}_length`],
  ['doing something besides', () => ({ last: [stranger(MINT)] }), `${MISNAMED}_unknown_fifth_instruction`],
  ['without the memo that was asked for', () => ({ memo: 'other', askedMemo: 'order 7' }), `${MISNAMED}_memo_mismatch`],
  [
    'with two memos where one was asked for',
    () => ({ memo: 'order 7', askedMemo: 'order 7', last: [memoOf('b')] }),
    `${MISNAMED}_memo_count`,
  ],
  [
    'signed by a third wallet',
    async () => ({ last: [signedBy(await generateKeyPairSigner())] }),
    `${MISNAMED}_excessive_signers`,
  ],
  ['not signed by whose money it is', () => ({ authority: seller }), `${MISNAMED}_signature_invalid`],
  ['expired', () => ({ blockhash: MINT }), 'invalid_exact_svm_transaction_simulation_failed'],
]

function signedBy(signer: KeyPairSigner) {
  return { ...memoOf('x'), accounts: [{ address: signer.address, role: AccountRole.READONLY_SIGNER, signer }] }
}

test.each(BAD)('a payment that is %s is refused by its code, and nothing is sent', async (_, wish, reason) => {
  const sent = await rowsOf('settled')
  const bad = await payment(await wish())
  expect(await facilitator.verify(bad)).toMatchObject({ isValid: false, reason })
  expect(await ours(facilitator, bad)).toEqual({ state: 'failed', reason, txHash: null })
  expect([await rowsOf('settled'), await rowsOf('sent')]).toEqual([sent, 0])
})

test('for another network, asset or scheme, without a fee payer, or signed by somebody else: refused by its code', async () => {
  const good = await payment()
  const { requirements, accepted } = good
  const other = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
  const cases: [Payment, string][] = [
    [{ ...good, accepted: { ...accepted, scheme: 'upto' } }, 'invalid_exact_svm_unsupported_scheme'],
    [{ ...good, accepted: { ...accepted, network: other } }, 'invalid_exact_svm_network_mismatch'],
    [{ ...good, requirements: { ...requirements, network: other } }, 'invalid_network'],
    [{ ...good, requirements: { ...requirements, asset: seller } }, 'invalid_payment_requirements'],
    [{ ...good, requirements: { ...requirements, extra: {} } }, 'invalid_exact_svm_payload_missing_fee_payer'],
    [
      { ...good, requirements: { ...requirements, payTo: buyer.address } },
      'invalid_exact_svm_payload_recipient_mismatch',
    ],
    [{ ...good, ...tampered(good) }, 'invalid_exact_svm_payload_signature_invalid'],
  ]
  for (const [bad, reason] of cases) {
    expect(await facilitator.verify(bad)).toMatchObject({ isValid: false, reason })
    expect(await ours(facilitator, bad)).toMatchObject({ state: 'failed', reason })
  }
  // And what was refused to others is still good for whom it was made.
  expect(await ours(facilitator, good)).toMatchObject({ state: 'settled' })
  // What was paid is paid to one payee, whoever else comes with it.
  const elsewhere = { ...good, requirements: { ...requirements, payTo: buyer.address } }
  expect(await ours(facilitator, elsewhere)).toMatchObject({ state: 'failed' })
  expect(await facilitator.settle(elsewhere)).toMatchObject({ state: 'failed' })
})

/** The same transaction with one bit of the payer's signature turned. */
function tampered({ payload }: Payment) {
  const bytes = Buffer.from((payload as { transaction: string }).transaction, 'base64')
  const at = 1 + 64 + 9
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return facilitator.read({ transaction: bytes.toString('base64') })
}

test('what is no transaction, or can be written in two ways, is no payment', async () => {
  const { payload } = await payment()
  const { transaction } = payload as { transaction: string }
  const longer = Buffer.concat([Buffer.from(transaction, 'base64'), Buffer.from([0])]).toString('base64')
  for (const bad of [
    null,
    {},
    { transaction: 5 },
    { transaction: 'AA' },
    { transaction: longer },
    { transaction: 'x'.repeat(9999) },
  ])
    expect(() => facilitator.read(bad)).toThrow('This is no payment of x402')
  expect(facilitator.read({ transaction, more: 1 }).payload).toEqual({ transaction })
})

test('a payment in the oldest form of a transaction is settled as well', async () => {
  expect(await ours(facilitator, await payment({ version: 'legacy' }))).toMatchObject({ state: 'settled' })
})

test('D-15 D-28 what was signed and never sent is pending, and the sweep sends the same bytes', async () => {
  const before = await node.balance(seller)
  const paid = await payment({ value: 11n })
  const mute = createSvmFacilitator({
    ...{ store: db.store, log, settings: { ...settings, patienceMs: 100 } },
    chain: { ...chain, broadcast: async () => Promise.reject(new Error('cut off')) },
  })
  const pending = await ours(mute, paid)
  expect(pending).toEqual({ state: 'pending', txHash: expect.any(String) })
  expect((await node.balance(seller)) - before).toBe(0n)
  await new Promise((resolve) => setTimeout(resolve, settings.resendMs + 50))
  await facilitator.sweeps[0]?.run()
  expect(await ours(facilitator, paid)).toEqual({ ...pending, state: 'settled' })
  expect((await node.balance(seller)) - before).toBe(11n)
})

test('D-15 what was sent and is nowhere is dead only once no block can take it any more, finally', async () => {
  const before = await node.balance(seller)
  const paid = await payment({ value: 13n })
  await node.fault('drop')
  const brief = createSvmFacilitator({ store: db.store, chain, log, settings: { ...settings, patienceMs: 100 } })
  const pending = await ours(brief, paid)
  expect(pending).toMatchObject({ state: 'pending' })
  const row = await db.store.read.one<{ height: bigint }>(sql`
    select last_height as height from svm_settlement where message_hash = ${paid.nonce}`)
  const last = createSvmFacilitator({
    ...{ store: db.store, log, settings: { ...settings, patienceMs: 100 } },
    chain: { ...chain, finalizedHeight: async () => row?.height ?? 0n },
  })
  expect(await ours(last, paid)).toEqual(pending)
  await node.advance(151)
  await node.finalize()
  expect(await ours(brief, paid)).toMatchObject({ state: 'failed', reason: 'invalid_exact_svm_transaction_failed' })
  expect((await node.balance(seller)) - before).toBe(0n)
})

test('D-28 an answer lost after sending is no failure: what landed is found', async () => {
  const before = await node.balance(seller)
  await node.fault('accept-then-error')
  expect(await ours(facilitator, await payment({ value: 17n }))).toMatchObject({ state: 'settled' })
  expect((await node.balance(seller)) - before).toBe(17n)
})

test('a transaction that fails on the chain has failed for good, and who pays the fees lost nothing but them', async () => {
  const poor = await walletSigner((await node.wallet(30n)).secretKey)
  const [first, second] = [await payment({ from: poor, value: 30n }), await payment({ from: poor, value: 30n })]
  const blind = createSvmFacilitator({
    ...{ store: db.store, log, settings },
    chain: { ...chain, tryOut: async () => ({ objection: null, left: 0n }) },
  })
  expect(await ours(facilitator, first)).toMatchObject({ state: 'settled' })
  const failed = { state: 'failed', reason: 'invalid_exact_svm_transaction_failed' }
  expect(await ours(blind, second)).toMatchObject(failed)
  expect(await ours(facilitator, second)).toMatchObject(failed)
})

test('what was refused once stays refused: two who are asked never decide differently', async () => {
  const poor = await walletSigner((await node.wallet(1n)).secretKey)
  const early = await payment({ from: poor, value: 40n })
  expect(await ours(facilitator, early)).toMatchObject({ state: 'failed', reason: 'insufficient_funds' })
  await node.give(poor.address, 100n)
  expect(await ours(facilitator, early)).toMatchObject({ state: 'failed', reason: 'insufficient_funds' })
  expect(await ours(facilitator, await payment({ from: poor, value: 40n }))).toMatchObject({ state: 'settled' })
})

test('what was settled is watched until it is final', async () => {
  const paid = await payment()
  await ours(facilitator, paid)
  const finalOf = () =>
    db.store.read.one<{ final: boolean }>(
      sql`select final_at is not null as final from svm_settlement where message_hash = ${paid.nonce}`,
    )
  const early = createSvmFacilitator({
    ...{ store: db.store, log, settings },
    chain: { ...chain, finalityOf: async () => ({ final: [], missing: [] }) },
  })
  await early.sweeps[1]?.run()
  expect(await finalOf()).toEqual({ final: false })
  await node.finalize()
  await facilitator.sweeps[1]?.run()
  expect(await finalOf()).toEqual({ final: true })
})

test('D-15 what a fork took back is sent again as the same bytes, or given up and told to the operator once no block can take it', async () => {
  const reversed: string[] = []
  const watching = (change: Partial<SvmChain>) =>
    createSvmFacilitator({
      ...{ store: db.store, log, settings: { ...settings, resendMs: 0 }, chain: { ...chain, ...change } },
      onReversed: async (_tx, { messageHash }) => void reversed.push(messageHash),
    })
  const [kept, lost] = [await payment({ value: 19n }), await payment({ value: 23n })]
  const settled = await Promise.all([kept, lost].map((one) => ours(facilitator, one)))
  const forked = watching({ finalityOf: async (missing) => ({ final: [], missing }) })
  await forked.sweeps[1]?.run()
  expect(await rowsOf('sent')).toBeGreaterThanOrEqual(2)
  const gone = settled[1]?.txHash
  const after = watching({
    landingOf: async (signature) => (signature === gone ? 'missing' : chain.landingOf(signature)),
    finalizedHeight: async () => 1_000_000_000n,
  })
  await after.sweeps[0]?.run()
  expect(await ours(facilitator, kept)).toEqual(settled[0])
  expect(await ours(facilitator, lost)).toMatchObject({ state: 'failed', txHash: gone })
  expect(reversed).toEqual([lost.nonce])
})

test('a chain that does not answer, or fees that cannot be paid, are no verdict: nothing is sent, nothing is said', async () => {
  const place = { network: SVM_NETWORK, mint: MINT }
  const relayerSeed = Uint8Array.from(randomBytes(32))
  const deaf = await createSvmChain({ ...place, rpcUrl: 'http://127.0.0.1:9', relayerSeed })
  const broke = await createSvmChain({ ...place, rpcUrl: node.rpcUrl, relayerSeed })
  for (const silent of [deaf, broke]) {
    const lost = createSvmFacilitator({ store: db.store, chain: silent, log, settings })
    const paid = { ...(await payment({ feePayer: silent.relayer })) }
    await expect(lost.verify(paid)).rejects.toMatchObject({ name: 'ChainUnreachable' })
    await expect(ours(lost, paid)).rejects.toMatchObject({ name: 'ChainUnreachable' })
    expect(await rowsOf('sent')).toBe(0)
  }
  const said = await deaf.finalizedHeight().catch((error: Error) => error)
  expect(inspect(said, { depth: 9 })).not.toContain('127.0.0.1:9')
})
