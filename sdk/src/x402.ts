import { bytesOf, fromBase64, textOf, toBase64 } from './bytes.ts'

/** One way to pay, as a server asks for it (x402 v2, an entry of `accepts`). */
export interface Requirement {
  readonly scheme: string
  /** CAIP-2 */
  readonly network: string
  /** In the token's smallest units. */
  readonly amount: string
  readonly asset: string
  readonly payTo: string
  readonly maxTimeoutSeconds: number
  readonly extra?: Readonly<Record<string, unknown>>
}

export interface Challenge {
  readonly resource: unknown
  readonly accepts: readonly Requirement[]
  readonly extensions: Readonly<Record<string, unknown>>
}

/** What a server says became of a payment. */
export interface Settled {
  readonly success: boolean
  readonly transaction: string
  readonly network: string
  readonly errorReason?: string
}

export const PAYMENT_IDENTIFIER = 'payment-identifier'
/** A server's extensions are sent back to it unless they would fill the header that servers read. */
const MAX_HEADER_CHARS = 8_000
const MAX_LIFE_SECONDS = 3_600

/** Undefined when this is no price by x402's second version. */
export function readChallenge(headers: Headers): Challenge | undefined {
  const required = decode(headers.get('payment-required'))
  if (required?.['x402Version'] !== 2 || !Array.isArray(required['accepts'])) return undefined
  return {
    resource: required['resource'],
    accepts: required['accepts'].filter(isRequirement),
    extensions: recordOf(required['extensions']),
  }
}

export function readSettled(headers: Headers): Settled | undefined {
  const settled = decode(headers.get('payment-response') ?? headers.get('x-payment-response'))
  if (!settled || typeof settled['success'] !== 'boolean') return undefined
  const { success, transaction, network, errorReason } = settled
  return {
    success,
    transaction: textIn(transaction),
    network: textIn(network),
    ...(typeof errorReason === 'string' ? { errorReason } : {}),
  }
}

interface Paid {
  readonly challenge: Challenge
  readonly accepted: Requirement
  readonly payload: object
  readonly paymentId: string
}

/** The value of `PAYMENT-SIGNATURE`: these very bytes are kept and sent, however often. */
export function paymentHeader({ challenge, accepted, payload, paymentId }: Paid): string {
  const { resource, extensions } = challenge
  const asked = recordOf(extensions[PAYMENT_IDENTIFIER])
  const identifier = { [PAYMENT_IDENTIFIER]: { ...asked, info: { ...recordOf(asked['info']), id: paymentId } } }
  const said = { x402Version: 2, ...(resource === undefined ? {} : { resource }), accepted, payload }
  const whole = encode({ ...said, extensions: { ...extensions, ...identifier } })
  return whole.length <= MAX_HEADER_CHARS ? whole : encode({ ...said, extensions: identifier })
}

/** Whether the server promises one purchase for one payment id, however often it is asked. */
export function takesPaymentIds({ extensions }: Challenge): boolean {
  return PAYMENT_IDENTIFIER in extensions
}

function encode(value: object): string {
  return toBase64(bytesOf(JSON.stringify(value)))
}

function decode(header: string | null): Record<string, unknown> | undefined {
  if (header === null) return undefined
  try {
    const value: unknown = JSON.parse(textOf(fromBase64(header)))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isRequirement(value: unknown): value is Requirement {
  const { scheme, network, amount, asset, payTo, maxTimeoutSeconds: seconds } = recordOf(value)
  const areTexts = [scheme, network, amount, asset, payTo].every((each) => typeof each === 'string')
  const isBounded = typeof seconds === 'number' && seconds > 0 && seconds <= MAX_LIFE_SECONDS
  return areTexts && isBounded && /^(0|[1-9]\d{0,77})$/.test(amount as string)
}

export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
