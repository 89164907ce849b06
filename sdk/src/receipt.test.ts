import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import canonicalize from 'canonicalize'
import { expect, test } from 'vitest'
import { verifyReceipt, verifyReceipts } from './receipt.ts'

const [ours, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const jwks = {
  keys: [{ ...(ours.publicKey.export({ format: 'jwk' }) as { kty: string; crv: string; x: string }), kid: 'ours' }],
}

interface Signing {
  readonly key?: KeyObject
  readonly header?: object
  readonly text?: string
}

function signed(facts: object, { key = ours.privateKey, header = {}, text = canonicalize(facts) ?? '' }: Signing = {}) {
  const part = (of: string) => Buffer.from(of).toString('base64url')
  const words = `${part(JSON.stringify({ alg: 'EdDSA', kid: 'ours', ...header }))}.${part(text)}`
  return `${words}.${sign(null, Buffer.from(words), key).toString('base64url')}`
}

const hash = (jws: string) => createHash('sha256').update(jws).digest('hex')

const FACTS = {
  ...{
    seq: '1',
    previous: '0'.repeat(64),
    id: 'r1',
    orderId: 'o1',
    issuedAt: '2026-11-22T10:00:00.000Z',
    issuer: 'souk',
  },
  ...{
    settlementType: 'direct',
    buyerId: 'b',
    sellerId: 's',
    asset: 'USDC',
    price: '15000',
    payout: '15000',
    fee: '0',
  },
  ...{ network: 'eip155:84532', txHash: '0xab', delivered: 'true', version: '1', form: 'purchase' },
}
const facts = (seq: number, previous: string) => ({ ...FACTS, seq: String(seq), previous, id: `r${seq}` })

function chain(length: number): string[] {
  const all: string[] = []
  for (let seq = 1; seq <= length; seq++)
    all.push(signed(facts(seq, all.length === 0 ? '0'.repeat(64) : hash(all.at(-1) ?? ''))))
  return all
}

test('D-19 a receipt is verified offline, and says what it says', async () => {
  expect(await verifyReceipt(signed(FACTS), jwks)).toMatchObject({ valid: true, facts: FACTS })
})

const good = signed(FACTS)
const [header, , signature] = good.split('.')
const changed = Buffer.from(canonicalize({ ...FACTS, price: '16000' }) ?? '').toString('base64url')

test.each<[string, string, RegExp]>([
  ['one letter changed', `${header}.${changed}.${signature}`, /signature is wrong/],
  ['another’s key under our key’s name', signed(FACTS, { key: theirs.privateKey }), /signature is wrong/],
  ['a signature that is no base64', good.replace(/.$/, '!'), /signature is wrong/],
  ['a key nobody knows', signed(FACTS, { header: { kid: 'else' } }), /none of these keys/],
  ['another algorithm', signed(FACTS, { header: { alg: 'none' } }), /no signed receipt/],
  ['a fourth part', `${good}.x`, /no signed receipt/],
  ['nothing', '', /no signed receipt/],
  ['something else that was signed', signed({ seq: '1' }), /is no receipt/],
  ['a number in the place of a text', signed({ ...FACTS, price: 15000 }), /is no receipt/],
  ['spaces between members', signed(FACTS, { text: JSON.stringify(FACTS, null, 1) }), /not canonical/],
  [
    'a member twice',
    signed(FACTS, { text: (canonicalize(FACTS) ?? '').replace('{', '{"asset":"EUR",') }),
    /not canonical/,
  ],
])('D-19 %s is found out', async (_, jws, fault) => {
  expect(await verifyReceipt(jws, jwks)).toMatchObject({ valid: false, fault: expect.stringMatching(fault) })
})

const SHOWN = {
  ...{
    _id: 'r1',
    id: 'r1',
    buyerId: 'b',
    sellerId: 's',
    amountCents: 1,
    amountMicroUsd: 15000,
    currency: 'USDC',
    chain: 'base-sepolia',
  },
  ...{
    network: 'eip155:84532',
    txHash: '0xab',
    settlementType: 'direct',
    status: 'confirmed',
    delivered: true,
    signature: 'ff',
  },
  ...{ emittedAt: Date.parse(FACTS.issuedAt), price: '15000', seq: '1', jws: good },
}

test('PA-58 D-19 of a receipt as it is shown, PayanAgent’s fields must be what was signed', async () => {
  expect((await verifyReceipt(SHOWN, jwks)).valid).toBe(true)
  const lies = {
    ...{
      _id: 'r2',
      buyerId: 'x',
      sellerId: null,
      amountCents: 2,
      amountMicroUsd: 15001,
      currency: 'CREDIT',
      chain: 'base',
    },
    ...{
      network: 'souk',
      txHash: null,
      settlementType: 'escrow_refund',
      status: 'failed',
      delivered: false,
      emittedAt: 5,
    },
    ...{ price: '1', seq: '2', offerId: 'an offer that was not signed' },
  }
  for (const [name, lie] of Object.entries(lies))
    expect(await verifyReceipt({ ...SHOWN, [name]: lie }, jwks), name).toMatchObject({
      valid: false,
      fault: `${name} is shown otherwise than it was signed`,
    })
})

test('D-19 a run of receipts is verified as a chain, in whatever order it comes', async () => {
  const run = chain(9)
  expect((await verifyReceipts(run.toReversed(), jwks)).map(({ valid }) => valid)).toEqual(run.map(() => true))
  const gap = await verifyReceipts([run[0] ?? '', run[4] ?? ''], jwks)
  expect(gap.every(({ valid }) => valid)).toBe(true)
})

test('D-19 one slipped in, one left out and a fork are found out', async () => {
  const [one = '', two = ''] = chain(2)
  const faults = async (...receipts: string[]) =>
    (await verifyReceipts(receipts, jwks)).map((each) => (each.valid ? null : each.fault))
  expect(await faults(one, signed(facts(2, hash('x'))))).toEqual([null, 'receipt 2 does not follow the one before it'])
  expect(await faults(signed(facts(1, hash('x'))))).toEqual(['receipt 1 does not follow the one before it'])
  const twin = 'there is another receipt with number 2'
  expect(await faults(one, two, signed({ ...facts(2, hash(one)), price: '1' }))).toEqual([null, twin, twin])
})
