import { expect, test } from 'vitest'
import { allRefusals, defineRefusals, Refusal } from './refusal.ts'

const refusals = defineRefusals({
  too_loud: ['forbidden', 'A {volume} is too loud', 'Speak below {limit}.'],
})

test('a refusal carries its code, kind, sentence and remedy, filled from its details', () => {
  const refusal = refusals.too_loud({ volume: 'shout', limit: 'a whisper' })
  expect(refusal).toBeInstanceOf(Refusal)
  expect(refusal).toMatchObject({ code: 'too_loud', kind: 'forbidden', message: 'A shout is too loud' })
  expect([refusal.fix, refusal.details['volume']]).toEqual(['Speak below a whisper.', 'shout'])
})

test('what the details do not say stays as it is written', () => {
  expect(refusals.too_loud().message).toBe('A {volume} is too loud')
})

test('details are put in as they are, never read as a pattern', () => {
  expect(refusals.too_loud({ volume: '$& {limit}' }).message).toBe('A $& {limit} is too loud')
})

test('every refusal that was defined is in the catalogue of all', () => {
  expect(allRefusals()['too_loud']).toEqual(['forbidden', 'A {volume} is too loud', 'Speak below {limit}.'])
})
