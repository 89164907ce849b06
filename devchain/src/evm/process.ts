import { serveAlone } from '../serving/alone.ts'
import { startEvmChain } from './chain.ts'

await serveAlone(startEvmChain, { variable: 'SOUK_EVM_CHAIN', usage: '{"dataDir": "./data/evm"}' })
