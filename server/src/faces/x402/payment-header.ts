import type { FastifyRequest } from 'fastify'
import { Refusal } from '#kernel/refusal'
import { parseJsonStrict } from '#platform/json-body'
import { type Facilitators, type Payment, type SignedPayment, settlementRefusals } from '#settlement'
import { type Payee, type Price, requirementsOf } from './challenge.ts'
import { caip2, nameInV1 } from './wire.ts'

/** A payment as a buyer sends it, in either version of x402, whatever it is for. */
export interface SentPayment {
  readonly version: 1 | 2
  /** CAIP-2, as the buyer says; null when he says none. */
  readonly network: string | null
  /** Null: it is for a network on which nothing is settled here. */
  readonly signed: SignedPayment | null
  /** The buyer's own name for it (extension payment-identifier). */
  readonly paymentId: string | null
  readonly payload: Record<string, unknown>
  /** As it came. */
  readonly header: string
}

type Asked = ReturnType<typeof requirementsOf>

const PAYMENT_ID = /^[A-Za-z0-9_-]{16,128}$/

/** The payment a request carries; undefined when it carries none. Throws when there is one that nobody can read. */
export function paymentIn(request: FastifyRequest, facilitators: Pick<Facilitators, 'of'>): SentPayment | undefined {
  const header = request.headers['payment-signature'] ?? request.headers['x-payment']
  if (typeof header !== 'string' || header === '') return undefined
  const payload = decoded(header)
  const version = payload['x402Version']
  if (version !== 1 && version !== 2)
    throw settlementRefusals.payment_malformed({ fault: 'x402Version is neither 1 nor 2' })
  if (typeof payload['payload'] !== 'object' || payload['payload'] === null)
    throw settlementRefusals.payment_malformed({ fault: 'it has no payload' })
  const named = (version === 1 ? payload : recordOf(payload['accepted']))['network']
  const network = typeof named === 'string' ? caip2(named, version) : null
  const facilitator = network === null ? undefined : facilitators.of(network)
  const signed = facilitator ? facilitator.read(payload['payload']) : null
  return { version, network, signed, paymentId: paymentIdIn(payload), payload, header }
}

/** The payment as it answers this price, or why it does not (PA-8). */
export function paymentFor(sent: SentPayment, price: Price): Payment | { readonly mismatch: string } {
  const { version, network, signed, payload } = sent
  const payee = price.payees.find(({ chain }) => chain.network === network)
  if (!payee || !signed) return { mismatch: 'network' }
  const asked = requirementsOf(price, payee)
  const mismatch =
    version === 1 ? mismatchOfV1(payload, asked) : mismatchOf(recordOf(payload['accepted']), asked, payee)
  if (mismatch !== null) return { mismatch }
  const { maxTimeoutSeconds: _, ...requirements } = asked
  const accepted = { scheme: asked.scheme, network: asked.network }
  return { ...signed, accepted, requirements: { ...requirements, amount: price.amount } }
}

/** Every one of these must be there and be what was asked; a payment for another price or to another wallet is none. */
function mismatchOf(accepted: Record<string, unknown>, asked: Asked, { chain }: Payee): string | null {
  const same = (name: 'payTo' | 'asset') => {
    const value = accepted[name]
    return typeof value === 'string' && chain.isSame(value, asked[name])
  }
  if (accepted['scheme'] !== asked.scheme) return 'scheme'
  if (accepted['network'] !== asked.network) return 'network'
  if (accepted['amount'] !== asked.amount) return 'amount'
  if (!same('payTo')) return 'payTo'
  return same('asset') ? null : 'asset'
}

/** The first version repeats only these two; the rest is in what was signed. */
function mismatchOfV1(payload: Record<string, unknown>, asked: Asked): string | null {
  if (payload['scheme'] !== 'exact') return 'scheme'
  return payload['network'] === nameInV1(asked.network) ? null : 'network'
}

function paymentIdIn(payload: Record<string, unknown>): string | null {
  const extension = recordOf(recordOf(payload['extensions'])['payment-identifier'])
  const id = recordOf(extension['info'])['id']
  if (id === undefined) return null
  if (typeof id === 'string' && PAYMENT_ID.test(id)) return id
  throw settlementRefusals.payment_malformed({ fault: 'the payment id is not 16 to 128 of A-Z a-z 0-9 _ -' })
}

/** As strictly as a body: two readers of one header could choose differently too (D-30). */
function decoded(header: string): Record<string, unknown> {
  const value = strictly(Buffer.from(header, 'base64'))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw settlementRefusals.payment_malformed({ fault: 'the header is no base64 of a JSON object' })
}

function strictly(bytes: Uint8Array): unknown {
  try {
    return parseJsonStrict(bytes)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw settlementRefusals.payment_malformed({ fault: `in the decoded header, ${lowerFirst(error.message)}` })
  }
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
