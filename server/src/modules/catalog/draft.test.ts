import { expect, test } from 'vitest'
import { changesOf, fieldsOf } from './draft.ts'
import { DEFAULTS, type ServiceDraft } from './service.ts'

const DRAFT: ServiceDraft = {
  name: 'Summarizer',
  description: 'Summarizes long documents.',
  category: 'text',
  inputSchema: { type: 'object' },
  outputSchema: { type: 'object' },
  priceMicros: 500_000n,
}

test('JP-42 to JP-47 what is left out has its documented default', () => {
  expect(fieldsOf(DRAFT)).toEqual({ ...DRAFT, ...DEFAULTS })
  expect(DEFAULTS).toMatchObject({ maxExecutionSeconds: 300, autoAccept: true, maxConcurrentJobs: 5 })
  expect(DEFAULTS).toMatchObject({ queueEnabled: true, maxQueueSize: 20, minClientTrust: 0 })
})

test('a change holds only what is to change', () => {
  expect(changesOf({ name: 'Other name', model: undefined })).toEqual({ name: 'Other name' })
  expect(changesOf({ model: null, reviewSeconds: null })).toEqual({ model: null, reviewSeconds: null })
})

test('JP-174 markup is taken out before lengths are counted', () => {
  expect(fieldsOf({ ...DRAFT, name: ' <b>Bold</b> name ' }).name).toBe('Bold name')
  expect(() => fieldsOf({ ...DRAFT, name: '<b></b>' })).toThrow('name must have 2 to 100 characters')
})

test('JP-36 characters are counted, not the halves of an emoji', () => {
  expect(fieldsOf({ ...DRAFT, name: '🚀'.repeat(100) }).name).toHaveLength(200)
  expect(() => fieldsOf({ ...DRAFT, name: '🚀' })).toThrow('name must have')
})

test('JP-39 tags that differ in case only are one', () => {
  expect(fieldsOf({ ...DRAFT, tags: ['PDF', 'pdf', 'legal'] }).tags).toEqual(['pdf', 'legal'])
  expect(() => fieldsOf({ ...DRAFT, tags: Array.from({ length: 11 }, (_, i) => `t${i}`) })).toThrow('at most 10')
})

test.each([
  [{ priceMicros: 0n }, 'priceMicros must be between 1 and 1000000000000000'],
  [{ priceMicros: 10n ** 15n + 1n }, 'priceMicros must be'],
  [{ maxExecutionSeconds: 4 }, 'maxExecutionSeconds must be between 5 and 3600'],
  [{ maxExecutionSeconds: 5.5 }, 'maxExecutionSeconds must be a whole number'],
  [{ reviewSeconds: 59 }, 'reviewSeconds must be between 60 and 86400'],
  [{ maxConcurrentJobs: 101 }, 'maxConcurrentJobs must be between 1 and 100'],
  [{ maxQueueSize: 1001 }, 'maxQueueSize must be between 0 and 1000'],
  [{ minClientTrust: Number.NaN }, 'minClientTrust must be between 0 and 1'],
])('%o is refused by whatever door it comes', (change, sentence) => {
  expect(() => fieldsOf({ ...DRAFT, ...change })).toThrow(sentence)
})
