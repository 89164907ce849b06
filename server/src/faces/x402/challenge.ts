import { formatUnits } from 'viem'
import type { Micros } from '#kernel/money'
import type { Facilitator } from '#settlement'
import { nameInV1 } from './wire.ts'

/** What is asked of a buyer, for one thing on sale. */
export interface Price {
  readonly url: string
  readonly description: string
  readonly amount: Micros
  readonly payTo: string
  readonly settlesFirst: boolean
}

type Chain = Facilitator['chain']

/** How long an authorization may live; the seller has half of it. */
export const MAX_TIMEOUT_SECONDS = 60

/** The one entry of `accepts` (x402 v2, scheme `exact`). */
export function requirementsOf({ amount, payTo, settlesFirst }: Price, { network, token }: Chain) {
  const { address, name, version } = token
  return {
    ...{ scheme: 'exact', network, amount: String(amount), asset: address, payTo },
    maxTimeoutSeconds: MAX_TIMEOUT_SECONDS,
    extra: { name, version, paymentFlow: settlesFirst ? 'upfront' : 'authorization' },
  }
}

/** What goes, encoded, into `PAYMENT-REQUIRED`. */
export function paymentRequired(price: Price, { chain, error }: { chain: Chain; error: string }) {
  const { url, description } = price
  return {
    x402Version: 2,
    error,
    resource: { url, description, mimeType: 'application/json' },
    accepts: [requirementsOf(price, chain)],
    extensions: { 'payment-identifier': PAYMENT_IDENTIFIER },
  }
}

/** The body of a 402: PayanAgent's fields, and what clients of x402's first version read. */
export function bodyOf402(price: Price, { chain, error }: { chain: Chain; error: string }) {
  const { url, description, amount, payTo } = price
  const { address, name, version } = chain.token
  const network = nameInV1(chain.network)
  const first = {
    ...{ scheme: 'exact', network, maxAmountRequired: String(amount), resource: url, description, payTo },
    ...{
      mimeType: 'application/json',
      maxTimeoutSeconds: MAX_TIMEOUT_SECONDS,
      asset: address,
      extra: { name, version },
    },
  }
  return { x402Version: 1, error, priceUsd: Number(formatUnits(amount, 6)), accepts: network === null ? [] : [first] }
}

const PAYMENT_IDENTIFIER = {
  info: { required: false },
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      required: { type: 'boolean' },
      id: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' },
    },
    required: ['required'],
  },
}

export function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}
