import { randomBytes, randomInt } from 'node:crypto'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { Anvil, AnvilGenesis } from './anvil.ts'
import type { Journal } from './journal.ts'
import { BASE_SEPOLIA_USDC } from './settings.ts'
import { readArtifact } from './token/artifact.ts'

const GAS_LIMIT = 30_000_000
const GAS_LIMIT_SPREAD = 1_000_000
const FAUCET_WEI = 10n ** 30n

export interface Genesis extends AnvilGenesis {
  readonly faucet: PrivateKeyAccount
  /** The token's, as it was when the chain was born: another one would use other gas, and make other blocks. */
  readonly tokenCode: string
}

/** Drawn once for a data folder: a new genesis hash means that the chain was reset. */
export function genesisOf(journal: Journal): Genesis {
  const timestamp = journal.fact('timestamp', () => String(Math.floor(Date.now() / 1000)))
  const gasLimit = journal.fact('gas-limit', () => String(GAS_LIMIT + randomInt(GAS_LIMIT_SPREAD)))
  const faucetKey = journal.fact('faucet', () => `0x${randomBytes(32).toString('hex')}`)
  return {
    timestamp: Number(timestamp),
    gasLimit: Number(gasLimit),
    faucet: privateKeyToAccount(faucetKey as `0x${string}`),
    tokenCode: journal.fact('token', () => readArtifact().code),
  }
}

/** What the chain is born with: the token's code at USDC's address, and a faucet that never runs dry. */
export async function placeGenesis(anvil: Anvil, { faucet, tokenCode }: Genesis): Promise<void> {
  // Blocks whose time nobody names bear the time of the one before, so that a replay makes the same.
  await anvil.call('anvil_setBlockTimestampInterval', 0)
  await anvil.call('anvil_setCode', BASE_SEPOLIA_USDC, tokenCode)
  await anvil.call('anvil_setBalance', faucet.address, `0x${FAUCET_WEI.toString(16)}`)
}
