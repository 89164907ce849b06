import { assertIsAddress } from '@solana/kit'

export interface SolanaChainOptions {
  /** Where the chain keeps itself; null keeps it in memory only. */
  readonly dataDir: string | null
  /** Address at which the USDC-like mint is placed, with a mint authority of the chain's own. */
  readonly mint: string
  readonly mintDecimals?: number
  readonly host?: string
  /** 0 takes the port used last time when it is free, else any free one. */
  readonly port?: number
  readonly slotMs?: number
  readonly finalizedAfterSlots?: number
  readonly blockhashValidSlots?: number
  /** Opens the methods that jump time and inject faults. Tests only. */
  readonly faults?: boolean
}

export type SolanaChainSettings = Required<SolanaChainOptions>

export function settingsOf(options: SolanaChainOptions): SolanaChainSettings {
  assertIsAddress(options.mint)
  return {
    dataDir: options.dataDir,
    mint: options.mint,
    mintDecimals: options.mintDecimals ?? 6,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    slotMs: options.slotMs ?? 100,
    finalizedAfterSlots: options.finalizedAfterSlots ?? 32,
    blockhashValidSlots: options.blockhashValidSlots ?? 150,
    faults: options.faults ?? false,
  }
}
