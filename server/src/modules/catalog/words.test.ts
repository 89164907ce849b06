import fc from 'fast-check'
import { expect, test } from 'vitest'
import { facetsOf, keyOf, searchQuery, searchText } from './words.ts'

const SERVICE = { name: 'Summarizer v2', category: 'text', tags: ['PDF'], description: 'Makes long texts short.' }

test('words are weighed by where they stand: name, category and tags, description, tails of words', () => {
  expect(searchText(SERVICE)).toEqual({
    vector: expect.stringMatching(
      /^summarizer:1A v2:2A text:3B pdf:4B makes:5C long:6C texts:7C short:8C ummarizer:9D/,
    ),
    title: 'summarizer v2 text pdf',
    body: 'makes long texts short',
  })
})

test('every word asked for is a prefix, single characters are whole words', () => {
  expect(searchQuery('Summ  A pdf summ')).toEqual({ prefixes: 'summ:* & a & pdf:*', words: 'summ a pdf' })
})

test('what has no word in it is no query', () => {
  for (const text of ['', ' ', '%', '\\', "'", '":*&|!<->()', '\u0000']) expect(searchQuery(text)).toBeUndefined()
})

test('whatever is typed, only letters, digits and our own operators reach the database', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(searchQuery(text)?.prefixes ?? 'none').toMatch(/^[\p{L}\p{M}\p{N}]+(:\*)?( & [\p{L}\p{M}\p{N}]+(:\*)?)*$/u)
      const { vector } = searchText({ ...SERVICE, name: text, tags: [text] })
      expect(vector).toMatch(/^([\p{L}\p{M}\p{N}]+:\d+[ABCD]( |$))+$/u)
    }),
  )
})

test('facets are told apart by kind and compared in lower case', () => {
  const facets = ['model:gpt', 'tag:a', 'tag:b']
  expect(facetsOf({ model: 'GPT', modelProvider: null, tags: ['A', 'b'] })).toEqual(facets)
  expect(keyOf(' Ｔext\0')).toBe('text\ufffd')
})
