import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SalesRecord, sellerReputation, UNKNOWN_SELLER } from './reputation.ts'

const record: fc.Arbitrary<SalesRecord> = fc
  .record({ sales: fc.nat(10_000), failing: fc.double({ min: 0, max: 1, noNaN: true }), spread: fc.nat(12) })
  .map(({ sales, failing, spread }) => ({
    sales,
    undelivered: Math.floor(sales * failing),
    buyers: Math.min(sales, spread),
  }))

test('PA-65 with no sales the success rate is 1, the score 0, and nobody trusts', () => {
  expect(UNKNOWN_SELLER).toEqual({ sales: 0, undelivered: 0, buyers: 0, successRate: 1, score: 0, trusted: false })
})

test.each<[SalesRecord, Partial<typeof UNKNOWN_SELLER>]>([
  [
    { sales: 1, undelivered: 0, buyers: 0 },
    { successRate: 1, score: 50, trusted: false },
  ],
  [
    { sales: 5, undelivered: 0, buyers: 2 },
    { score: 70, trusted: false },
  ],
  [
    { sales: 4, undelivered: 0, buyers: 3 },
    { score: 80, trusted: false },
  ],
  [
    { sales: 5, undelivered: 0, buyers: 3 },
    { score: 80, trusted: true },
  ],
  [
    { sales: 5, undelivered: 1, buyers: 5 },
    { successRate: 0.8, score: 80, trusted: false },
  ],
  [
    { sales: 10, undelivered: 1, buyers: 5 },
    { successRate: 0.9, score: 90, trusted: true },
  ],
  [
    { sales: 8, undelivered: 1, buyers: 1 },
    { successRate: 0.875, score: 53 },
  ],
  [
    { sales: 100, undelivered: 0, buyers: 40 },
    { score: 100, trusted: true },
  ],
  [
    { sales: 3, undelivered: 3, buyers: 3 },
    { successRate: 0, score: 0, trusted: false },
  ],
])('PA-64 %o is %o', (known, expected) => {
  expect(sellerReputation(known)).toMatchObject(expected)
})

test('PA-64 the score is a whole number from 0 to 100, and trust implies at least 72', () => {
  fc.assert(
    fc.property(record, (known) => {
      const { score, successRate, trusted } = sellerReputation(known)
      expect(Number.isInteger(score) && score >= 0 && score <= 100).toBe(true)
      expect(successRate >= 0 && successRate <= 1).toBe(true)
      if (trusted) expect(score).toBeGreaterThanOrEqual(72)
    }),
  )
})

test('PA-64 another delivered sale or another buyer never harms, another failure never helps', () => {
  fc.assert(
    fc.property(record, (known) => {
      const { score, successRate } = sellerReputation(known)
      const sold = sellerReputation({ ...known, sales: known.sales + 1 })
      const known1 = sellerReputation({ ...known, buyers: known.buyers + 1 })
      const failed = sellerReputation({ ...known, sales: known.sales + 1, undelivered: known.undelivered + 1 })
      expect(sold.score).toBeGreaterThanOrEqual(score)
      expect(known1.score).toBeGreaterThanOrEqual(score)
      expect(failed.successRate).toBeLessThanOrEqual(successRate)
      if (known.sales > 0) expect(failed.score).toBeLessThanOrEqual(score)
    }),
  )
})

test('PA-64 however often the same buyers buy, the score stays what so few buyers allow', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(4), (sales, buyers) => {
      expect(sellerReputation({ sales, undelivered: 0, buyers }).score).toBeLessThanOrEqual(50 + 10 * buyers)
    }),
  )
})
