import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createSchemaValidator, type SchemaFault } from './index.ts'

const validator = createSchemaValidator()
afterAll(() => validator.close())

const check = (schema: unknown, value: unknown): Promise<SchemaFault[]> => validator.validate(schema, value)
const isValid = async (schema: unknown, value: unknown) => (await check(schema, value)).length === 0

describe('D-31 ordinary schemas', () => {
  const job = {
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 1, maxLength: 20 },
      lang: { enum: ['en', 'fr'] },
      n: { type: 'integer', minimum: 1, exclusiveMaximum: 10 },
      tags: { type: 'array', items: { type: 'string' }, maxItems: 2, uniqueItems: true },
      note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      at: { type: 'string', format: 'date-time' },
    },
    required: ['text'],
    additionalProperties: false,
  }

  it.each<[unknown, unknown, string[]]>([
    [job, { text: 'hi' }, []],
    [job, { text: 'hi', lang: 'fr', n: 9, tags: ['a', 'b'], note: null, at: '2026-01-31T10:00:00Z' }, []],
    [job, {}, ['']],
    [job, { text: '', lang: 'de', n: 10 }, ['/text', '/lang', '/n']],
    [job, { text: 'hi', tags: ['a', 'a'] }, ['/tags']],
    [job, { text: 'hi', tags: ['a', 2] }, ['/tags/1']],
    [job, { text: 'hi', note: 1 }, ['/note', '/note', '/note']],
    [job, { text: 'hi', at: 'yesterday' }, ['/at']],
    [job, { text: 'hi', 'a b/c~': 1 }, ['/a b~1c~0']],
    [job, { text: '😀'.repeat(20) }, []],
    [job, [], ['']],
    [{}, null, []],
    [{ type: ['string', 'null'] }, 1, ['']],
    [{ const: { a: [1] } }, { a: [1] }, []],
    [{ multipleOf: 0.01 }, 4.35, []],
    [{ prefixItems: [{ type: 'string' }], items: false }, ['a', 1], ['/1']],
    [{ properties: { a: { $ref: '#/$defs/s' } }, $defs: { s: { type: 'string' } } }, { a: 1 }, ['/a']],
    [{ properties: { next: { $ref: '#' } }, required: ['id'] }, { id: 1, next: { id: 2, next: {} } }, ['/next/next']],
    [{ pattern: '^[a-z]+$' }, 'abc', []],
    [{ pattern: '^[a-z]+$' }, 'ABC', ['']],
    [{ $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }, [1], ['/0']],
    [JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]}}'), { a: 1 }, ['']],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, ['']],
    [{ not: { type: 'string' } }, 'x', ['']],
    [{ format: 'constructor' }, 'x', []],
    [{ format: '__proto__' }, 'x', []],
  ])('%j with %j', async (schema, value, paths) => {
    expect((await check(schema, value)).map((fault) => fault.path)).toEqual(paths)
  })

  it('an unacceptable schema is a fault, never an exception', async () => {
    for (const schema of [true, null, undefined, { $ref: 'http://a.example' }, { const: 1n }, { type: 7 }]) {
      expect((await check(schema, {}))[0]?.message).toContain('not acceptable')
    }
    expect(await check({}, undefined)).toHaveLength(1)
    expect(await check({ pattern: 'a' }, () => 1)).toHaveLength(1)
    expect(await check({ properties: { a: {} } }, { a: 1n })).toHaveLength(1)
  })

  it('tells no more than 20 faults, each short', async () => {
    const schema = { additionalProperties: { enum: ['x'.repeat(1000)] } }
    const value = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`.repeat(100), 1]))
    const faults = await check(schema, value)
    expect(faults).toHaveLength(20)
    expect(JSON.stringify(faults).length).toBeLessThan(20 * 500)
  })

  it('__proto__ in a value is a key like any other, and changes nothing', async () => {
    const value = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')
    for (const extra of [{}, { patternProperties: { '^x': {} } }]) {
      expect(await isValid({ additionalProperties: { type: 'object' }, ...extra }, value)).toBe(true)
      expect(await isValid({ additionalProperties: false, ...extra }, value)).toBe(false)
      expect(await isValid({ required: ['toString'], ...extra }, value)).toBe(false)
    }
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  it('says of any value what Ajv says, in this thread and in a worker', async () => {
    const scalar = fc.oneof(
      fc.constant({}),
      fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'object', 'array').map((type) => ({ type })),
      fc.record({ minimum: fc.integer({ min: -3, max: 3 }), maximum: fc.integer({ min: -3, max: 3 }) }),
      fc.record({ minLength: fc.nat(2), maxLength: fc.nat(3) }),
      fc.jsonValue({ maxDepth: 1 }).map((value) => ({ const: value })),
      fc.array(fc.constantFrom(1, 'a', null, true), { minLength: 1 }).map((list) => ({ enum: list })),
    )
    const name = fc.constantFrom('a', 'b', 'c')
    const { schema } = fc.letrec<{ schema: object }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.record({
          properties: fc.dictionary(name, tie('schema')),
          required: fc.uniqueArray(name),
          additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
        }),
        fc.record({ items: tie('schema'), minItems: fc.nat(2), maxItems: fc.nat(3) }),
        fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ not: tie('schema') }),
      ),
    }))
    const leaf = fc.constantFrom<unknown>(1, 2.5, 'a', 'abc', null, true, -2)
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.dictionary(name, tie('value')),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    }))
    const ajv = new Ajv2020({ strict: false, logger: false })
    await fc.assert(
      fc.asyncProperty(schema, value, async (anySchema, anyValue) => {
        const expected = ajv.compile(structuredClone(anySchema))(anyValue)
        expect(await isValid(anySchema, anyValue)).toBe(expected)
        expect(await isValid({ ...anySchema, uniqueItems: true, patternProperties: { '^$': true } }, anyValue)).toBe(
          expected && !hasTwins(anyValue),
        )
      }),
      { numRuns: 100 },
    )
  })
})

function hasTwins(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const texts = value.map((item) => JSON.stringify(item, (_, inner) => sorted(inner)))
  return new Set(texts).size < texts.length
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
