import { getBase58Encoder } from '@solana/kit'
import { faucet } from '@souk/devchain/solana'
import { createPublicClient, http } from 'viem'
import { escrowedOf } from '#orders'
import type { Config } from '#platform/config/index'
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
import { evmIdentity, solanaIdentity } from './chain-identity.ts'
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

export async function openWallet(options: SoukOptions & Core): Promise<WalletPart> {
  const { config, secrets, store, log, solanaRpcUrl: rpcUrl } = options
  await claimChains(options)
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
    vitals: [{ name: network, check: async () => void (await rail.finalizedHeight()) }, ...evmVitals(options)],
  }
}

async function claimChains({ config, store, solanaRpcUrl, evmRpcUrl }: SoukOptions & Core): Promise<void> {
  const { live, mode, evm } = config
  await claimInstallation(store, {
    mode,
    chainIdentity: await solanaIdentity(config, solanaRpcUrl),
    evmIdentity: evm === null || evmRpcUrl === null ? null : await evmIdentity({ live, evm }, evmRpcUrl),
  })
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

function evmVitals({ evmRpcUrl }: SoukOptions): Vital[] {
  if (evmRpcUrl === null) return []
  const client = createPublicClient({ transport: http(evmRpcUrl, { timeout: 3000, retryCount: 0 }) })
  return [{ name: 'base', check: async () => void (await client.getBlockNumber({ cacheTime: 0 })) }]
}

/** Gas for the market's own sendings; on a local chain it costs nothing. */
async function fuel(rail: Rail, rpcUrl: string): Promise<void> {
  await faucet({ rpcUrl, address: rail.feePayer, amount: 0n })
}
