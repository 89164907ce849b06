import type { SolanaChain } from './chain.ts'
import type { SolanaChainOptions } from './settings.ts'

export type { SolanaChain } from './chain.ts'
export type { SolanaChainOptions } from './settings.ts'
export { type SpawnedSolanaChain, spawnSolanaChain } from './spawn.ts'
export {
  createWallet,
  faucet,
  openTokenAccount,
  sendToken,
  type TokenSend,
  tokenAddress,
  tokenBalance,
  type Wallet,
  walletSigner,
} from './wallet.ts'
export * from './wallet-errors.ts'

/** Devnet's USDC mint, at whose address the sandbox places its own. */
export const DEVNET_USDC_MINT = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'

/** Runs the chain inside this process. The virtual machine is loaded only here: clients of a chain do not need it. */
export async function startSolanaChain(options: SolanaChainOptions): Promise<SolanaChain> {
  const chain = await import('./chain.ts')
  return chain.startSolanaChain(options)
}
