import { formatUnits } from 'viem'
import type { Micros } from '#kernel/money'
import type { SettlementNetwork } from '#settlement'
import { nameInV1 } from './wire.ts'

/** What is asked of a buyer, for one thing on sale. */
export interface Price {
  readonly url: string
  readonly description: string
  readonly amount: Micros
  /** Where it can be paid, the first choice first; never empty. */
  readonly payees: readonly Payee[]
  readonly settlesFirst: boolean
  /** The money waits at the market until the work is done. */
  readonly flow?: 'escrow'
}

/** The wallet that is paid on one network. */
export interface Payee {
  readonly chain: SettlementNetwork
  readonly payTo: string
}

/** What else a 402 tells: what the resource is called, and extensions by name. */
export interface Told {
  readonly resource: { readonly serviceName?: string; readonly tags?: readonly string[] }
  readonly extensions: Readonly<Record<string, object>>
}

/** How long an authorization may live; the seller has half of it. */
export const MAX_TIMEOUT_SECONDS = 60

/** One entry of `accepts` (x402 v2, scheme `exact`). */
export function requirementsOf({ amount, settlesFirst, flow }: Price, { chain, payTo }: Payee) {
  const { network, asset, extra } = chain
  return {
    ...{ scheme: 'exact', network, amount: String(amount), asset, payTo },
    maxTimeoutSeconds: MAX_TIMEOUT_SECONDS,
    extra: { ...extra, paymentFlow: flow ?? (settlesFirst ? 'upfront' : 'authorization') },
  }
}

export function acceptsOf(price: Price) {
  return price.payees.map((payee) => requirementsOf(price, payee))
}

/** What goes, encoded, into `PAYMENT-REQUIRED`. */
export function paymentRequired(price: Price, { error, told }: { error: string; told: Told }) {
  const { url, description } = price
  return {
    x402Version: 2,
    error,
    resource: { url, description, mimeType: 'application/json', ...told.resource },
    accepts: acceptsOf(price),
    extensions: { 'payment-identifier': PAYMENT_IDENTIFIER, ...told.extensions },
  }
}

/** The body of a 402: PayanAgent's fields, and what clients of x402's first version read. */
export function bodyOf402(price: Price, error: string) {
  const { url, description, amount, payees } = price
  const accepts = payees.flatMap(({ chain: { network: id, asset, extra }, payTo }) => {
    const network = nameInV1(id)
    if (network === null) return []
    const what = { resource: url, description, mimeType: 'application/json', maxTimeoutSeconds: MAX_TIMEOUT_SECONDS }
    return [{ scheme: 'exact', network, maxAmountRequired: String(amount), payTo, asset, ...what, extra }]
  })
  return { x402Version: 1, error, priceUsd: Number(formatUnits(amount, 6)), accepts }
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
