import * as evm from '@souk/devchain/evm'
import * as solana from '@souk/devchain/solana'
import { sandboxRefusals } from './errors.ts'
import type { SandboxOptions } from './index.ts'

/** What a personal wallet can do on one local chain; amounts in micro-units. */
export interface SandboxNetwork {
  createWallet(): Promise<{ address: string; secretKey: string }>
  faucet(gift: { address: string; amount: bigint }): Promise<{ txHash: string }>
  send(transfer: { secretKey: string; to: string; amount: bigint }): Promise<{ txHash: string }>
}

export type FindNetwork = (name: string) => SandboxNetwork

/** Throws `network_not_available` for a name that no local chain has. */
export function networksOf({ solana: { rpcUrl, mint }, base }: Pick<SandboxOptions, 'solana' | 'base'>): FindNetwork {
  const networks = new Map<string, SandboxNetwork>()
  networks.set('solana', {
    createWallet: solana.createWallet,
    faucet: (gift) => solana.faucet({ rpcUrl, ...gift }),
    send: (transfer) => solana.sendToken({ rpcUrl, mint, ...transfer }),
  })
  if (base !== null)
    networks.set('base', {
      createWallet: evm.createWallet,
      faucet: (gift) => evm.faucet({ rpcUrl: base.rpcUrl, ...gift }),
      send: (transfer) => evm.sendToken({ rpcUrl: base.rpcUrl, token: base.token, ...transfer }),
    })
  return (network) => {
    const found = networks.get(network)
    if (found) return found
    throw sandboxRefusals.network_not_available({ network, supported: [...networks.keys()].join(', ') })
  }
}
