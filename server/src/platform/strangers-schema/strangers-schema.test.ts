import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createSchemaValidator, type SchemaFault } from './index.ts'

const validator = createSchemaValidator()
/** For schemas that are to be cut off anyway. */
const impatient = createSchemaValidator({ timeMs: 50 })
afterAll(async () => {
  await validator.close()
  await impatient.close()
})

const check = (schema: unknown, value: unknown): Promise<SchemaFault[]> => validator.validate(schema, value)
const isValid = async (schema: unknown, value: unknown) => (await check(schema, value)).length === 0

const EVIL = { type: 'string', pattern: '^(a+)+$' }
const EVIL_TEXT = `${'a'.repeat(50)}!`
const TOO_LONG = [{ path: '', message: 'the schema took too long to check' }]

/** Each level asks the next one twice: 2^levels visits. */
function doubling(levels: number, keyword: 'allOf' | 'anyOf') {
  const defs: Record<string, unknown> = { d0: { type: 'string' } }
  for (let level = 1; level <= levels; level += 1) {
    const inner = { $ref: `#/$defs/d${level - 1}` }
    defs[`d${level}`] = { [keyword]: [inner, inner] }
  }
  return { $defs: defs, $ref: `#/$defs/d${levels}` }
}

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

describe('D-31 schemas that mean harm', () => {
  it('an evil regular expression is cut off, and other checks go on meanwhile', async () => {
    const startedAt = performance.now()
    const evil = check(EVIL, EVIL_TEXT)
    const [linear, inWorker] = await Promise.all([check({ type: 'string' }, 'x'), check({ pattern: '^x$' }, 'x')])
    expect([linear, inWorker]).toEqual([[], []])
    expect(await evil).toEqual(TOO_LONG)
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(await check(EVIL, 'aaa')).toEqual([])
  })

  it.each(['allOf', 'anyOf'] as const)('an exponential nest of %s and $ref is cut off', async (keyword) => {
    for (const value of ['x', 1]) {
      expect((await impatient.validate(doubling(30, keyword), value))[0]?.path).toBe('')
    }
    expect(await check(doubling(3, keyword), 'x')).toEqual([])
  })

  it('a $ref that leads to itself is a fault', async () => {
    for (const schema of [
      { $ref: '#' },
      { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' },
    ]) {
      expect(await check(schema, 1)).toHaveLength(1)
    }
  })

  it('a worker that runs out of memory is replaced', async () => {
    const greedy = createSchemaValidator({ timeMs: 5000, maxWorkers: 1 })
    const started = greedy.validate(doubling(24, 'allOf'), 1)
    const next = greedy.validate({ pattern: '^x$' }, 'y')
    expect((await started)[0]?.message).toMatch(/took too (much memory|long)|cannot be applied/)
    expect(await next).toHaveLength(1)
    expect(await greedy.validate({ pattern: '^x$' }, 'x')).toEqual([])
    await greedy.close()
  })

  it('the event loop goes on while schemas are being killed', async () => {
    let lastAt = performance.now()
    let longestMs = 0
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastAt)
      lastAt = performance.now()
    }, 5)
    await Promise.all([EVIL, EVIL, EVIL, EVIL].map((schema) => impatient.validate(schema, EVIL_TEXT)))
    clearInterval(timer)
    expect(longestMs).toBeLessThan(500)
  })

  it('a crowd of slow checks is refused, not gathered', async () => {
    const small = createSchemaValidator({ timeMs: 50, maxWorkers: 1, maxWaiting: 2 })
    const crowd = await Promise.allSettled(Array.from({ length: 10 }, () => small.validate(EVIL, EVIL_TEXT)))
    const refused = crowd.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(8)
    expect(refused[0]?.reason).toMatchObject({ code: 'schema_checks_busy', kind: 'limited' })
    await small.close()
    await expect(small.validate(EVIL, 'a')).rejects.toThrow('closed')
  })

  it('after close, whatever was waiting is answered', async () => {
    const closing = createSchemaValidator()
    const running = [closing.validate(EVIL, EVIL_TEXT), closing.validate(EVIL, EVIL_TEXT), closing.validate(EVIL, 'a')]
    const settled = Promise.allSettled(running)
    await closing.close()
    expect((await settled).every((result) => result.status === 'rejected')).toBe(true)
  })
})

describe('D-31 checks on the event loop are short', () => {
  const wide = Array.from({ length: 2000 }, (_, index) => `key${index}`)

  it.each<[string, object, unknown]>([
    ['many branches', { items: { anyOf: wide.map(() => ({ type: 'null' })) } }, Array(50_000).fill(1)],
    ['a few branches', { items: { anyOf: wide.slice(0, 50).map(() => ({ type: 'null' })) } }, Array(50_000).fill(1)],
    ['long enums', { items: { enum: wide } }, Array(50_000).fill('x')],
    [
      'a long constant',
      { additionalProperties: { const: 'x'.repeat(60_000) } },
      Object.fromEntries(wide.map((key) => [key, 1])),
    ],
    ['many required', { items: { required: wide } }, Array(50_000).fill({})],
    ['nothing allowed', { items: { additionalProperties: false } }, Array(5000).fill({ a: 1, b: 2, c: 3 })],
    [
      'contains in contains',
      { contains: { contains: { contains: { type: 'null' } } } },
      Array(50).fill(Array(50).fill([1, 2])),
    ],
    ['multiples', { items: { multipleOf: 1e-300 } }, Array(5000).fill(1.7e308)],
    ['a deep value', { not: { const: 1 } }, JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))],
  ])('%s', async (_name, schema, value) => {
    await impatient.validate(schema, 1)
    const startedAt = performance.now()
    const outcome = impatient.validate(schema, value)
    expect(performance.now() - startedAt).toBeLessThan(300)
    await outcome.catch(() => {})
  })

  const linear = ['date', 'time', 'date-time', 'duration', 'uuid', 'email', 'hostname', 'ipv4', 'ipv6', 'uri']
  it.each(linear)('the format %s takes time linear in the text', async (format) => {
    const units = [
      '1',
      'a',
      '.',
      ':',
      '-',
      '/',
      '%20',
      'a.',
      '1:',
      'a@',
      '::',
      'P1Y',
      ' ',
      'http://a',
      '2020-01-01T',
      '"\\a',
    ]
    for (const unit of units) {
      for (const [head, tail] of [
        ['', '!'],
        ['http://', '\\'],
        ['"', '@!'],
        ['a@', ' '],
      ]) {
        const text = head + unit.repeat(100_000 / unit.length) + tail
        const startedAt = performance.now()
        await check({ format }, text)
        expect(performance.now() - startedAt, `${format} ${unit}`).toBeLessThan(1000)
      }
    }
  })

  it('a small value by a small schema takes microseconds', async () => {
    const schema = {
      type: 'object',
      properties: { text: { type: 'string', maxLength: 100 }, n: { type: 'integer' } },
      required: ['text'],
    }
    const value = { text: 'translate this', n: 3 }
    for (let run = 0; run < 2000; run += 1) await check(schema, value)
    const startedAt = performance.now()
    for (let run = 0; run < 2000; run += 1) await check(schema, value)
    expect((performance.now() - startedAt) / 2).toBeLessThan(1000)
  })
})
