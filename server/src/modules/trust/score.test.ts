import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Conduct, NEUTRAL_CONDUCT, NEUTRAL_TRUST, provenScore, trustOf } from './score.ts'

const score = (conduct: Partial<Conduct>) => trustOf({ ...NEUTRAL_CONDUCT, ...conduct }).score

const conduct: fc.Arbitrary<Conduct> = fc.record({
  succeeded: fc.nat(1000),
  failed: fc.nat(1000),
  ratings: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 50 }),
  disputesAsRespondent: fc.integer({ min: 10, max: 20 }),
  disputesLost: fc.nat(10),
  clientDisputeRate: fc.double({ min: 0, max: 1, noNaN: true }),
  verified: fc.boolean(),
  pendingReports: fc.nat(10),
  evidence: fc.nat(10),
})

test('JP-103 the score is between 0 and 1 whatever happened', () => {
  fc.assert(
    fc.property(conduct, (any) => {
      expect(trustOf(any).score).toBeGreaterThanOrEqual(0)
      expect(trustOf(any).score).toBeLessThanOrEqual(1)
    }),
  )
})

test('JP-103 nothing known: half for success and rating, whole for no wrong done', () => {
  expect(NEUTRAL_TRUST).toEqual({ score: 0.65, evidence: 0 })
})

describe('JP-103 each part has its weight', () => {
  test.each<[string, Partial<Conduct>, number]>([
    ['10 % for the badge', { verified: true }, 0.75],
    ['25 % for success, near whole after many', { succeeded: 999_998 }, 0.775],
    ['25 % for ratings, near whole after many', { ratings: Array(9998).fill(5) }, 0.775],
    ['15 % for defence', { disputesAsRespondent: 1, disputesLost: 1 }, 0.575],
    ['JP-104 15 % for behaviour, gone at a dispute rate of 50 %', { clientDisputeRate: 0.5 }, 0.5],
    ['JP-104 and half of it at 25 %', { clientDisputeRate: 0.25 }, 0.575],
    ['JP-105 10 % for reports, gone at five', { pendingReports: 5 }, 0.55],
    ['JP-105 and falling evenly before', { pendingReports: 2 }, 0.61],
  ])('%s', (_, known, expected) => {
    expect(score(known)).toBeCloseTo(expected, 3)
  })
})

test('D-6 a score counts as 0.5 at most until three funded counterparties stand behind it', () => {
  expect(provenScore({ score: 0.9, evidence: 2 })).toBe(0.5)
  expect(provenScore({ score: 0.4, evidence: 0 })).toBe(0.4)
  expect(provenScore({ score: 0.9, evidence: 3 })).toBe(0.9)
})
