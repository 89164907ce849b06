import { getBase58Encoder } from '@solana/kit'
import { faucet } from '@souk/devchain/solana'
import { createOrderPayouts } from '#chain-purse'
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
import { openBaseWallet, scanAll } from './base-wallet.ts'
import { evmIdentity, solanaIdentity } from './chain-identity.ts'
import { claimInstallation } from './installation.ts'
import type { Core, SoukOptions } from './souk.ts'

/** The wallet as the rest of the market uses it. */
export interface WalletPart {
  /** Over Solana, where withdrawals leave. */
  readonly wallet: Wallet
  /** Over every network of this market. */
  readonly wallets: readonly Wallet[]
  readonly context: Pick<
    V1Context,
    | 'wallet'
    | 'wallets'
    | 'walletBalances'
    | 'depositAddressOf'
    | 'assignDepositAddress'
    | 'otherDepositPlacesOf'
    | 'checkEmergencyAddress'
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
  const settings = settingsOf(config)
  // Orders whose money has left over a chain, whichever it is, are told by its wallet.
  const orders = createOrderPayouts(options)
  const wallet = createWallet({ store, rail, settings, log, orders })
  const base = await openBaseWallet(options, { settings, orders })
  const wallets = base === null ? [wallet] : [wallet, base.wallet]
  const { network } = rail
  return {
    wallet,
    wallets,
    context: {
      wallet: { ...wallet, ...scanAll(wallets) },
      wallets,
      walletBalances: (partyId) => balancesOf(store.read, { partyId, escrowedOf }),
      depositAddressOf: async (partyId) => (await addressOfParty(store.read, { partyId, network }))?.address ?? null,
      assignDepositAddress: (tx, partyId) => assignDepositAddress(tx, { partyId, rail }),
      otherDepositPlacesOf: async (partyId) => (base === null ? [] : [await base.depositPlaceOf(partyId)]),
      checkEmergencyAddress: wallet.checkWallet,
    },
    vitals: wallets.map(({ rail: { network: name, finalizedHeight } }) => ({
      name,
      check: async () => void (await finalizedHeight()),
    })),
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

/** Gas for the market's own sendings; on a local chain it costs nothing. */
async function fuel(rail: Rail, rpcUrl: string): Promise<void> {
  await faucet({ rpcUrl, address: rail.feePayer, amount: 0n })
}
