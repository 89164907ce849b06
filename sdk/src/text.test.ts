import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64, fromHex, toBase64, toHex } from './bytes.ts'
import { canonicalJson } from './canonical.ts'
import { inUsdc, usdc } from './money.ts'

test('canonical JSON is what the standard’s own library says, for every JSON value', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => canonicalJson(value) === canonicalize(value)))
})

test('bytes survive base64, base64url and hex', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const url = Buffer.from(bytes).toString('base64url')
      const ways = [fromBase64(toBase64(bytes)), fromBase64(url), fromHex(toHex(bytes))]
      return (
        ways.every((way) => way !== undefined && Buffer.from(way).equals(bytes)) &&
        toHex(bytes) === Buffer.from(bytes).toString('hex')
      )
    }),
  )
})

test('amounts are exact micro-units, and nothing is rounded', () => {
  expect(['0.05', '1', '0.000001', '10000000'].map(usdc)).toEqual([50_000n, 1_000_000n, 1n, 10_000_000_000_000n])
  for (const text of ['', '.5', '1.', '0.0000001', '-1', '1e3', ' 1', '1,5'])
    expect(() => usdc(text), text).toThrow(/is no amount/)
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), (micros) => usdc(inUsdc(micros)) === micros))
})
