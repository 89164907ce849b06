/** What the first version of x402 calls networks. */
const NAMES: Readonly<Record<string, string>> = {
  base: 'eip155:8453',
  'base-sepolia': 'eip155:84532',
  polygon: 'eip155:137',
  'polygon-amoy': 'eip155:80002',
  avalanche: 'eip155:43114',
  'avalanche-fuji': 'eip155:43113',
  arbitrum: 'eip155:42161',
  optimism: 'eip155:10',
  ethereum: 'eip155:1',
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'solana-devnet': 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
}

/** USDC as its issuer tells; six decimals on every one. Prices in anything else cannot be told in dollars. */
const USDC: Readonly<Record<string, string>> = {
  'eip155:8453': '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  'eip155:84532': '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  'eip155:137': '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359',
  'eip155:80002': '0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582',
  'eip155:43114': '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e',
  'eip155:43113': '0x5425890298aed601595a70ab815c96711a31bc65',
  'eip155:42161': '0xaf88d065e77c8cc2239327c5edb3a432268e5831',
  'eip155:10': '0x0b2c639c533813f4aa9d7837caf62653d097ff85',
  'eip155:1': '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
  'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp': 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1': '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
}

export interface KnownNetwork {
  /** CAIP-2 */
  readonly network: string
  /** The contract or mint of USDC on it. */
  readonly asset: string
}

const CAIP2 = /^(eip155:\d{1,12}|solana:[1-9A-HJ-NP-Za-km-z]{32})$/

/** A network by either of its names, as CAIP-2; undefined for what is none that we can read addresses of. */
export function networkOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined
  const network = Object.hasOwn(NAMES, name) ? NAMES[name] : name
  return network !== undefined && CAIP2.test(network) ? network : undefined
}

/** Whether this is USDC there. `ours` are the networks of this market, whose tokens may be others. */
export function isUsdc({ network, asset }: KnownNetwork, ours: readonly KnownNetwork[]): boolean {
  const known = [...ours.filter((one) => one.network === network).map((one) => one.asset), USDC[network]]
  return known.some((one) => one !== undefined && sameAddress(network, one, asset))
}

function sameAddress(network: string, one: string, other: string): boolean {
  return network.startsWith('eip155:') ? one.toLowerCase() === other.toLowerCase() : one === other
}

const EVM_WALLET = /^0x(?!0{40}$)[0-9a-fA-F]{40}$/
const SOLANA_WALLET = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/

export function isWallet(network: string, text: unknown): text is string {
  return typeof text === 'string' && (network.startsWith('eip155:') ? EVM_WALLET : SOLANA_WALLET).test(text)
}
