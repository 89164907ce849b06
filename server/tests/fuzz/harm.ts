import type { Dice } from '#tests/crash/dice'

const LONG_TEXT = 'z'.repeat(6000)

/** Values that some reader somewhere gets wrong. Built anew at every use, since a body is changed in place. */
const ODD_VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => '',
  () => ' ',
  () => 'null',
  () => -1,
  () => 0,
  () => -0,
  () => 1.5,
  () => 0.1,
  () => 1e21,
  () => Number.MAX_SAFE_INTEGER,
  () => -Number.MAX_SAFE_INTEGER,
  () => '9007199254740993',
  () => '-5',
  () => '1e6',
  () => '0x10',
  () => '007',
  () => '١٢٣',
  () => ' 5000000 ',
  () => '99999999999999999999999999',
  () => [],
  () => {
    return {}
  },
  () => [[[[]]]],
  () => [5_000_000],
  () => ({ amount: 5 }),
  () => LONG_TEXT,
  () => 'emoji 👩‍👩‍👧‍👦, zero\u200bwidth, right\u202eto left, bell\u0007',
  () => "'; drop table orders; --",
  () => '../../../etc/passwd',
  () => '{{7*7}}<%= 7*7 %>',
  () => '%s%n%x',
  () => '<script>alert(1)</script>',
  () => '00000000-0000-0000-0000-000000000000',
  () => '2026-02-30T25:61:61Z',
  () => ({ constructor: { prototype: { polluted: true } } }),
  () => ({ toString: 1, valueOf: 2, hasOwnProperty: 3 }),
  () => ({ $ref: '#' }),
  () => Array.from({ length: 500 }, (_, n) => n),
  () => Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n])),
]

const ODD_NAMES = [
  'role',
  'balance',
  'agentId',
  'feeBps',
  'id',
  'constructor',
  'prototype',
  'toString',
  '',
  ' ',
  'a.b',
  '$where',
  'é',
]

/** Changes one place of a body into something else, in place; answers the body. */
export function spoil(body: unknown, dice: Dice): unknown {
  const way = dice.weighted({ replace: 6, leaveOut: 2, add: 2, wrap: 1, whole: 1 })
  if (way === 'whole' || typeof body !== 'object' || body === null) return dice.pick(ODD_VALUES)()
  if (way === 'wrap') return [body]
  const place = somewhere(body as Container, dice)
  if (way === 'add') place[dice.pick(ODD_NAMES)] = dice.pick(ODD_VALUES)()
  else {
    const names = Object.keys(place)
    if (names.length === 0) return body
    const name = dice.pick(names)
    if (way === 'leaveOut') delete place[name]
    else place[name] = dice.pick(ODD_VALUES)()
  }
  return body
}

type Container = Record<string, unknown>

function somewhere(root: Container, dice: Dice): Container {
  let place = root
  while (dice.chance(0.35)) {
    const inner = Object.values(place).filter((value) => typeof value === 'object' && value !== null)
    if (inner.length === 0) return place
    place = dice.pick(inner) as Container
  }
  return place
}

const MEGABYTES = 10 * 1024 * 1024

/** Text that is no JSON, or JSON that two readers could read differently. */
const BREAKS: Readonly<Record<string, (json: string, dice: Dice) => string | Uint8Array>> = {
  truncated: (json, dice) => json.slice(0, dice.int(0, Math.max(0, json.length - 1))),
  doubled: (json) => json + json,
  'trailing comma': (json) => json.replace(/}$/, ',}'),
  'single quotes': (json) => json.replaceAll('"', "'"),
  'duplicate key': (json) => json.replace(/^\{("(?:[^"\\]|\\.)*"):/, '{$1:0,$1:'),
  'escaped duplicate key': (json) =>
    json.replace(/^\{"(.)/, (_, first) => `{"\\u00${first.charCodeAt(0).toString(16)}`),
  'number too large': (json) => json.replace(/\d+/, '9007199254740993'),
  'number with an exponent': (json) => json.replace(/\d+/, '5e6'),
  'number beyond every double': (json) => json.replace(/\d+/, '1e999'),
  'a very long number': (json) => json.replace(/\d+/, '1'.repeat(3000)),
  'a fraction': (json) => json.replace(/\d+/, '5000000.0000000000000001'),
  'minus zero': (json) => json.replace(/\d+/, '-0'),
  'NaN instead of a number': (json) => json.replace(/\d+/, 'NaN'),
  'a NUL': (json) => json.replace(/"([^"\\]*)"(?=[,}])/, '"$1\\u0000"'),
  'a lone surrogate': (json) => json.replace(/"([^"\\]*)"(?=[,}])/, '"$1\\ud800"'),
  'bytes that are not UTF-8': (json) =>
    Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0xff, 0xfe, 0x7d])]),
  'a byte order mark': (json) => `\ufeff${json}`,
  'a prototype key': (json) => json.replace(/^\{/, '{"__proto__":{"polluted":true},'),
  'deep nesting': (_, dice) => `${'{"a":'.repeat(dice.int(60, 4000))}1${'}'.repeat(100)}`,
  'deep arrays': (_, dice) => '['.repeat(dice.int(60, 100_000)),
  'deep but closed': (_, dice) => nested(dice.int(30, 3000)),
  'no JSON at all': () => 'amount=5000000&to=me',
  nothing: () => '',
  'only spaces': () => '   ',
}

export type Break = keyof typeof BREAKS & string

export function breakText(json: string, dice: Dice): string | Uint8Array {
  const way = dice.pick(Object.keys(BREAKS))
  return BREAKS[way]?.(json, dice) ?? json
}

export function tooLarge(dice: Dice): Uint8Array {
  const filled = Buffer.alloc(MEGABYTES, dice.pick(['a', '[', ' ', '0']))
  filled.write('{"name":"')
  return filled
}

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

/** Path segments that are no id of anything. */
export const ODD_SEGMENTS: readonly string[] = [
  ...[
    'me',
    'null',
    'undefined',
    '0',
    '-1',
    '1',
    '%20',
    '%00',
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e',
    '%F0%28%8C%28',
    '%ff',
  ],
  ...[
    '%E2%9C%93',
    'x'.repeat(190),
    'x'.repeat(300),
    "'%20or%20'1'%3D'1",
    '{id}',
    '__proto__',
    'constructor',
    '[object%20Object]',
  ],
  ...[
    '00000000-0000-0000-0000-000000000000',
    '019d1111-1111-7111-8111-11111111111',
    '019D1111-1111-7111-8111-111111111111',
  ],
  ...[
    '%7B019d1111-1111-7111-8111-111111111111%7D',
    '019d1111111171118111111111111111',
    ';',
    'a;b',
    '%zz',
    '%',
    '*',
    '~',
    '@',
  ],
]

export const ODD_QUERY: readonly string[] = [
  ...[
    'page=0',
    'page=-1',
    'page=1.5',
    'page=1e3',
    'page=',
    'page',
    'page=99999999999999999999',
    'page=1&page=2',
    'page[]=1',
  ],
  ...[
    'limit=0',
    'limit=101',
    'limit=NaN',
    'limit=%00',
    'page[a]=1',
    '__proto__[a]=1',
    'constructor=1',
    'unknown=1',
    '&&&',
    '=1',
  ],
  ...[
    'search=%ff',
    'search=%00',
    'search=%E2%9C%93',
    `search=${'w%20'.repeat(800)}`,
    "search='%26%7C!()",
    'search=%25_%5C',
    'tags=,,,',
  ],
  ...[
    'sortBy=constructor',
    'status=nothing',
    'type=drop',
    'state=pending&state=failed',
    'recipient=x',
    'minPrice=-1',
    'maxPrice=1e9',
  ],
  ...[
    'minPrice=5&maxPrice=1',
    'all=true',
    'all=maybe',
    'role=client&status=completed',
    'name=%00',
    'event=%F0%28%8C%28',
    '%zz=1',
    '?',
  ],
]

/** Headers that are odd and yet within what HTTP allows. */
export const ODD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { 'idempotency-key': 'a-key-of-the-fuzzer-000001' },
  { 'idempotency-key': '"a-key-of-the-fuzzer-000001"' },
  { 'idempotency-key': '' },
  { 'idempotency-key': 'k'.repeat(256) },
  { 'idempotency-key': 'two words' },
  { 'x-idempotency-key': 'another-key-of-the-fuzzer' },
  { 'x-request-id': 'r'.repeat(500) },
  { 'x-request-id': '<script>' },
  { 'x-api-key': '' },
  { 'x-filler': 'f'.repeat(9000) },
  { accept: 'application/problem+json' },
  { accept: 'text/html' },
  { 'accept-encoding': 'br;q=nonsense' },
  { 'x-forwarded-for': '10.0.0.1, ::1, nonsense' },
  { 'x-forwarded-host': 'evil.invalid' },
  { 'x-http-method-override': 'DELETE' },
  { 'content-encoding': 'gzip' },
  { cookie: 'session=%00; __proto__=1' },
  { origin: 'https://evil.invalid' },
  { range: 'bytes=0-1' },
  { 'if-none-match': '*' },
]

export const ODD_CONTENT_TYPES: readonly string[] = [
  ...[
    'text/plain',
    'text/html',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ],
  ...[
    'application/json; charset=utf-16',
    'application/json; charset=nonsense',
    'application/problem+json',
    'APPLICATION/JSON',
  ],
  ...[
    'application/json;',
    'json',
    '/',
    '',
    'application/octet-stream',
    'application/json, text/plain',
    `text/${'t'.repeat(300)}`,
  ],
]
