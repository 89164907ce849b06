import { bytesOf, fromBase64, fromHex } from './bytes.ts'

/** Headers as Node, Fastify, Express or the Fetch API hand them over. */
export type HeaderBag = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

export interface WebhookDelivery {
  /** As it came, before anybody parsed it: the signature is over its bytes. */
  readonly body: string | Uint8Array
  readonly headers: HeaderBag
  /** `whsec_…`; several while rotating. */
  readonly secret: string | readonly string[]
  /** How old a delivery may be; five minutes unless said. */
  readonly toleranceSeconds?: number
}

export interface WebhookEvent {
  /** Stable over repetitions: keep it, and drop what you have seen. */
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly data: unknown
  /** All there is. */
  readonly body: Readonly<Record<string, unknown>>
}

/** This was not sent by who has the secret, or not now. Answer 400 and forget it. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
}

const TOLERANCE_SECONDS = 300
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/
const MAX_SIGNATURES = 16

/** Standard Webhooks 1.0.0, which Souk puts on every delivery. Signatures are compared in constant time. Throws `WebhookError`. */
export async function verifyWebhook(delivery: WebhookDelivery): Promise<WebhookEvent> {
  const { headers, secret, toleranceSeconds = TOLERANCE_SECONDS } = delivery
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => {
    const value = headerIn(headers, name)
    if (value === undefined) throw new WebhookError(`the header ${name} is missing`)
    return value
  }) as [string, string, string]
  const age = Date.now() / 1000 - Number(timestamp)
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(age) > toleranceSeconds)
    throw new WebhookError('it was not sent just now: somebody may have kept it')
  const body = bytesIn(delivery.body)
  const signed = joined(bytesOf(`${id}.${timestamp}.`), body)
  const given = signatures.split(' ').flatMap((each) => (each.startsWith('v1,') ? [base64In(each.slice(3))] : []))
  const keys = (typeof secret === 'string' ? [secret] : secret).map(keyOf)
  for (const key of keys)
    for (const signature of given.slice(0, MAX_SIGNATURES))
      if (signature && (await isHmac(key, { signature, of: signed }))) return eventOf(id, body)
  throw new WebhookError('no signature on it was made with this secret')
}

export interface JustPayAIDelivery {
  readonly body: string | Uint8Array
  /** `X-JustPayAI-Signature` */
  readonly signature: string
  /** The whole secret as text, `whsec_` included. */
  readonly secret: string
}

/**
 * The contract's own signature: hex HMAC-SHA256 of the body, compared in constant time. It covers neither id nor time, so whoever
 * has seen a delivery can send it again; prefer `verifyWebhook`, for which every delivery is signed as well.
 */
export async function verifyJustPayAISignature({ body, signature, secret }: JustPayAIDelivery): Promise<boolean> {
  const given = fromHex(signature.trim())
  return given !== undefined && isHmac(bytesOf(secret), { signature: given, of: bytesIn(body) })
}

type Bytes = Uint8Array<ArrayBuffer>

/** WebCrypto compares in constant time. */
async function isHmac(secret: Bytes, { signature, of }: { signature: Bytes; of: Bytes }): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  return crypto.subtle.verify('HMAC', key, signature, of)
}

function keyOf(secret: string): Bytes {
  const [, base64] = SECRET.exec(secret) ?? []
  if (base64 === undefined) throw new TypeError('a webhook secret is "whsec_" and base64')
  return fromBase64(base64)
}

function eventOf(id: string, bytes: Bytes): WebhookEvent {
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new WebhookError('it is signed, but is no JSON')
  }
  const { type, timestamp, data } = body as Record<string, unknown>
  return { id, type: String(type), timestamp: String(timestamp), data, body: body as Record<string, unknown> }
}

function headerIn(headers: HeaderBag, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const value = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1]
  return typeof value === 'string' ? value : value?.join(' ')
}

function base64In(text: string): Bytes | undefined {
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}

function bytesIn(body: string | Uint8Array): Bytes {
  return typeof body === 'string' ? bytesOf(body) : (body.slice() as Bytes)
}

function joined(one: Bytes, other: Bytes): Bytes {
  const all = new Uint8Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}
