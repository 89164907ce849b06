import { faucet } from '@souk/devchain/evm'
import { toHex } from 'viem'
import { partyOfWallet, profileOf } from '#identity'
import { noteCalls } from '#offers'
import { deriveKey } from '#platform/config/index'
import type { Sweep } from '#platform/sweeps'
import { receiptOf } from '#receipts'
import {
  createEvmChain,
  createFacilitator,
  createOutsideFacilitator,
  DEFAULT_FACILITATOR_SETTINGS,
  type Facilitator,
  type FacilitatorSettings,
  type Token,
} from '#settlement'
import {
  createTill,
  DEFAULT_PURCHASE_SETTINGS,
  forgettingSweep,
  type PurchaseDeps,
  purchaseSweep,
} from '#trades/purchase'
import type { BuyContext } from '../faces/x402/buy.ts'
import { createSellerRun } from '../faces/x402/seller.ts'
import type { Core, SoukOptions } from './souk.ts'

/** Buying with a wallet, and the facilitator that settles it. */
export interface X402Part {
  readonly facilitator: Facilitator
  readonly buying: BuyContext
  readonly sweeps: readonly Sweep[]
}

/** A local chain answers in milliseconds. */
const SANDBOX_SETTINGS: FacilitatorSettings = { ...DEFAULT_FACILITATOR_SETTINGS, pollMs: 25, resendMs: 2_000 }

/** Null where this market does without EVM. */
export async function openX402(options: SoukOptions & Core): Promise<X402Part | null> {
  const { config, evmRpcUrl: rpcUrl, store, outbound, validator, publicUrl, log } = options
  if (config.evm === null || rpcUrl === null) return null
  const facilitator = await openFacilitator(options, { rpcUrl, evm: config.evm })
  const till = createTill({
    ...{ store, facilitator, settings: DEFAULT_PURCHASE_SETTINGS },
    run: createSellerRun({ read: store.read, outbound }),
    buyerOf: (tx, { authorization: { from: address }, requirements: { network } }) =>
      partyOfWallet(tx, { network, address }),
    conclude: concluding(options, facilitator),
  })
  return {
    facilitator,
    sweeps: [...facilitator.sweeps, purchaseSweep({ store, till, log }), forgettingSweep(store)],
    buying: {
      ...{ read: store.read, till, facilitator, validator, publicUrl },
      payoutWalletOf: async (db, partyId) => (await profileOf(db, partyId))?.payoutWallet ?? null,
      receiptIdOf: async (db, purchaseId) => (await receiptOf(db, purchaseId))?.id ?? null,
    },
  }
}

/** What follows from a sale, in the commit that ends it. The offer's counters before the head of the receipts, which is locked last. */
function concluding({ issueReceipts }: Core, { chain: { network } }: Facilitator): PurchaseDeps['conclude'] {
  return async (tx, { purchase, buyerId, txHash, delivered }) => {
    const { id: orderId, offerId, sellerId, amount, payer, output } = purchase
    await noteCalls(tx, { calls: [{ offerId, buyerId, delivered }] })
    await issueReceipts(tx, [
      {
        ...{ orderId, form: 'purchase', type: 'direct', buyerId, sellerId, asset: 'USDC' },
        ...{ price: amount, payout: amount, fee: 0n, network, txHash, buyerWallet: payer, offerId, delivered },
        ...{ deliveryStatus: output?.status ?? null, latencyMs: output?.latencyMs ?? null },
      },
    ])
  }
}

interface Place {
  readonly rpcUrl: string
  readonly evm: NonNullable<SoukOptions['config']['evm']>
}

async function openFacilitator(options: SoukOptions & Core, { rpcUrl, evm }: Place): Promise<Facilitator> {
  const { config, secrets, store, log } = options
  const token: Token = {
    ...{ chainId: evm.chainId, address: evm.token.toLowerCase() as Token['address'] },
    ...{ name: evm.domain.name, version: evm.domain.version },
  }
  const relayerKey = toHex(deriveKey(secrets.masterSecret, 'x402-relayer'))
  const chain = createEvmChain({ rpcUrl, token, relayerKey })
  if (config.facilitatorUrl !== null) return createOutsideFacilitator({ url: config.facilitatorUrl, chain, log })
  // Gas; on a local chain it costs nothing.
  if (!config.live) await faucet({ rpcUrl, address: chain.relayer, amount: 0n })
  const settings = config.live ? DEFAULT_FACILITATOR_SETTINGS : SANDBOX_SETTINGS
  return createFacilitator({ store, chain, log, settings })
}
