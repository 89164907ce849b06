import { serveAlone } from '../serving/alone.ts'
import { startSolanaChain } from './chain.ts'

await serveAlone(startSolanaChain, {
  variable: 'SOUK_SOLANA_CHAIN',
  usage: '{"dataDir": "./data/solana", "mint": "<address>"}',
})
