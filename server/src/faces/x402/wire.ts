import { type Facilitator, type Facilitators, type Payment, type Requirements, settlementRefusals } from '#settlement'

/** What clients of the first version call the networks. */
const NETWORKS_OF_V1: Readonly<Record<string, string>> = {
  base: 'eip155:8453',
  'base-sepolia': 'eip155:84532',
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'solana-devnet': 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
}

export interface Asked {
  readonly version: 1 | 2
  /** Null: this market settles nothing on the network it was made for. */
  readonly found: { readonly facilitator: Facilitator; readonly payment: Payment } | null
  /** The network as the asker names it; answers repeat it. */
  readonly network: string
}

/** Reads what facilitators are asked with, `{x402Version, paymentPayload, paymentRequirements}`, in either version. */
export function readAsked(
  body: { x402Version?: unknown; paymentPayload: unknown; paymentRequirements: unknown },
  facilitators: Pick<Facilitators, 'of'>,
): Asked {
  const payload = record(body.paymentPayload, 'paymentPayload')
  const requirements = record(body.paymentRequirements, 'paymentRequirements')
  const version = versionOf(payload['x402Version'] ?? body.x402Version)
  const asked = readRequirements(requirements, version)
  const accepted = readAccepted(
    version === 1 ? payload : record(payload['accepted'], 'paymentPayload.accepted'),
    version,
  )
  const facilitator = facilitators.of(accepted.network)
  const network = text(requirements['network'], 'paymentRequirements.network')
  if (!facilitator) return { version, network, found: null }
  const payment = { ...facilitator.read(payload['payload']), requirements: asked, accepted }
  return { version, network, found: { facilitator, payment } }
}

function readAccepted(from: Record<string, unknown>, version: 1 | 2): Payment['accepted'] {
  return {
    scheme: text(from['scheme'], 'the accepted scheme'),
    network: caip2(text(from['network'], 'the accepted network'), version),
  }
}

function readRequirements(from: Record<string, unknown>, version: 1 | 2): Requirements {
  const amount = text(version === 1 ? from['maxAmountRequired'] : from['amount'], 'the amount asked for')
  if (!/^(0|[1-9]\d{0,77})$/.test(amount))
    throw settlementRefusals.payment_malformed({ fault: 'the amount asked for is no whole number' })
  return {
    scheme: text(from['scheme'], 'paymentRequirements.scheme'),
    network: caip2(text(from['network'], 'paymentRequirements.network'), version),
    asset: text(from['asset'], 'paymentRequirements.asset'),
    payTo: text(from['payTo'], 'paymentRequirements.payTo'),
    amount: BigInt(amount),
    extra: typeof from['extra'] === 'object' && from['extra'] !== null ? { ...from['extra'] } : {},
  }
}

function versionOf(version: unknown): 1 | 2 {
  if (version === 1 || version === 2) return version
  throw settlementRefusals.payment_malformed({ fault: 'x402Version is neither 1 nor 2' })
}

/** A network as version 2 names it. */
export function caip2(network: string, version: 1 | 2): string {
  return version === 1 ? (NETWORKS_OF_V1[network] ?? network) : network
}

/** How clients of the first version name a network; null when they have no name for it. */
export function nameInV1(network: string): string | null {
  return Object.entries(NETWORKS_OF_V1).find(([, caip]) => caip === network)?.[0] ?? null
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw settlementRefusals.payment_malformed({ fault: `${name} is no object` })
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw settlementRefusals.payment_malformed({ fault: `${name} is no text` })
}
