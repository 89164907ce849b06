import { randomBytes } from 'node:crypto'
import { type Hex, toHex } from 'viem'
import { openSouk } from '#main/souk'
import { loadSecrets, publicUrl, readConfig } from '#platform/config/index'
import { createLog } from '#platform/log'
import type { SettlementChain } from '#settlement'
import { freePort } from '../free-port.ts'

/** The market as users run it, but for a chain that takes every payment at once: what is measured is all the rest. */
const config = readConfig()
const port = await freePort()
const souk = await openSouk({
  config,
  secrets: await loadSecrets(config),
  log: createLog(config.logLevel),
  version: '0.0.0-bench',
  databaseUrl: config.databaseUrl ?? '',
  solanaRpcUrl: config.solana.rpcUrl ?? '',
  evmRpcUrl: config.evm?.rpcUrl ?? null,
  publicUrl: publicUrl(config, port),
  ownPorts: () => [port],
  settlesOver: instant,
})
await souk.http.listen({ host: config.http.host, port })
souk.sweeper.start()
process.on('SIGTERM', () => void souk.close().then(() => process.exit(0)))
process.stdout.write(`The market is ready at http://127.0.0.1:${port}\n`)

/** Signatures are verified before it is asked anything. */
function instant(chain: SettlementChain): SettlementChain {
  const place = { block: 1n, blockHash: randomHash() }
  const landed = { state: 'landed', succeeded: true, place } as const
  let signed = 0n
  return {
    ...chain,
    objectionTo: async () => null,
    fees: async () => ({ maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }),
    balanceOf: async () => 2n ** 64n,
    landedByRelayer: async () => signed,
    sign: async () => {
      signed++
      return { hash: randomHash(), bytes: '0x' }
    },
    broadcast: async () => {},
    landingOf: async () => landed,
    finalBlock: async () => place.block,
    blockHashAt: async () => place.blockHash,
  }
}

function randomHash(): Hex {
  return toHex(randomBytes(32))
}
