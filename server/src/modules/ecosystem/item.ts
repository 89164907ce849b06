import { createHash } from 'node:crypto'
import { Refusal } from '#kernel/refusal'
import { stripHtml } from '#kernel/text'
import { type CheckedOffer, checkImported, HTTP_METHODS, offerLimits as limits, type OfferDraft } from '#offers'
import { readTarget } from '#platform/outbound/target'
import { checkSchema } from '#platform/strangers-schema/index'
import { isUsdc, isWallet, type KnownNetwork, networkOf } from './networks.ts'

/** One way in which a seller takes money, in words of its own. */
export interface Accepted extends KnownNetwork {
  readonly scheme: string
  readonly amount: string
  readonly payTo: string
}

/** A resource of another market, cleaned and within bounds. */
export interface Item {
  /** Its URL: what it is known by. */
  readonly resource: string
  readonly offer: CheckedOffer
  /** What a buyer would pay by, the networks of this market first. */
  readonly paid: Accepted
  readonly accepts: readonly Accepted[]
  readonly lastUpdated: Date | null
  readonly digest: Buffer
}

/** Why an item is left out; counted, and shown to the operator. */
export type Skipped =
  | 'not an object'
  | 'larger than can be read'
  | 'not of type http'
  | 'no URL that could be called'
  | 'a resource of this market'
  | 'no price in USDC by the scheme exact'
  | 'told of by another source'
  | 'twice on one page'
  | 'not within the limits of offers'

export interface Reading {
  readonly sandbox: boolean
  /** Networks of this market and its USDC on them. */
  readonly ours: readonly KnownNetwork[]
  /** Without a slash at its end; its own resources are not imported. */
  readonly publicUrl: string
}

type Fields = Readonly<Record<string, unknown>>

/** Stands in a page for what no page is small enough for. */
export const TOO_LARGE = Symbol('too large')

/** Reads one item of a Bazaar's list, of either version of x402. A stranger's: never throws, whatever it is. */
export function readItem(item: unknown, reading: Reading): Item | Skipped {
  if (item === TOO_LARGE) return 'larger than can be read'
  const fields = fieldsOf(item)
  if (!fields) return 'not an object'
  if (fields['type'] !== undefined && fields['type'] !== 'http') return 'not of type http'
  const resource = urlOf(fields['resource'], reading)
  if (resource === undefined) return 'no URL that could be called'
  if (resource.startsWith(`${reading.publicUrl}/`)) return 'a resource of this market'
  const accepts = acceptsOf(fields['accepts'])
  const usable = accepts.filter((one) => one.scheme === 'exact' && isUsdc(one, reading.ours))
  const isOurs = ({ network }: Accepted) => reading.ours.some((our) => our.network === network)
  const paid = usable.find(isOurs) ?? usable[0]
  if (!paid) return 'no price in USDC by the scheme exact'
  const draft = draftOf(fields, { resource, price: BigInt(paid.amount) })
  try {
    const offer = checkImported(draft)
    const digest = createHash('sha256')
      .update(JSON.stringify({ ...draft, priceMicros: paid.amount, accepts }))
      .digest()
    return { resource, offer, paid, accepts, lastUpdated: dateOf(fields['lastUpdated']), digest }
  } catch (error) {
    if (error instanceof Refusal) return 'not within the limits of offers'
    throw error
  }
}

function urlOf(text: unknown, { sandbox }: Reading): string | undefined {
  if (typeof text !== 'string' || text.length > limits.urlChars) return undefined
  try {
    // What it leads to is checked again at every call.
    return readTarget(text, sandbox).url.href.split('#', 1)[0]
  } catch {
    return undefined
  }
}

const MAX_ACCEPTS = 20
const SCHEME = /^[\w-]{1,50}$/
const AMOUNT = /^[1-9]\d{0,17}$/

function acceptsOf(list: unknown): Accepted[] {
  if (!Array.isArray(list)) return []
  return list.slice(0, MAX_ACCEPTS).flatMap((entry: unknown) => {
    const { scheme, network: name, amount, maxAmountRequired, asset, payTo } = fieldsOf(entry) ?? {}
    const network = networkOf(name)
    const price = amount ?? maxAmountRequired
    if (network === undefined || typeof scheme !== 'string' || !SCHEME.test(scheme)) return []
    if (typeof price !== 'string' || !AMOUNT.test(price) || !isWallet(network, payTo)) return []
    return isWallet(network, asset) ? [{ scheme, network, amount: price, asset, payTo }] : []
  })
}

function draftOf(item: Fields, { resource, price }: { resource: string; price: bigint }): OfferDraft {
  const [metadata, first] = [fieldsOf(item['metadata']), fieldsOf((item['accepts'] as unknown[])[0])]
  const place = resource.replace(/^https?:\/\//, '').split('?', 1)[0] ?? ''
  const said = (max: number, ...candidates: unknown[]) => firstOf(candidates.map((each) => words(each, max)))
  const title = said(
    ...[limits.title.max, metadata?.['title'], metadata?.['name'], item['serviceName'], item['name']],
    place,
  )
  return {
    title,
    description: said(
      ...[limits.description.max, item['description'], metadata?.['description'], first?.['description']],
      title,
    ),
    category: said(limits.category.max, metadata?.['category'], item['category'], CATEGORY),
    tags: tagsOf(item['tags'] ?? metadata?.['tags']),
    ...{ priceMicros: price, offerType: 'api', endpoint: resource },
    ...callOf(item, first),
  }
}

/** Where a source says nothing of what kind a resource is. */
const CATEGORY = 'ecosystem'

/** By which method it is called and with what, as extension bazaar says; the first version says the method only. */
function callOf(
  item: Fields,
  first: Fields | undefined,
): Pick<OfferDraft, 'httpMethod' | 'inputSchema' | 'outputSchema'> {
  const bazaar = fieldsOf(fieldsOf(item['extensions'])?.['bazaar'])
  const input =
    fieldsOf(fieldsOf(bazaar?.['info'])?.['input']) ?? fieldsOf(fieldsOf(first?.['outputSchema'])?.['input'])
  const named = String(input?.['method'] ?? '').toUpperCase()
  const properties = propertiesOf(bazaar?.['schema'])
  const slots = propertiesOf(properties?.['input'])
  const { queryParams, body } = slots ?? {}
  return {
    httpMethod: HTTP_METHODS.find((method) => method === named) ?? (input?.['bodyType'] === undefined ? 'GET' : 'POST'),
    inputSchema: schemaOf(body ?? queryParams),
    outputSchema: schemaOf(propertiesOf(properties?.['output'])?.['example']),
  }
}

const MAX_SCHEMA_CHARS = 16_384
/** A surrogate alone, as JSON escapes it: no text that could be sent on. */
const HALF_A_CHARACTER = /\\ud[89a-f]/

/** A schema that this market could check by, or none: what it cannot read is no reason to leave the resource out. */
function schemaOf(value: unknown): Fields | null {
  const schema = fieldsOf(value)
  if (!schema || Object.keys(schema).length === 0) return null
  const text = JSON.stringify(schema)
  if (text.length > MAX_SCHEMA_CHARS || HALF_A_CHARACTER.test(text)) return null
  return checkSchema(schema).length === 0 ? schema : null
}

function propertiesOf(schema: unknown): Fields | undefined {
  return fieldsOf(fieldsOf(schema)?.['properties'])
}

const READ_CHARS = 20_000

/** A stranger's words on one line: no markup, nothing that does not show or turns the line around, no more than fits. */
function words(text: unknown, max: number): string {
  if (typeof text !== 'string') return ''
  const clean = stripHtml(text.slice(0, READ_CHARS).toWellFormed())
  const line = clean.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return [...line].slice(0, max).join('').trim()
}

function tagsOf(list: unknown): string[] {
  if (!Array.isArray(list)) return []
  const tags = list.slice(0, 100).map((tag) => words(tag, limits.tag.max))
  return [...new Set(tags.filter((tag) => tag !== ''))].slice(0, limits.tags)
}

function firstOf(texts: readonly string[]): string {
  return texts.find((text) => text !== '') ?? ''
}

function dateOf(value: unknown): Date | null {
  const at = typeof value === 'string' || typeof value === 'number' ? new Date(value) : undefined
  return at && at.getTime() > 0 && at.getFullYear() < 3000 ? at : null
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}
