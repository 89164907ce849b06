import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJsonStrict } from './json-body.ts'

function refusalOf(body: string | Uint8Array): { code: string; where: unknown } | undefined {
  try {
    parseJsonStrict(body)
    return undefined
  } catch (error) {
    const { code, kind, details } = error as { code: string; kind: string; details: Record<string, unknown> }
    expect(kind).toBe('invalid')
    return { code, where: details['where'] }
  }
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('D-30 strict JSON', () => {
  it.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"a":1,"b":{"c":[{"d":1,"d":1}]}}', '/b/c/0/d'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['{"amount":5, "x":"\\"}{", "amount" : 6}', '/amount'],
    ['{"":1,"":2}', '/'],
    ['[[],{"a/b":{},"a/b":{}}]', '/1/a~1b'],
    ['{"constructor":1,"constructor":2}', '/constructor'],
  ])('refuses the duplicate key in %s', (text, where) => {
    expect(refusalOf(text)).toEqual({ code: 'duplicate_key', where })
  })

  it.each([
    '{"a":1,"A":2}',
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":1}}}',
    '{"a":"a","b":"a"}',
    '{"a":["a","a",{"a":1}],"b":1}',
    '{"hasOwnProperty":1,"toString":2,"constructor":{"prototype":3}}',
  ])('finds no duplicate in %s', (text) => {
    expect(parseJsonStrict(text)).toEqual(JSON.parse(text))
  })

  it.each([
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '1e400',
    '-1e400',
    '1e-400',
    '0.10000000000000000000001',
    '9007199254740993.0',
    '0.1e-400',
    '123456789012345678901234567890',
    '1.00000000000000000000000000000000000001',
    '1e99999999999999999999',
    '0.30000000000000004e-1',
    `1${'0'.repeat(500)}`,
    `0.${'0'.repeat(200_000)}1`,
  ])('refuses the number %s', (literal) => {
    expect(refusalOf(`{"a":[1,${literal}]}`)).toEqual({ code: 'number_not_exact', where: '/a/1' })
    expect(refusalOf(literal)).toEqual({ code: 'number_not_exact', where: 'the body' })
  })

  it.each([
    ...[
      '0',
      '-0',
      '0.0',
      '0e9',
      '0.000e-999',
      '1',
      '-1',
      '0.1',
      '1.10',
      '1e3',
      '1E+3',
      '1.5e-7',
      '0.30000000000000004',
    ],
    ...[
      '9007199254740991',
      '-9007199254740991',
      '1e20',
      '1e22',
      '5e-324',
      '1.7976931348623157e308',
      '0.10000000000000',
    ],
    ...['1000000.000001', '123456789.123456', '1.0000000000000000000000', '1000000000000000.00', '-273.15'],
  ])('keeps the number %s', (literal) => {
    expect(parseJsonStrict(literal)).toBe(Number(literal))
  })

  it.each([
    ['"\\u0000"', 'the body'],
    ['{"a":["x","\\u0000"]}', '/a/1'],
    ['{"a\\u0000":1}', '/a'],
    ['{"a":"\\ud800"}', '/a'],
    ['{"a":"\\udc00\\ud800"}', '/a'],
    ['{"a":"\ud800"}', 'the body'],
    ['"\udfff"', 'the body'],
    ['{"__proto__":1}', '/__proto__'],
    ['{"a":{"__proto__":{"admin":true}}}', '/a/__proto__'],
    ['{"__pr\\u006fto__":1}', '/__proto__'],
  ])('refuses the text in %j', (text, where) => {
    expect(refusalOf(text)).toEqual({ code: 'text_not_allowed', where })
  })

  it.each(['"\\u0001"', '"\\ud83d\\ude00"', '"😀"', '{"k":"__proto__"}', '"\\\\u0000"', '"\\"\\\\"', '{"\\n":"\\/"}'])(
    'keeps the text in %s',
    (text) => {
      expect(parseJsonStrict(text)).toEqual(JSON.parse(text))
    },
  )

  it.each(['', ' ', '{', '{"a":1}x', '1 2', "{'a':1}", '{"a":1,}', '[1,]', '01', '1.', '.5', '+1', 'NaN', 'undefined'])(
    'refuses %j as malformed',
    (text) => {
      expect(refusalOf(text)?.code).toBe('malformed_json')
    },
  )

  it.each(['"\0"', '"\n"', '{"a" 1}', '"\\x"', '"\\u12"', '\ufeff{}', '// c\n1', '[1}', '1e', '--1', '"abc'])(
    'refuses %j as malformed too',
    (text) => {
      expect(refusalOf(text)?.code).toBe('malformed_json')
    },
  )

  it('refuses more than 64 levels, however deep, and keeps 64', () => {
    expect(refusalOf(nested(65))?.code).toBe('too_deep')
    expect(refusalOf(`{"a":${nested(64)}}`)?.code).toBe('too_deep')
    expect(refusalOf(nested(100_000))?.code).toBe('too_deep')
    expect(parseJsonStrict(nested(64))).toBeDefined()
    expect(parseJsonStrict(`[${'[],{},'.repeat(1000)}1]`)).toHaveLength(2001)
  })

  it('reads bytes, which must be UTF-8', () => {
    expect(parseJsonStrict(new TextEncoder().encode('{"a":"€😀"}'))).toEqual({ a: '€😀' })
    expect(refusalOf(Uint8Array.of(0x22, 0xff, 0x22))?.code).toBe('text_not_allowed')
    expect(refusalOf(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))?.code).toBe('text_not_allowed')
  })

  it('says what to do', () => {
    expect(() => parseJsonStrict('{"amount":9007199254740993}')).toThrow(
      'The number at /amount cannot be held exactly.',
    )
    expect(() => parseJsonStrict('{"a":}')).toThrow('The body is not JSON: Unexpected token')
  })
})

describe('D-30 strict JSON, for any value', () => {
  it('what JSON.stringify writes is read back unchanged, integers beyond 2^53-1 apart', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        if (/\\u0000|\\ud[89a-f]|"__proto__":|\d{16}/.test(text)) return
        expect(parseJsonStrict(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })

  it('it takes no text that JSON.parse refuses, and never reads another value', () => {
    const piece = fc.constantFrom(...'{}[]:,"\\0123.eE+- atu', '"a"', '"a":', '"\\u0061":', 'true', 'null', '1.5')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const refusal = refusalOf(text)
        if (refusal === undefined) expect(parseJsonStrict(text)).toEqual(JSON.parse(text))
        else if (refusal.code !== 'malformed_json') expect(() => JSON.parse(text)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  it('a number that passes prints as the decimal it was written as', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.boolean(), digits, digits, (isNegative, whole, fraction) => {
        const literal = `${isNegative ? '-' : ''}${BigInt(whole)}.${fraction}`
        const refusal = refusalOf(literal)
        const scaled = BigInt(literal.replace('.', ''))
        const printed = toScaled(Number(literal), fraction.length)
        if (refusal === undefined) expect(printed).toBe(scaled)
        else expect(printed).not.toBe(scaled)
      }),
      { numRuns: 1000 },
    )
  })

  it('every duplicate is found, at any depth and in any spelling', () => {
    const key = fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text !== '__proto__')
    const wrap = fc.constantFrom(
      (text: string) => `[1,${text}]`,
      (text: string) => `{"w":${text},"z":0}`,
    )
    fc.assert(
      fc.property(key, fc.array(wrap, { maxLength: 5 }), (name, wraps) => {
        const escaped = [...name].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
        const inner = `{${JSON.stringify(name)}:1,"other key":[],"${escaped}":2}`
        expect(refusalOf(wraps.reduce((text, around) => around(text), inner))?.code).toBe('duplicate_key')
      }),
    )
  })
})

/** `String(number)` × 10^scale as an integer; null when digits would be lost. */
function toScaled(number: number, scale: number): bigint | null {
  const [mantissa = '', exponent = '0'] = String(number).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = Number(exponent) - fraction.length + scale
  const digits = BigInt(whole + fraction)
  if (shift >= 0) return digits * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return digits % divisor === 0n ? digits / divisor : null
}
