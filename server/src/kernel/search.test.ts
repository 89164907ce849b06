import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOf, searchQuery, searchText } from './search.ts'

const SEARCHED = { title: 'Summarizer v2', topics: ['text', 'PDF'], body: 'Makes long texts short.' }

test('words are weighed by where they stand: title, topics, body, tails of words', () => {
  expect(searchText(SEARCHED)).toEqual({
    vector: expect.stringMatching(
      /^summarizer:1A v2:2A text:3B pdf:4B makes:5C long:6C texts:7C short:8C ummarizer:9D/,
    ),
    title: 'summarizer v2 text pdf',
    body: 'makes long texts short',
  })
})

test('every word asked for is a prefix, single characters are whole words', () => {
  expect(searchQuery('Summ  A pdf summ')).toEqual({
    prefixes: 'summ:* & a & pdf:*',
    words: 'summ a pdf',
    count: 3,
    inTitle: 'summ:*A & a:A & pdf:*A',
    inTopics: 'summ:*AB & a:AB & pdf:*AB',
    stemsInTopics: 'summ:AB & a:AB & pdf:AB',
  })
})

test('what has no word in it is no query', () => {
  for (const text of ['', ' ', '%', '\\', "'", '":*&|!<->()', '\u0000']) expect(searchQuery(text)).toBeUndefined()
})

test('whatever is typed, only letters, digits and our own operators reach the database', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(searchQuery(text)?.prefixes ?? 'none').toMatch(/^[\p{L}\p{M}\p{N}]+(:\*)?( & [\p{L}\p{M}\p{N}]+(:\*)?)*$/u)
      const { vector } = searchText({ ...SEARCHED, title: text, topics: [text] })
      expect(vector).toMatch(/^([\p{L}\p{M}\p{N}]+:\d+[ABCD]( |$))+$/u)
    }),
  )
})

test('keys compare without case, width and NUL', () => {
  expect(keyOf(' Ｔext\0')).toBe('text\ufffd')
})
