import { getBase58Encoder } from '@solana/kit'
import { faucet } from '@souk/devchain/solana'
import { escrowedOf } from '#orders'
import { type Config, ConfigError } from '#platform/config/index'
import {
  addressOfParty,
  assignDepositAddress,
  balancesOf,
  createSolanaRail,
  createWallet,
  DEFAULT_WALLET_SETTINGS,
  type Rail,
  registerHotWallet,
  SANDBOX_WALLET_SETTINGS,
  type Wallet,
  type WalletSettings,
} from '#wallet'
import type { Vital } from '../faces/system/health.ts'
import type { V1Context } from '../faces/v1/context.ts'
import { claimInstallation } from './installation.ts'
import type { Core, SoukOptions } from './souk.ts'

/** The wallet as the rest of the market uses it. */
export interface WalletPart {
  readonly wallet: Wallet
  readonly context: Pick<
    V1Context,
    'wallet' | 'walletBalances' | 'depositAddressOf' | 'assignDepositAddress' | 'checkEmergencyAddress'
  >
  readonly vitals: readonly Vital[]
}

const SEED_BYTES = 32
const MAINNET = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'

export async function openWallet(options: SoukOptions & Core): Promise<WalletPart> {
  const { config, secrets, store, log, solanaRpcUrl: rpcUrl } = options
  await claimInstallation(store, { mode: config.mode, chainIdentity: await chainIdentity(config, rpcUrl) })
  const { mint, feePayer } = config.solana
  const rail = await createSolanaRail({
    ...{ rpcUrl, mint, masterSecret: secrets.masterSecret },
    ...(feePayer === null ? {} : { feePayerSeed: getBase58Encoder().encode(feePayer).slice(0, SEED_BYTES) }),
  })
  await store.transact((tx) => registerHotWallet(tx, rail))
  if (!config.live) await fuel(rail, rpcUrl)
  const wallet = createWallet({ store, rail, settings: settingsOf(config), log })
  const { network } = rail
  return {
    wallet,
    context: {
      wallet,
      walletBalances: (partyId) => balancesOf(store.read, { partyId, escrowedOf }),
      depositAddressOf: async (partyId) => (await addressOfParty(store.read, { partyId, network }))?.address ?? null,
      assignDepositAddress: (tx, partyId) => assignDepositAddress(tx, { partyId, rail }),
      checkEmergencyAddress: wallet.checkWallet,
    },
    vitals: [{ name: network, check: async () => void (await rail.finalizedHeight()) }],
  }
}

function settingsOf({ live, market }: Config): WalletSettings {
  return {
    ...(live ? DEFAULT_WALLET_SETTINGS : SANDBOX_WALLET_SETTINGS),
    activationFee: market.activationFeeMicros,
    withdrawalMinimum: market.withdrawalMinMicros,
    withdrawalFee: market.withdrawalFeeMicros,
    addressCooldownSeconds: market.addressCooldownSeconds,
    panicMinimum: market.panicMinMicros,
    panicsPerDay: market.panicsPerDay,
    panicFreezeSeconds: market.panicFreezeSeconds,
    emergencyMinimum: market.emergencyDepositMinMicros,
  }
}

/** Which chain this is, by its genesis; the sandbox takes none but our own local ones. */
async function chainIdentity({ live, solana: { network } }: Config, rpcUrl: string): Promise<string> {
  if (!live && !('souk-devchain' in (await ask<object>(rpcUrl, 'getVersion')))) {
    throw new ConfigError([
      `SOLANA_RPC_URL is not one of the local test chains, and the sandbox uses no other: unset it`,
    ])
  }
  const identity = `solana:${await ask<string>(rpcUrl, 'getGenesisHash')}`
  // CAIP-2 names a Solana network by the beginning of its genesis hash.
  if (live && network === MAINNET && !identity.startsWith(MAINNET)) {
    throw new ConfigError([
      `SOLANA_RPC_URL leads to ${identity}, but SOLANA_NETWORK is ${network}: take a node of that network`,
    ])
  }
  return identity
}

async function ask<T>(rpcUrl: string, method: string): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: Error) => {
    throw new ConfigError([`SOLANA_RPC_URL ${rpcUrl} does not answer: ${error.message}`])
  })
  return ((await response.json()) as { result: T }).result
}

/** Gas for the market's own sendings; on a local chain it costs nothing. */
async function fuel(rail: Rail, rpcUrl: string): Promise<void> {
  await faucet({ rpcUrl, address: rail.feePayer, amount: 0n })
}
