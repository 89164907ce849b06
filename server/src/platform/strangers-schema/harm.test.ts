import { afterAll, describe, expect, it } from 'vitest'
import { createSchemaValidator } from './index.ts'

const validator = createSchemaValidator()
/** For schemas that are to be cut off anyway. */
const impatient = createSchemaValidator({ timeMs: 50 })
afterAll(async () => {
  await validator.close()
  await impatient.close()
})

const check = (schema: unknown, value: unknown) => validator.validate(schema, value)

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
    // Every fault repeats the constant: more than a gigabyte of them.
    const schema = { items: { const: 'x'.repeat(60_000) }, uniqueItems: true }
    const started = greedy.validate(schema, Array(20_000).fill(1))
    const next = greedy.validate({ pattern: '^x$' }, 'y')
    expect((await started)[0]?.message).toBe('the schema took too much memory to check')
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
