import fc from 'fast-check'
import type { Dice } from '#tests/crash/dice'
import type { Stock } from './stock.ts'
import type { JsonSchema } from './wire-contract.ts'

export interface Surroundings {
  readonly dice: Dice
  readonly stock: Stock
  /** Somebody who answers. */
  readonly receiverUrl: string
  /** Addresses and secrets of wallets outside the market. */
  readonly wallets: readonly { readonly address: string; readonly secretKey: string }[]
}

type Maker = (around: Surroundings) => unknown

const SMALL_SCHEMAS = [
  ...Array.from({ length: 8 }, () => ({ type: 'object' })),
  { type: 'object', properties: { text: { type: 'string', maxLength: 20 } }, required: ['text'] },
  { type: 'object', additionalProperties: false, properties: { n: { type: 'integer', minimum: 0 } } },
  { type: 'array', items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'string' } } },
  { type: 'string', pattern: '^(a+)+$' },
  { $ref: 'http://169.254.169.254/latest' },
  { $ref: '#' },
  true,
]

/** Nobody answers at these, and some are not allowed. */
const ODD_URLS = [
  'http://127.0.0.1:9/hook',
  'http://[::1]:9/',
  'https://nobody.invalid/hook',
  'ftp://127.0.0.1/',
  'javascript:1',
]

/** Names whose meaning the schema does not tell. */
const BY_NAME: Readonly<Record<string, Maker>> = {
  serviceId: ({ dice, stock }) => stock.id(dice, 'service'),
  address: ({ dice, wallets }) => dice.pick(wallets).address,
  emergencyAddress: ({ dice, wallets }) => dice.pick(wallets).address,
  to: ({ dice, wallets }) => dice.pick(wallets).address,
  secretKey: ({ dice, wallets }) => dice.pick(wallets).secretKey,
  network: ({ dice }) => (dice.chance(0.9) ? 'solana' : 'base'),
  callbackUrl: ({ dice, receiverUrl }) => (dice.chance(0.7) ? `${receiverUrl}/hook` : dice.pick(ODD_URLS)),
  avatarUrl: ({ dice, receiverUrl }) => (dice.chance(0.7) ? `${receiverUrl}/me.png` : dice.pick(ODD_URLS)),
  walletAddress: ({ dice }) => `0x${Array.from({ length: 40 }, () => dice.int(0, 15).toString(16)).join('')}`,
  agentUrl: ({ dice, receiverUrl }) => (dice.chance(0.7) ? `${receiverUrl}/agent` : dice.pick(ODD_URLS)),
  endpoint: ({ dice, receiverUrl }) => (dice.chance(0.8) ? `${receiverUrl}/call?key=k` : dice.pick(ODD_URLS)),
  fileUrl: ({ dice, receiverUrl }) => (dice.chance(0.8) ? `${receiverUrl}/file` : dice.pick(ODD_URLS)),
  externalUrl: ({ dice, receiverUrl }) => (dice.chance(0.8) ? `${receiverUrl}/about` : dice.pick(ODD_URLS)),
  websiteUrl: ({ dice, receiverUrl }) => (dice.chance(0.7) ? `${receiverUrl}/me` : dice.pick(ODD_URLS)),
  inputSchema: ({ dice }) => dice.pick(SMALL_SCHEMAS),
  outputSchema: ({ dice }) => dice.pick(SMALL_SCHEMAS),
  input: ({ dice }) => dice.pick([{}, {}, {}, { text: 'hello' }, { n: 3 }, 'text', null, ['a']]),
  output: ({ dice }) => dice.pick([{}, {}, {}, { text: 'done' }, { n: 1 }, 'text', null]),
  exampleInput: ({ dice }) => dice.pick([{}, { text: 'hello' }, null]),
  exampleOutput: ({ dice }) => dice.pick([{}, { text: 'done' }, null]),
  amount: ({ dice }) => dice.pick<unknown>([5_000_000, '5000000', dice.int(0, 20_000_000), 1, 0, '7654321']),
  pricePerJob: ({ dice }) => dice.pick<unknown>([dice.int(1, 2_000_000), String(dice.int(1, 2_000_000)), 1]),
  minClientTrustScore: ({ dice }) => (dice.chance(0.9) ? 0 : 1),
  expiresAt: ({ dice }) => new Date(Date.now() + dice.int(-10, 1e7) * 1000).toISOString(),
  advanceSecs: ({ dice }) => dice.pick([0, 1, 2, 3, 60]),
}

/** Something this schema takes, or nearly: what a caller sends who has read the reference. */
export function valueFor(schema: JsonSchema, name: string, around: Surroundings): unknown {
  const { dice } = around
  const known = BY_NAME[name]
  if (known && dice.chance(0.95)) return known(around)
  if ('const' in schema) return schema.const
  if (schema.enum) return dice.pick(schema.enum)
  if (schema.anyOf) return valueFor(dice.pick(schema.anyOf), name, around)
  const type = typeof schema.type === 'string' ? schema.type : dice.pick(schema.type ?? ['object', 'string', 'null'])
  if (type === 'null') return null
  if (type === 'boolean') return dice.chance(0.5)
  if (type === 'integer') return wholeNumber(schema, dice)
  if (type === 'number') return (schema.minimum ?? 0) + dice.int(0, 100) / 100
  if (type === 'string') return textFor(schema, around)
  if (type === 'array') {
    const length = dice.int(schema.minItems ?? 0, Math.min(schema.maxItems ?? 3, 3))
    const items = Array.from({ length }, () => valueFor(schema.items ?? {}, name, around))
    return schema['uniqueItems'] === true ? [...new Set(items)] : items
  }
  return objectFor(schema, around)
}

function objectFor({ properties = {}, required = [] }: JsonSchema, around: Surroundings): Record<string, unknown> {
  const wanted = Object.entries(properties).filter(([name]) => required.includes(name) || around.dice.chance(0.4))
  return Object.fromEntries(wanted.map(([name, schema]) => [name, valueFor(schema, name, around)]))
}

function wholeNumber({ minimum = 0, maximum = 1_000_000 }: JsonSchema, dice: Dice): number {
  const largest = Math.min(maximum, Number.MAX_SAFE_INTEGER)
  return dice.pick([minimum, largest, dice.int(minimum, Math.min(largest, minimum + 50))])
}

const WORDS = [
  'text',
  'a word and another',
  'Ünïcödé ✓',
  'x'.repeat(60),
  '<b>bold</b>',
  '日本語の説明文です、十分な長さ',
]

function textFor(
  { pattern, format, minLength = 0, maxLength = 200 }: JsonSchema,
  { dice, stock }: Surroundings,
): string {
  if (format === 'uuid') return stock.id(dice, null)
  if (format === 'date-time') return new Date(Date.now() + dice.int(-1e6, 1e6) * 1000).toISOString()
  if (format === 'email') return `someone${dice.int(1, 1000)}@nobody.invalid`
  if (pattern !== undefined) return matching(pattern, { dice, minLength, maxLength })
  const word = dice.chance(0.1) ? 'y'.repeat(maxLength) : dice.pick(WORDS)
  return word.padEnd(minLength, '.').slice(0, maxLength)
}

function matching(
  pattern: string,
  { dice, minLength, maxLength }: { dice: Dice; minLength: number; maxLength: number },
) {
  const arbitrary = fc.stringMatching(new RegExp(pattern), { size: 'small' })
  const found = fc.sample(arbitrary, { seed: dice.int(1, 2 ** 30), numRuns: 4 })
  return found.find(({ length }) => length >= minLength && length <= maxLength) ?? `agent_${dice.int(1, 1e9)}`
}
