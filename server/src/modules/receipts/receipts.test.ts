import { createHash, randomBytes } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import sql from 'sql-template-tag'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { openStore, type Store } from '#platform/db'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import {
  createReceiptIssuer,
  type Receipt,
  receiptById,
  receiptKeyFrom,
  receiptOf,
  receiptsAfter,
  type Settlement,
} from './index.ts'

const key = receiptKeyFrom(randomBytes(32))
const issue = createReceiptIssuer({ key, issuer: 'https://souk.example' })

let db: TestDatabase
beforeEach(async () => {
  db = await openTestDatabase()
})
afterEach(() => db.close())

function settlement(facts: Partial<Settlement> = {}): Settlement {
  const [orderId, buyerId, sellerId] = [newId(), newId(), newId()]
  return {
    orderId,
    form: 'direct',
    type: 'escrow_release',
    buyerId,
    sellerId,
    asset: 'USDC',
    price: 500_000n,
    payout: 500_000n,
    fee: 15_000n,
    ...facts,
  }
}
const settle = (settlements: readonly Settlement[], store: Store = db.store) =>
  store.transact((tx) => issue(tx, settlements))

/** Checks a chain as a stranger would: with a JOSE library, the published key, and a hash function. */
async function verifiedChain(receipts: readonly Receipt[]): Promise<Record<string, string>[]> {
  const publicKey = await importJWK(key.jwk as JWK)
  let previous = '00'.repeat(32)
  const payloads = []
  for (const [index, { jws }] of receipts.entries()) {
    const { payload, protectedHeader } = await compactVerify(jws, publicKey)
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: key.jwk.kid })
    const facts = JSON.parse(new TextDecoder().decode(payload))
    expect(facts).toMatchObject({ seq: String(index + 1), previous })
    previous = createHash('sha256').update(jws).digest('hex')
    payloads.push(facts)
  }
  return payloads
}

test('D-19 a receipt says what was settled, in strings, and any JOSE library verifies it', async () => {
  const facts = settlement({ price: 2n ** 60n, payout: 2n ** 60n - 1n, fee: 1n, form: 'board-task' })
  await settle([facts])
  const receipt = (await receiptOf(db.store.read, facts.orderId)) as Receipt
  const [payload] = await verifiedChain([receipt])
  expect(payload).toEqual({
    ...{ version: '1', id: receipt.id, seq: '1', previous: '00'.repeat(32), issuer: 'https://souk.example' },
    ...{ issuedAt: receipt.issuedAt.toISOString(), orderId: facts.orderId, form: 'board-task' },
    ...{ buyerId: facts.buyerId, sellerId: facts.sellerId, asset: 'USDC' },
    ...{ price: '1152921504606846976', payout: '1152921504606846975', fee: '1' },
    ...{ settlementType: 'escrow_release', network: 'souk' },
  })
  expect(await receiptOf(db.store.read, newId())).toBeUndefined()
})

test('the payload is canonical JSON, so that everybody signs and reads the same bytes', async () => {
  const facts = settlement()
  await settle([facts])
  const { jws } = (await receiptOf(db.store.read, facts.orderId)) as Receipt
  const text = Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()
  const sorted = Object.fromEntries(Object.entries(JSON.parse(text)).sort(([a], [b]) => (a < b ? -1 : 1)))
  expect(text).toBe(JSON.stringify(sorted))
})

test('a key is named by its RFC 7638 thumbprint, the same seed gives the same key, another seed another', async () => {
  expect(key.jwk.kid).toBe(await calculateJwkThumbprint(key.jwk as JWK))
  const seed = randomBytes(32)
  expect(receiptKeyFrom(seed).jwk).toEqual(receiptKeyFrom(seed).jwk)
  expect(receiptKeyFrom(randomBytes(32)).kid).not.toBe(receiptKeyFrom(seed).kid)
  expect(key.jwk).not.toHaveProperty('d')
})

test('two processes settling at once keep one chain without gaps or forks', async () => {
  const second = openStore({ url: db.url, maxConnections: 4 })
  const batches = Array.from({ length: 30 }, (_, n) => Array.from({ length: (n % 4) + 1 }, () => settlement()))
  await Promise.all(batches.map((batch, n) => settle(batch, n % 2 ? second : db.store)))
  await second.close()
  const chain = await receiptsAfter(db.store.read, 0n, 1000)
  expect(chain).toHaveLength(batches.flat().length)
  await verifiedChain(chain)
  const head = await db.store.read.one(sql`select seq, hash from receipt_head`)
  expect(head).toEqual({ seq: BigInt(chain.length), hash: chain.at(-1)?.hash })
})

test('a unit of work that fails leaves no gap', async () => {
  await settle([settlement()])
  const failing = db.store.transact(async (tx) => {
    await issue(tx, [settlement(), settlement()])
    throw new Error('later')
  })
  await expect(failing).rejects.toThrow('later')
  await settle([settlement()])
  await verifiedChain(await receiptsAfter(db.store.read, 0n, 10))
})

test('D-19 whatever there is to say of a settlement is signed, and read back as it was said', async () => {
  const facts = settlement({
    ...{ type: 'direct', form: 'purchase', network: 'eip155:84532', txHash: `0x${'ab'.repeat(32)}`, fee: 0n },
    ...{ buyerWallet: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', listingId: newId(), offerId: newId() },
    ...{ requestId: newId(), externalResourceId: 'bazaar:1', delivered: false, deliveryStatus: 502, latencyMs: 3e10 },
  })
  await settle([facts])
  const receipt = (await receiptOf(db.store.read, facts.orderId)) as Receipt
  expect(receipt).toMatchObject(facts)
  expect(await receiptById(db.store.read, receipt.id)).toEqual(receipt)
  const [payload] = await verifiedChain([receipt])
  expect(payload).toMatchObject({
    ...{ settlementType: 'direct', network: facts.network, txHash: facts.txHash, buyerWallet: facts.buyerWallet },
    ...{ listingId: facts.listingId, offerId: facts.offerId, requestId: facts.requestId },
    ...{ externalResourceId: 'bazaar:1', delivered: 'false', deliveryStatus: '502', latencyMs: '30000000000' },
  })
  expect(Object.keys(payload ?? {})).not.toContain('type')
})

test('D-19 an order has one receipt of each type for ever', async () => {
  const facts = settlement({ type: 'escrow_deposit', sellerId: null })
  await settle([facts, { ...facts, type: 'escrow_release', sellerId: newId() }])
  await settle([{ ...facts, type: 'escrow_refund' }])
  for (const type of ['escrow_deposit', 'escrow_release', 'escrow_refund'] as const) {
    await expect(settle([{ ...facts, type }])).rejects.toThrow(/receipt_once/)
  }
  const chain = await receiptsAfter(db.store.read, 0n, 10)
  expect(chain.map(({ type }) => type)).toEqual(['escrow_deposit', 'escrow_release', 'escrow_refund'])
  const payloads = await verifiedChain(chain)
  expect(payloads[0]).not.toHaveProperty('sellerId')
  expect((await receiptOf(db.store.read, facts.orderId))?.type).toBe('escrow_release')
})

test('what moved inside the ledger cannot name a chain transaction', async () => {
  await expect(settle([settlement({ txHash: '0xab' })])).rejects.toThrow(/receipt_on_chain/)
})

test('who changes one letter is found out', async () => {
  await settle([settlement()])
  const [{ jws } = { jws: '' }] = await receiptsAfter(db.store.read, 0n, 1)
  const [header, payload, signature] = jws.split('.') as [string, string, string]
  const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('"500000"', '"900000"')).toString(
    'base64url',
  )
  await expect(compactVerify(`${header}.${forged}.${signature}`, await importJWK(key.jwk as JWK))).rejects.toThrow()
})

test('the database itself refuses to change or remove a receipt', async () => {
  await settle([settlement()])
  for (const statement of [sql`update receipt set jws = ''`, sql`delete from receipt`, sql`truncate receipt`]) {
    await expect(db.store.transact((tx) => tx.run(statement))).rejects.toThrow(/receipt is append-only/)
  }
})
