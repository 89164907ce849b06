import fc from 'fast-check'
import { expect, test } from 'vitest'
import { centsView, microsOfCents, usdView } from './usd.ts'

test('PA-24 priceUsd is the exact price, priceCents may be 0', () => {
  expect([usdView(1n), usdView(1_500n), usdView(10_000n)].map(String)).toEqual(['0.000001', '0.0015', '0.01'])
  expect([centsView(9_999n), centsView(10_000n), centsView(15_000n)]).toEqual([0, 1, 1])
})

test('PA-24 no price prints as another one', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 100_000_000_000n }), (amount) => {
      const [whole = '', part = ''] = JSON.stringify(usdView(amount)).split('.')
      expect(BigInt(whole + part.padEnd(6, '0'))).toBe(amount)
    }),
  )
})

test('D-3 cents come as a number or as its string', () => {
  expect([microsOfCents(1), microsOfCents('10000000')]).toEqual([10_000n, 100_000_000_000n])
})
