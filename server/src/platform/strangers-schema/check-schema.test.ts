import { describe, expect, it } from 'vitest'
import { checkSchema } from './index.ts'

const nested = (depth: number) => {
  let schema: Record<string, unknown> = { type: 'string' }
  for (let level = 1; level < depth; level += 1) schema = { not: schema }
  return schema
}

describe("D-31 a stranger's schema at the moment it is saved", () => {
  it.each<[string, unknown]>([
    ['the empty schema', {}],
    ['an ordinary one', { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }],
    ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }],
    ['draft-07 by https', { $schema: 'https://json-schema.org/draft-07/schema', definitions: {} }],
    ['draft 2019-09', { $schema: 'https://json-schema.org/draft/2019-09/schema', $defs: {} }],
    ['draft 2020-12', { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [true] }],
    [
      'local references',
      { $defs: { a: { type: 'string' } }, properties: { a: { $ref: '#/$defs/a' }, me: { $ref: '#' } } },
    ],
    ['an anchor', { $defs: { a: { $anchor: 'here', type: 'string' } }, $ref: '#here' }],
    ['an identity at the top', { $id: 'https://a.example/s', $defs: { a: {} }, $ref: '#/$defs/a' }],
    ['properties named like keywords', { properties: { $ref: {}, $id: {}, id: {}, pattern: {}, const: {}, enum: {} } }],
    [
      'a $ref that is data',
      { const: { $ref: 'http://a.example/' }, examples: [{ $ref: 'x' }], default: { $ref: 'y' } },
    ],
    ['an unknown keyword', { 'x-price': { currency: 'USDC' }, type: 'string' }],
    ['a pattern, even an evil one', { pattern: '^(a+)+$', patternProperties: { '^x-': {} } }],
    ['32 levels', nested(32)],
  ])('%s may be kept', (_name, schema) => {
    expect(checkSchema(schema)).toEqual([])
  })

  it.each<[string, unknown, string]>([
    ['true', true, 'JSON object'],
    ['an array', [], 'JSON object'],
    ['text', '{}', 'JSON object'],
    ['null', null, 'JSON object'],
    ['33 levels', nested(33), '32 levels'],
    ['10,000 levels', nested(10_000), '32 levels'],
    ['1,000,000 levels', nested(1_000_000), '32 levels'],
    ['65 kB', { description: 'x'.repeat(65_536) }, '65536 bytes'],
    ['a million keywords', { enum: Array.from({ length: 1_000_000 }, (_, index) => index) }, '5000 values'],
    ['what is not JSON', { const: 1n }, '65536 bytes'],
    ['a remote $ref', { properties: { a: { $ref: 'http://169.254.169.254/' } } }, 'must point into this schema'],
    ['a relative $ref', { $ref: 'other.json#/a' }, 'must point into this schema'],
    ['a file $ref', { allOf: [{ $ref: 'file:///etc/passwd' }] }, 'must point into this schema'],
    ['a remote $ref under an unknown keyword', { 'x-a': { $ref: 'https://a.example' } }, 'must point into this schema'],
    ['a $ref to nothing', { $ref: '#/$defs/none' }, 'points to nothing'],
    ['a $ref into data', { const: { a: {} }, $ref: '#/const/a' }, 'points to nothing'],
    ['a $dynamicRef', { $dynamicRef: '#a' }, 'not supported'],
    [
      'a $recursiveRef',
      { $schema: 'https://json-schema.org/draft/2019-09/schema', $recursiveRef: '#' },
      'not supported',
    ],
    ['an inner $id', { properties: { a: { $id: 'https://a.example' } } }, 'at the top only'],
    ['draft 4', { $schema: 'http://json-schema.org/draft-04/schema#' }, 'draft-07'],
    ['a dialect elsewhere', { $schema: 'http://169.254.169.254/schema' }, 'draft-07'],
    ['a dialect that is no text', { $schema: { a: 1 } }, 'draft-07'],
    ['a wrong type', { type: 'strnig' }, 'equal to one of the allowed values'],
    ['a wrong keyword value', { properties: { a: { minLength: '5' } } }, 'must be integer'],
    ['an old array of items', { items: [{}] }, 'must be object,boolean'],
    ['no regular expression', { properties: { a: { pattern: '(' } } }, 'not a regular expression'],
    ['no regular expression as a key', { patternProperties: { '[': {} } }, 'not a regular expression'],
    ['__proto__', JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), 'not a key we take'],
    ['__proto__ in data', JSON.parse('{"const":{"__proto__":{"admin":true}}}'), 'not a key we take'],
    ["the validator's own marks", { $ref: '#', __absolute_ref__: 'http://169.254.169.254/' }, 'not a key we take'],
  ])('%s is refused', (_name, schema, message) => {
    const faults = checkSchema(schema)
    expect(faults.map((fault) => fault.message).join('\n')).toContain(message)
    expect(faults.length).toBeLessThanOrEqual(20)
  })

  it('says where', () => {
    expect(checkSchema({ properties: { 'a/b': { $ref: 'http://x.example' }, c: { type: 7 } } })[0]?.path).toBe(
      '/properties/c/type',
    )
    expect(checkSchema({ properties: { 'a/b': { $ref: 'http://x.example' } } })[0]?.path).toBe('/properties/a~1b/$ref')
  })

  it('a regular expression is read, not run: even a huge one takes no time', () => {
    const startedAt = performance.now()
    checkSchema({ pattern: `${'('.repeat(5000)}a${'+)'.repeat(5000)}` })
    checkSchema({ pattern: '(?:a{0,1000}){0,1000}b' })
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
