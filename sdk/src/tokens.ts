/** A token whose authorizations are worth what they say, and the domain they are signed for (EIP-712). */
export interface Token {
  /** CAIP-2 */
  readonly network: string
  readonly chainId: number
  /** Lower case */
  readonly address: `0x${string}`
  readonly name: string
  readonly version: string
}

/** USDC where Souk is paid in it. What a server names is compared with this; nothing is signed for a token it names itself. */
export const TOKENS: readonly Token[] = [
  {
    ...{ network: 'eip155:8453', chainId: 8453, address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913' },
    ...{ name: 'USD Coin', version: '2' },
  },
  {
    ...{ network: 'eip155:84532', chainId: 84532, address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e' },
    ...{ name: 'USDC', version: '2' },
  },
]
