import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatUsdc, shareDown, shareUp } from './money.ts'

const amount = fc.bigInt(0n, 10n ** 15n)
const bps = fc.integer({ min: 0, max: 10_000 })

test('D-5 a share rounds down for who is paid and up for a fee on top, by less than one unit', () => {
  fc.assert(
    fc.property(amount, bps, (whole, share) => {
      const exact = whole * BigInt(share)
      const [down, up] = [shareDown(whole, share), shareUp(whole, share)]
      expect(down * 10_000n <= exact && exact - down * 10_000n < 10_000n).toBe(true)
      expect(up * 10_000n >= exact && up * 10_000n - exact < 10_000n).toBe(true)
    }),
  )
})

test('D-5 no trade is so small that its fee rounds to nothing', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 1000n), fc.integer({ min: 1, max: 10_000 }), (whole, share) => {
      expect(shareUp(whole, share)).toBeGreaterThan(0n)
    }),
  )
})

test.each([
  [0n, '0.00'],
  [1n, '0.000001'],
  [1_500_000n, '1.50'],
  [1_000_001n, '1.000001'],
  [12_345_600n, '12.3456'],
  [-250_000n, '-0.25'],
])('%s micro-units are shown as %s USDC: two decimals at least, no unit hidden', (micros, shown) => {
  expect(formatUsdc(micros)).toBe(shown)
})
