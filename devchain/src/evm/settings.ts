/** Base Sepolia, whose identity the sandbox takes, so that nothing signed in it is worth anything elsewhere. */
export const BASE_SEPOLIA_CHAIN_ID = 84_532
export const BASE_SEPOLIA_USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

export interface EvmChainOptions {
  /** Where the chain keeps itself; null keeps it in memory only. */
  readonly dataDir: string | null
  readonly host?: string
  /** 0 takes the port used last time when it is free, else any free one. */
  readonly port?: number
  /** So long after a transaction the empty blocks follow that make it final. */
  readonly finalAfterMs?: number
  /** Opens the methods that move blocks and inject faults. Tests only. */
  readonly faults?: boolean
}

export type EvmChainSettings = Required<EvmChainOptions>

export function settingsOf(options: EvmChainOptions): EvmChainSettings {
  return {
    dataDir: options.dataDir,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    finalAfterMs: options.finalAfterMs ?? 1500,
    faults: options.faults ?? false,
  }
}
