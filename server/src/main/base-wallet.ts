import { faucet } from '@souk/devchain/evm'
import type { Tx } from '#platform/db'
import {
  addressOfParty,
  assignDepositAddress,
  createEvmRail,
  createWallet,
  type OrderPayouts,
  registerHotWallet,
  type Wallet,
  type WalletSettings,
} from '#wallet'
import type { DepositPlace } from '../faces/v1/context.ts'
import type { Core, SoukOptions } from './souk.ts'

/** On a local chain a transaction lands at once, so one that has not is given up soon. */
const SANDBOX_VALID_SECONDS = 60

export interface BaseWallet {
  readonly wallet: Wallet
  /** Where the party deposits on Base; given out when it is first asked for. */
  readonly depositPlaceOf: (partyId: string) => Promise<DepositPlace>
}

/** The wallet over Base; null where the market does without EVM. */
export async function openBaseWallet(
  options: SoukOptions & Core,
  { settings, orders }: { settings: WalletSettings; orders: OrderPayouts },
): Promise<BaseWallet | null> {
  const { config, secrets, store, log, evmRpcUrl: rpcUrl } = options
  const { evm, live } = config
  if (evm === null || rpcUrl === null) return null
  const { masterSecret } = secrets
  const rail = createEvmRail({ ...evm, rpcUrl, masterSecret, ...(live ? {} : { validSeconds: SANDBOX_VALID_SECONDS }) })
  await store.transact((tx) => registerHotWallet(tx, rail))
  // Gas for the market's own sendings; on a local chain it costs nothing.
  if (!live) await faucet({ rpcUrl, address: rail.feePayer, amount: 0n })
  const { network } = rail
  const assign = (partyId: string) => (tx: Tx) => assignDepositAddress(tx, { partyId, rail })
  return {
    wallet: createWallet({ store, rail, settings, log, orders }),
    depositPlaceOf: async (partyId) => {
      const known = await addressOfParty(store.read, { partyId, network })
      const address = known?.address ?? (await store.transact(assign(partyId)))
      return { address, network, token: 'USDC', chain: evm.network, contract: evm.token }
    },
  }
}

/** One look at all networks: a deposit may have come over any of them. */
export function scanAll(wallets: readonly Wallet[]): Pick<Wallet, 'scan' | 'tryScan'> {
  return {
    scan: async (partyId) => {
      // All of them to their end: what one network has to tell is credited though another is silent.
      const looks = await Promise.allSettled(wallets.map((wallet) => wallet.scan(partyId)))
      const silent = looks.find((look) => look.status === 'rejected')
      if (silent) throw silent.reason
    },
    tryScan: async (partyId) =>
      (await Promise.all(wallets.map((wallet) => wallet.tryScan(partyId)))).every((answered) => answered),
  }
}
