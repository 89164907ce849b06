import type { Environment } from './env.ts'
import { solanaAddress, solanaNetwork, solanaSecretKey, urlOf } from './parsers.ts'

export interface SolanaConfig {
  /** Null: the sandbox's local chain. */
  readonly rpcUrl: string | null
  /** CAIP-2 id. */
  readonly network: string
  /** The mint of USDC. */
  readonly mint: string
  /** The hot wallet's secret key in base58; null: derived from the master secret. */
  readonly feePayer: string | null
}

const MAINNET = {
  network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  mint: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
}

const DEVNET = {
  network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  mint: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
}

/**
 * The sandbox never takes a real network's identity, so that nothing signed in it is worth anything elsewhere; live mode
 * takes a test network's only when told to (`SOUK_ALLOW_TESTNET`).
 */
export function readSolana(
  env: Environment,
  { live, allowTestnet }: { live: boolean; allowTestnet: boolean },
): SolanaConfig {
  const preset = live ? MAINNET : DEVNET
  const network = env.read('SOLANA_NETWORK', preset.network, solanaNetwork)
  const mint = env.read('SOLANA_MINT', preset.mint, solanaAddress)
  const isReal = { network: network === MAINNET.network, mint: mint === MAINNET.mint }
  if (live && !allowTestnet) {
    const way = 'in live mode unless SOUK_ALLOW_TESTNET=yes'
    if (!isReal.network)
      env.fault('SOLANA_NETWORK', `is not the main network, which is refused ${way}`, MAINNET.network)
    if (mint === DEVNET.mint) env.fault('SOLANA_MINT', `is a test token, which is refused ${way}`, MAINNET.mint)
  }
  if (!live && isReal.network) env.fault('SOLANA_NETWORK', 'is the main network, and this is a sandbox', DEVNET.network)
  if (!live && isReal.mint) env.fault('SOLANA_MINT', 'is real USDC, and this is a sandbox', DEVNET.mint)
  const rpcUrl = env.read('SOLANA_RPC_URL', null, urlOf(['https', 'http'], 'https://solana-rpc.example.com/'))
  return { rpcUrl, network, mint, feePayer: env.read('SOLANA_FEE_PAYER', null, solanaSecretKey) }
}
