import type { EvmChain } from './chain.ts'
import type { EvmChainOptions } from './settings.ts'

export type { EvmChain } from './chain.ts'
export type { EvmChainInfo } from './rpc/methods.ts'
export { BASE_SEPOLIA_CHAIN_ID, BASE_SEPOLIA_USDC, type EvmChainOptions } from './settings.ts'
export { type SpawnedEvmChain, spawnEvmChain } from './spawn.ts'
export { createWallet, faucet, sendToken, type TokenSend, tokenBalance, type Wallet, walletAccount } from './wallet.ts'
export * from './wallet-errors.ts'

/** Runs the chain inside this process; anvil still has one of its own. */
export async function startEvmChain(options: EvmChainOptions): Promise<EvmChain> {
  const chain = await import('./chain.ts')
  return chain.startEvmChain(options)
}
