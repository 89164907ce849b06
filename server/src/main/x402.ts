import { faucet } from '@souk/devchain/evm'
import { faucet as solanaFaucet } from '@souk/devchain/solana'
import { toHex } from 'viem'
import {
  isWalletOf,
  type Profile,
  partiesOfWallets,
  partyOfWallet,
  payoutWalletOn,
  profilesOf,
  suspendedAmong,
} from '#identity'
import { noteCalls, offersById } from '#offers'
import { deriveKey } from '#platform/config/index'
import type { Store, Tx } from '#platform/db'
import { createGatherer } from '#platform/gather'
import { gatherLookups } from '#platform/lookups'
import type { Sweep } from '#platform/sweeps'
import { type Settlement as Receipted, receiptIdsOf } from '#receipts'
import {
  createEvmChain,
  createEvmFacilitator,
  createFacilitators,
  createOutsideFacilitator,
  createSvmChain,
  createSvmFacilitator,
  DEFAULT_FACILITATOR_SETTINGS,
  type EvmFacilitatorSettings,
  type Facilitator,
  type Facilitators,
  type Settlement,
  type SvmSettlement,
  type Token,
} from '#settlement'
import {
  type CallLine,
  createTill,
  DEFAULT_PURCHASE_SETTINGS,
  forgettingSweep,
  purchaseSweeps,
  type RelayLine,
  type Sale,
} from '#trades/purchase'
import { openFinding, type Rail } from '#wallet'
import { redactedUrl } from '../faces/v1/redaction.ts'
import { createBazaar } from '../faces/x402/bazaar-extension.ts'
import { type BuyContext, OFFER } from '../faces/x402/buy.ts'
import { JOB } from '../faces/x402/buy-service.ts'
import type { Payee } from '../faces/x402/challenge.ts'
import type { SaleContext } from '../faces/x402/offer-sale.ts'
import type { OrderPayments } from '../faces/x402/pay-for-order.ts'
import { createPriceTags } from '../faces/x402/price-tags.ts'
import { RELAY } from '../faces/x402/relay.ts'
import { createForward } from '../faces/x402/relay-forward.ts'
import { createSellerRun } from '../faces/x402/seller.ts'
import type { ProbesPart } from './probes.ts'
import { houseOf, requestLines } from './requests.ts'
import type { Core, SoukOptions } from './souk.ts'
import { openWalletJobs, type WalletJobs } from './wallet-jobs.ts'

/** Buying with a wallet, and the facilitators that settle it. */
export interface X402Part {
  readonly facilitators: Facilitators
  /** Null where money of jobs cannot be sent back. */
  readonly jobs: WalletJobs | null
  readonly buying: BuyContext
  /** Paying for orders at their own addresses. */
  readonly payments: OrderPayments
  readonly sweeps: readonly Sweep[]
}

/** A local chain answers in milliseconds. */
const SANDBOX_SETTINGS: EvmFacilitatorSettings = {
  ...DEFAULT_FACILITATOR_SETTINGS,
  ...{ pollMs: 25, resendMs: 2_000, raiseMs: 5_000, watchMs: 1_000 },
}

type X402Options = SoukOptions & Core & { readonly probes: ProbesPart; readonly rails: readonly Rail[] }

/** On Base where the market does with EVM, on Solana always. */
export async function openX402(options: X402Options): Promise<X402Part> {
  const { store, leaseStore, outbound, validator, publicUrl, log, offerSigner, signIn, probes, rails } = options
  const [evm, svm] = await Promise.all([openEvmFacilitator(options), openSvmFacilitator(options)])
  const facilitators = createFacilitators(evm === null ? [svm] : [evm, svm])
  const jobs = openWalletJobs({ ...options, facilitators })
  const offerOf = gatherLookups(store.read, offersById)
  const profile = gatherLookups(store.read, profilesOf)
  const suspended = gatherLookups(store.read, async (db, ids) => {
    const found = await suspendedAmong(db, ids)
    return new Map([...found].map((id) => [id, true] as const))
  })
  const till = createTill({
    ...{ store, leaseStore, facilitators, settings: DEFAULT_PURCHASE_SETTINGS },
    lines: {
      [OFFER]: {
        run: createSellerRun({ offerOf, outbound, heard: probes.heard }),
        conclude: concluding(options),
      },
      ...(jobs && { [JOB]: jobs.line }),
      ...requestLines(options, rails),
      [RELAY]: {
        forward: createForward({ read: store.read, outbound }),
        outcomeOf: facilitators.outcomeOf,
        conclude: concludingElsewhere(options),
      },
    },
    buyersOf: (tx, payments) =>
      partiesOfWallets(
        tx,
        payments.map(({ payer: address, network }) => ({ network, address })),
      ),
  })
  const receiptId = gatherLookups(store.read, receiptIdsOf)
  const selling: SaleContext = {
    ...{ publicUrl, offerOf, offerSigner, signIn, bazaar: createBazaar(validator) },
    payeesOf: async (partyId) => payeesIn(await profile(partyId), facilitators),
    isSuspended: async (partyId) => (await suspended(partyId)) === true,
  }
  const tags = createPriceTags(selling)
  store.onCommit(tags.forget)
  return {
    facilitators,
    jobs,
    payments: { till, facilitators, offerSigner, house: houseOf(rails, facilitators) },
    sweeps: [...facilitators.sweeps, ...purchaseSweeps({ store, till, log }), forgettingSweep(store)],
    buying: {
      ...{ store, read: store.read, now: createClock(store), isWalletOf, till, facilitators, validator },
      ...{ ...selling, tags, services: jobs?.sales ?? null },
      relaying: { outbound, partyOfWallet },
      payeesOfAll: async (db, partyIds) => {
        const profiles = await profilesOf(db, partyIds)
        return new Map([...profiles].map(([id, profile]) => [id, payeesIn(profile, facilitators)]))
      },
      receiptIdOf: async (purchaseId) => (await receiptId(purchaseId)) ?? null,
    },
  }
}

/** What follows from sales, in the commit that ends them. The offers' counters before the head of the receipts, which is locked last. */
function concluding({ issueReceipts }: Core): CallLine['conclude'] {
  return async (tx, sales) => {
    await noteCalls(tx, { calls: sales.map(callOf) })
    await issueReceipts(tx, sales.map(settlementOf))
  }
}

/** The same for what was sold elsewhere. */
function concludingElsewhere({ issueReceipts }: Core): RelayLine['conclude'] {
  return async (tx, sales) => {
    const offers = await offersById(
      tx,
      sales.map(({ purchase }) => purchase.ware.id),
    )
    const nameOf = ({ purchase }: Sale) => offers.get(purchase.ware.id)?.externalResourceId ?? null
    await noteCalls(tx, { calls: sales.map(callOf) })
    // For everybody to see, so without what might be a secret in it.
    const shown = (name: string | null) => name && redactedUrl(name)
    await issueReceipts(
      tx,
      sales.map((sale) => ({ ...settlementOf(sale), type: 'external', externalResourceId: shown(nameOf(sale)) })),
    )
  }
}

function callOf({ purchase, buyerId, delivered }: Sale) {
  return { offerId: purchase.ware.id, buyerId, delivered }
}

function settlementOf({ purchase, buyerId, txHash, delivered }: Sale): Receipted {
  const { id: orderId, ware, sellerId, amount, network, payer, output } = purchase
  return {
    ...{ orderId, form: 'purchase', type: 'direct', buyerId, sellerId, asset: 'USDC' },
    ...{ price: amount, payout: amount, fee: 0n, network, txHash, buyerWallet: payer, offerId: ware.id, delivered },
    ...{ deliveryStatus: output?.status ?? null, latencyMs: output?.latencyMs ?? null },
  }
}

/** Where a seller is paid: its wallet of each kind of network, in the order in which the market prefers them. */
function payeesIn(profile: Profile | undefined, facilitators: Facilitators): Payee[] {
  return facilitators.all.flatMap(({ chain }) => {
    const payTo = profile ? payoutWalletOn(profile, chain.network) : null
    return payTo === null ? [] : [{ chain, payTo }]
  })
}

async function openEvmFacilitator(options: SoukOptions & Core): Promise<Facilitator | null> {
  const { config, evmRpcUrl: rpcUrl, secrets, store, log, settlesOver = (chain) => chain } = options
  const { evm } = config
  if (evm === null || rpcUrl === null) return null
  const { finality, maxFeePerGas } = evm
  const token: Token = {
    ...{ chainId: evm.chainId, address: evm.token.toLowerCase() as Token['address'] },
    ...{ name: evm.domain.name, version: evm.domain.version },
  }
  const relayerKey = toHex(deriveKey(secrets.masterSecret, 'x402-relayer'))
  const chain = settlesOver(createEvmChain({ rpcUrl, token, relayerKey, finality, maxFeePerGas }))
  if (config.facilitatorUrl !== null) return createOutsideFacilitator({ url: config.facilitatorUrl, chain, log })
  // Gas; on a local chain it costs nothing.
  if (!config.live) await faucet({ rpcUrl, address: chain.relayer, amount: 0n })
  const settings = config.live ? DEFAULT_FACILITATOR_SETTINGS : SANDBOX_SETTINGS
  return createEvmFacilitator({ store, chain, log, settings, onReversed: findReversed })
}

/** What a seller was told that he has been paid, and has not: nobody but the operator can set that right. */
async function findReversed(tx: Tx, { id, network, txHash, authorization }: Settlement): Promise<void> {
  const { from: payer, to: payee, value, nonce } = authorization
  const details = { network, txHash, payer, payee, amount: String(value), nonce }
  await openFinding(tx, { kind: 'payment_reversed', subject: id, details })
}

async function findSvmReversed(tx: Tx, { id, network, signature, payer, messageHash }: SvmSettlement): Promise<void> {
  const details = { network, txHash: signature, payer, nonce: messageHash }
  await openFinding(tx, { kind: 'payment_reversed', subject: id, details })
}

async function openSvmFacilitator(options: SoukOptions & Core): Promise<Facilitator> {
  const { config, solanaRpcUrl: rpcUrl, secrets, store, log } = options
  const relayerSeed = deriveKey(secrets.masterSecret, 'x402-relayer-solana')
  const chain = await createSvmChain({ ...config.solana, rpcUrl, relayerSeed })
  if (!config.live) await solanaFaucet({ rpcUrl, address: chain.relayer, amount: 0n })
  const settings = config.live ? DEFAULT_FACILITATOR_SETTINGS : SANDBOX_SETTINGS
  const watch = config.live ? {} : { watchMs: SANDBOX_SETTINGS.watchMs }
  return createSvmFacilitator({ store, chain, log, settings, ...watch, onReversed: findSvmReversed })
}

/** The market's clock, which many ask for at once and the database tells. */
function createClock(store: Pick<Store, 'now'>): () => Promise<Date> {
  const ask = createGatherer<null, Date>({
    maxItems: 512,
    run: async (asking) => {
      const now = await store.now()
      return asking.map(() => ({ done: now }))
    },
  })
  return () => ask(null)
}
