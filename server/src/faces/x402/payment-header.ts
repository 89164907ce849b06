import type { FastifyRequest } from 'fastify'
import { type Payment, readAuthorization, type SignedAuthorization, settlementRefusals } from '#settlement'
import type { requirementsOf } from './challenge.ts'

/** A payment as a buyer sends it, in either version of x402, whatever it is for. */
export interface SentPayment {
  readonly version: 1 | 2
  readonly authorization: SignedAuthorization
  /** The buyer's own name for it (extension payment-identifier). */
  readonly paymentId: string | null
  readonly payload: Record<string, unknown>
}

type Asked = ReturnType<typeof requirementsOf>

const PAYMENT_ID = /^[A-Za-z0-9_-]{16,128}$/

/** The payment a request carries; undefined when it carries none. Throws when there is one that nobody can read. */
export function paymentIn(request: FastifyRequest): SentPayment | undefined {
  const header = request.headers['payment-signature'] ?? request.headers['x-payment']
  if (typeof header !== 'string' || header === '') return undefined
  const payload = decoded(header)
  const version = payload['x402Version']
  if (version !== 1 && version !== 2)
    throw settlementRefusals.payment_malformed({ fault: 'x402Version is neither 1 nor 2' })
  const authorization = readAuthorization(payload['payload'])
  if (!authorization)
    throw settlementRefusals.payment_malformed({ fault: 'payload is no signed EIP-3009 authorization' })
  return { version, authorization, paymentId: paymentIdIn(payload), payload }
}

/** Why it is no payment for what is asked here; null when it is one (PA-8). */
export function mismatchIn({ version, payload }: SentPayment, asked: Asked, nameInV1: string | null): string | null {
  return version === 1 ? mismatchOfV1(payload, nameInV1) : mismatchOf(recordOf(payload['accepted']), asked)
}

export function paymentFor({ authorization }: SentPayment, asked: Asked): Payment {
  const { scheme, network, asset, payTo, amount, extra } = asked
  const { name, version } = extra
  return {
    authorization,
    accepted: { scheme, network },
    requirements: { scheme, network, asset, payTo, amount: BigInt(amount), name, version },
  }
}

/** Every one of these must be there and be what was asked; a payment for another price or to another wallet is none. */
function mismatchOf(accepted: Record<string, unknown>, asked: Asked): string | null {
  const same = (name: 'payTo' | 'asset') => {
    const value = accepted[name]
    return typeof value === 'string' && value.toLowerCase() === asked[name].toLowerCase()
  }
  if (accepted['scheme'] !== asked.scheme) return 'scheme'
  if (accepted['network'] !== asked.network) return 'network'
  if (accepted['amount'] !== asked.amount) return 'amount'
  if (!same('payTo')) return 'payTo'
  return same('asset') ? null : 'asset'
}

/** The first version repeats only these two; the rest is in what was signed. */
function mismatchOfV1(payload: Record<string, unknown>, name: string | null): string | null {
  if (payload['scheme'] !== 'exact') return 'scheme'
  return payload['network'] === name ? null : 'network'
}

function paymentIdIn(payload: Record<string, unknown>): string | null {
  const extension = recordOf(recordOf(payload['extensions'])['payment-identifier'])
  const id = recordOf(extension['info'])['id']
  if (id === undefined) return null
  if (typeof id === 'string' && PAYMENT_ID.test(id)) return id
  throw settlementRefusals.payment_malformed({ fault: 'the payment id is not 16 to 128 of A-Z a-z 0-9 _ -' })
}

function decoded(header: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw settlementRefusals.payment_malformed({ fault: 'the header is no base64 of a JSON object' })
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
