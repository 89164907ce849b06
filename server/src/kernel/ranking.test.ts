import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Match, rankMatches, weightOf } from './ranking.ts'

const share = fc.double({ min: 0, max: 1, noNaN: true })
const match: fc.Arbitrary<Match> = fc.record({
  id: fc.uuid(),
  ownerId: fc.constantFrom('a', 'b', 'c'),
  text: share,
  standing: share,
  last: fc.boolean(),
})

test('words and proof each help and never harm', () => {
  fc.assert(
    fc.property(share, share, share, (text, proof, more) => {
      expect(weightOf({ text, proof: Math.max(proof, more) })).toBeGreaterThanOrEqual(weightOf({ text, proof }))
      expect(weightOf({ text: Math.max(text, more), proof })).toBeGreaterThanOrEqual(weightOf({ text, proof }))
    }),
  )
})

test('words alone never come before the same words with everything proven', () => {
  expect(weightOf({ text: 1, proof: 0 })).toBeLessThan(weightOf({ text: 0.4, proof: 1 }))
})

test('PA-66 what has failed comes last, else the weightier comes first; nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(match), fc.dictionary(fc.constantFrom('a', 'b'), share), (matches, scores) => {
      const ranked = rankMatches(matches, new Map(Object.entries(scores)))
      expect(ranked.map(({ id }) => id).sort()).toEqual(matches.map(({ id }) => id).sort())
      for (const [index, { last, rank }] of ranked.entries()) {
        const next = ranked[index + 1]
        if (next && last === next.last) expect(rank.weight).toBeGreaterThanOrEqual(next.rank.weight)
        if (next && last) expect(next.last).toBe(true)
      }
    }),
  )
})
