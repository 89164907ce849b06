import { expect, test } from 'vitest'
import { changesOf, fieldsOf, wholeOf } from './draft.ts'
import { DEFAULTS, type OfferDraft } from './offer.ts'

const DRAFT: OfferDraft = {
  title: 'Translator',
  description: 'Translates short texts.',
  category: 'language',
  priceMicros: 20_000n,
  offerType: 'api',
  endpoint: 'https://seller.example/translate',
}
const FILE = 'https://seller.example/book.pdf'

test('what is left out has its default', () => {
  expect(fieldsOf(DRAFT, 'native')).toEqual({ ...DEFAULTS, ...DRAFT })
  expect(DEFAULTS).toMatchObject({ httpMethod: 'POST', settlesFirst: false })
})

test('a change holds only what is to change', () => {
  expect(changesOf({ title: 'Other', endpoint: undefined })).toEqual({ title: 'Other' })
  expect(changesOf({ externalUrl: null })).toEqual({ externalUrl: null })
})

test('JP-174 markup is taken out before lengths are counted', () => {
  expect(fieldsOf({ ...DRAFT, title: ' <b>Bold</b> ' }, 'native').title).toBe('Bold')
  expect(() => fieldsOf({ ...DRAFT, title: '<b></b>' }, 'native')).toThrow('title must have 1 to 200 characters')
})

test('tags that differ in case only are one', () => {
  expect(fieldsOf({ ...DRAFT, tags: ['PDF', 'pdf', 'legal'] }, 'native').tags).toEqual(['pdf', 'legal'])
})

test.each([
  ['PA-25 less than a cent', { priceMicros: 9_999n }],
  ['PA-25 a cent and a half', { priceMicros: 15_000n }],
  ['PA-25 nothing', { priceMicros: 0n }],
  ['PA-25 more than 10,000,000 cents', { priceMicros: 100_000_010_000n }],
  ['PA-28 an API without an endpoint', { endpoint: null }],
  ['PA-28 a download without a file', { offerType: 'download' as const }],
  ['no time at all', { estimatedDurationSeconds: 0 }],
  ['a time that is none', { estimatedDurationSeconds: Number.NaN }],
  ['a probe of 16385 characters', { verificationBody: 'x'.repeat(16_385) }],
  ['a preview of 1001 characters', { previewDescription: 'x'.repeat(1001) }],
  ['21 tags', { tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }],
])('%s is refused by whatever door it comes', (_what, change) => {
  expect(() => fieldsOf({ ...DRAFT, ...change }, 'native')).toThrow(
    expect.objectContaining({
      code: 'offer_invalid',
      details: expect.objectContaining({ details: [expect.any(String)] }),
    }),
  )
})

test('PA-25 the ends of the range are taken, and imported offers may cost less than a cent', () => {
  for (const priceMicros of [10_000n, 100_000_000_000n]) fieldsOf({ ...DRAFT, priceMicros }, 'native')
  expect(fieldsOf({ ...DRAFT, priceMicros: 1n }, 'ecosystem').priceMicros).toBe(1n)
  expect(() => fieldsOf({ ...DRAFT, priceMicros: 0n }, 'ecosystem')).toThrow('price must be')
})

test('D-12 a download is paid before it is handed over, whatever its seller says', () => {
  const download = fieldsOf({ ...DRAFT, offerType: 'download', fileUrl: FILE, settlesFirst: false }, 'native')
  expect(download.settlesFirst).toBe(true)
  expect(wholeOf({ ...download, settlesFirst: false }, 'native').settlesFirst).toBe(true)
  expect(fieldsOf({ ...DRAFT, settlesFirst: true }, 'native').settlesFirst).toBe(true)
})
