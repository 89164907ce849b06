import type { Offer } from '#offers'
import type { SchemaValidator } from '#platform/strangers-schema/index'
import { exampleOf } from './example.ts'

/** What of an offer the extension tells. */
export type Discoverable = Pick<Offer, 'id' | 'httpMethod' | 'offerType' | 'inputSchema' | 'outputSchema' | 'updatedAt'>

/** Extension `bazaar` of x402: how a resource is called, and the schema that `info` keeps to. */
export interface BazaarExtension {
  readonly info: { readonly input: object; readonly output?: object }
  readonly schema: object
}

export interface Bazaar {
  /** Complete, for lists. */
  extensionOf(offer: Discoverable): Promise<BazaarExtension>
  /** For the header of a 402, which clients send back: without the schemas where these are long. */
  briefOf(offer: Discoverable): Promise<BazaarExtension>
}

/** Header lines of more than 8 kB are refused by many a proxy, and the extensions are not all that stands in this one. */
const BRIEF_BYTES = 2048
const KEPT = 2000

/** Makes the extension of an offer once for as long as the offer stays as it is. */
export function createBazaar(validator: Pick<SchemaValidator, 'validate'>): Bazaar {
  const kept = new Map<string, Promise<BazaarExtension>>()
  const extensionOf = (offer: Discoverable) => {
    const key = `${offer.id} ${offer.updatedAt.getTime()}`
    const known = kept.get(key)
    if (known) return known
    const made = extensionFor(offer, validator)
    made.catch(() => kept.delete(key))
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value ?? '')
    kept.set(key, made)
    return made
  }
  return {
    extensionOf,
    briefOf: async (offer) => {
      const whole = await extensionOf(offer)
      if (JSON.stringify(whole).length <= BRIEF_BYTES) return whole
      const { id, httpMethod, offerType, updatedAt } = offer
      return extensionFor({ id, httpMethod, offerType, updatedAt, inputSchema: null, outputSchema: null }, validator)
    },
  }
}

async function extensionFor(
  { httpMethod, offerType, inputSchema, outputSchema }: Discoverable,
  validator: Pick<SchemaValidator, 'validate'>,
): Promise<BazaarExtension> {
  // We are asked by GET or POST, whatever the seller is asked by.
  const inQuery = httpMethod === 'GET' || httpMethod === 'DELETE'
  const slot = inQuery ? 'queryParams' : 'body'
  const example = await goodExample(inputSchema ?? { type: 'object' }, validator)
  const words = { type: 'http', method: inQuery ? 'GET' : 'POST' }
  const input = inQuery
    ? { ...words, ...(example === undefined ? {} : { queryParams: example }) }
    : { ...words, bodyType: 'json', body: example ?? {} }
  // A body must be shown. Where no example could be thought of an empty one stands for it, and the schema lets it pass.
  const isEmpty = !inQuery && example === undefined
  const asked = moved(
    inputSchema ?? { type: 'object' },
    `#/properties/input/properties/${slot}${isEmpty ? '/anyOf/0' : ''}`,
  )
  const properties = {
    type: { type: 'string', const: 'http' },
    method: { type: 'string', enum: [words.method] },
    ...(inQuery ? {} : { bodyType: { type: 'string', enum: ['json'] } }),
    [slot]: isEmpty ? { anyOf: [asked, { const: {} }] } : asked,
  }
  const required = ['type', 'method', ...(inQuery ? [] : ['bodyType', 'body'])]
  const returned = offerType === 'download' ? FILE : outputSchema
  return {
    info: { input, ...(returned === null ? {} : { output: { type: 'json' } }) },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        input: { type: 'object', properties, required, additionalProperties: false },
        ...(returned === null ? {} : { output: outputOf(returned) }),
      },
      required: ['input'],
    },
  }
}

/** What the buyer of a download is answered (PA-33). */
const FILE = {
  type: 'object',
  properties: { receiptId: { type: 'string' }, fileUrl: { type: 'string' }, txHash: { type: 'string' } },
}

function outputOf(schema: object): object {
  const example = moved(schema, '#/properties/output/properties/example')
  return { type: 'object', properties: { type: { type: 'string' }, example }, required: ['type'] }
}

async function goodExample(
  schema: Record<string, unknown>,
  validator: Pick<SchemaValidator, 'validate'>,
): Promise<object | undefined> {
  const example = exampleOf(schema)
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return undefined
  const faults = await validator.validate(schema, example).catch(() => [{}])
  return faults.length === 0 ? example : undefined
}

/** Data, not schemas: what looks like a reference in there is none. */
const DATA = new Set(['const', 'enum', 'default', 'example', 'examples'])

/** A schema as a part of another: its references lead on to where they led. */
function moved(schema: object, to: string): object {
  const { $schema: _draft, $id: _name, ...words } = schema as Record<string, unknown>
  return relocated(words, to) as object
}

function relocated(value: unknown, to: string): unknown {
  if (Array.isArray(value)) return value.map((each) => relocated(each, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      if (DATA.has(name)) return [name, part]
      const isReference = name === '$ref' && typeof part === 'string' && /^#(\/|$)/.test(part)
      return [name, isReference ? to + part.slice(1) : relocated(part, to)]
    }),
  )
}

const [MAX_TAGS, MAX_CHARS] = [5, 32]

/** What the standard lets a resource say of itself: 32 printable ASCII characters, five tags of as many. */
export function metadataOf({ title, tags }: Pick<Offer, 'title' | 'tags'>): { serviceName?: string; tags?: string[] } {
  const serviceName = plain(title).slice(0, MAX_CHARS).trim()
  const plainTags = tags.filter((tag) => tag === plain(tag) && tag.length <= MAX_CHARS).slice(0, MAX_TAGS)
  return {
    ...(serviceName === '' ? {} : { serviceName }),
    ...(plainTags.length === 0 ? {} : { tags: plainTags }),
  }
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/ +/g, ' ')
    .trim()
}
