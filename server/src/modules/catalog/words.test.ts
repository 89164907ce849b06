import { expect, test } from 'vitest'
import { facetsOf, searchTextOf } from './words.ts'

test('a service is found by its name, then by category and tags, then by its description', () => {
  const service = { name: 'Summarizer', category: 'text', tags: ['PDF'], description: 'Makes long texts short.' }
  const { vector } = searchTextOf(service)
  expect(vector).toMatch(/^summarizer:1A text:2B pdf:3B makes:4C long:5C texts:6C short:7C /)
})

test('facets are told apart by kind and compared in lower case', () => {
  const facets = ['model:gpt', 'tag:a', 'tag:b']
  expect(facetsOf({ model: 'GPT', modelProvider: null, tags: ['A', 'b'] })).toEqual(facets)
})
