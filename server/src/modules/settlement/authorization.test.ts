import fc from 'fast-check'
import { getAddress, type Hex, hashTypedData, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { AUTHORIZATION_TYPES, TOKEN as token } from '#tests/evm-payments'
import { type Authorization, digestOf, isSignedByPayer, readAuthorization, type Token } from './authorization.ts'

const typed = (message: Authorization, { chainId, address, name, version }: Token = token) => ({
  ...{ types: AUTHORIZATION_TYPES, primaryType: 'TransferWithAuthorization' as const, message },
  domain: { chainId, name, version, verifyingContract: getAddress(address) },
})

const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => toHex(value))
const uint = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
const authorizations: fc.Arbitrary<Authorization> = fc.record({
  ...{ from: hex(20), to: hex(20), value: uint, validAfter: uint, validBefore: uint, nonce: hex(32) },
})
const payer = privateKeyToAccount(generatePrivateKey())
const other = privateKeyToAccount(generatePrivateKey())
const from = payer.address.toLowerCase() as Hex

test('what is signed is what EIP-712 says, for any authorization and any token', () => {
  fc.assert(
    fc.property(authorizations, hex(20), fc.nat(), fc.string(), (authorization, address, chainId, name) => {
      const other: Token = { address, chainId, name, version: '2' }
      expect(digestOf(authorization, other)).toBe(hashTypedData(typed(authorization, other)))
    }),
  )
})

test("a payer's own signature is his, and for nothing else than what he signed", async () => {
  await fc.assert(
    fc.asyncProperty(authorizations, authorizations, async (any, different) => {
      const signed = { ...any, from }
      const signature = await payer.signTypedData(typed(signed))
      expect(isSignedByPayer({ ...signed, signature }, token)).toBe(true)
      for (const field of ['to', 'value', 'validAfter', 'validBefore', 'nonce'] as const) {
        if (different[field] === signed[field]) continue
        expect(isSignedByPayer({ ...signed, [field]: different[field], signature }, token)).toBe(false)
      }
      expect(isSignedByPayer({ ...signed, signature }, { ...token, chainId: 8453 })).toBe(false)
      expect(isSignedByPayer({ ...signed, from: other.address.toLowerCase() as Hex, signature }, token)).toBe(false)
    }),
    { numRuns: 20 },
  )
})

test('the other signature of the same meaning, and ones that are none, are not taken', async () => {
  const authorization = { from, to: from, value: 1n, validAfter: 0n, validBefore: 9n, nonce: toHex(1, { size: 32 }) }
  const signature = await payer.signTypedData(typed(authorization))
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  const flipped =
    `${signature.slice(0, 66)}${toHex(s, { size: 32 }).slice(2)}${signature.endsWith('1b') ? '1c' : '1b'}` as Hex
  for (const none of [flipped, '0x', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(65)}`, signature.slice(0, -2)]) {
    expect(isSignedByPayer({ ...authorization, signature: none as Hex }, token)).toBe(false)
  }
})

test('of the wire only a whole authorization is read, addresses in lower case', () => {
  const authorization = {
    ...{ from: payer.address, to: other.address, value: '5', validAfter: '0', validBefore: '99' },
    nonce: toHex(7, { size: 32 }),
  }
  const wire = { authorization, signature: '0xAB' }
  expect(readAuthorization(wire)).toEqual({
    ...{ from, to: other.address.toLowerCase(), value: 5n, validAfter: 0n, validBefore: 99n },
    ...{ nonce: toHex(7, { size: 32 }), signature: '0xab' },
  })
  const wrong: [string, unknown][] = [
    ['value', 5],
    ['value', '05'],
    ['value', '-5'],
    ['value', '1e6'],
    ['value', String(2n ** 256n)],
    ['validAfter', ''],
    ['validBefore', null],
    ['nonce', '0x01'],
    ['nonce', 'z'.repeat(66)],
    ['from', '0x1'],
    ['to', undefined],
  ]
  for (const [field, value] of wrong) {
    expect(readAuthorization({ ...wire, authorization: { ...authorization, [field]: value } })).toBeNull()
  }
  for (const signature of [undefined, 'ab', '0xa', `0x${'a'.repeat(9000)}`]) {
    expect(readAuthorization({ ...wire, signature })).toBeNull()
  }
  for (const payload of [null, 5, 'x', [], { transaction: 'AAAA' }]) expect(readAuthorization(payload)).toBeNull()
})
