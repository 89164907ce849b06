import { serviceById } from '#catalog'
import { openPurse, purseAccount, pursesOf, sendBack } from '#chain-purse'
import { knownPartyOfWallet } from '#identity'
import { orderRefusals, ordersById, workOf } from '#orders'
import { deriveKey } from '#platform/config/index'
import { gatherLookups } from '#platform/lookups'
import { receiptsOfOrder } from '#receipts'
import type { Facilitators } from '#settlement'
import { placeReserved, quoteOf, releaseSlot, reserveSlot } from '#trades/direct'
import type { OrderLine, Sale } from '#trades/purchase'
import type { Rail } from '#wallet'
import type { JobInput, ServiceSales } from '../faces/x402/buy-service.ts'
import type { Payee } from '../faces/x402/challenge.ts'
import { createJobLinks } from '../faces/x402/job-link.ts'
import type { JobRoutesContext } from '../faces/x402/job-routes.ts'
import type { Core, SoukOptions } from './souk.ts'

/** Where the market takes money over a network, and the rail over which it goes back. */
interface Till {
  readonly payee: Payee
  readonly rail: Rail
}

/** Selling services to wallets (D-20). */
export interface WalletJobs {
  readonly line: OrderLine
  readonly sales: ServiceSales
  readonly payerOf: JobRoutesContext['payerOf']
}

type Parts = SoukOptions & Core & { readonly rails: readonly Rail[]; readonly facilitators: Facilitators }

/** Null where there is no network over which money both comes and goes back. */
export function openWalletJobs(parts: Parts): WalletJobs | null {
  const { store, secrets, publicUrl, direct } = parts
  const tills = tillsOf(parts)
  if (tills.length === 0) return null
  const findOrder = gatherLookups(store.read, ordersById)
  return {
    line: jobLine(parts, tills),
    payerOf: async (orderId) => (await pursesOf(store.read, [orderId])).get(orderId),
    sales: {
      at: serviceFinder(parts),
      quoteOf: (service) => quoteOf(service, direct.settings),
      payees: tills.map(({ payee }) => payee),
      receiptIdOf: async (orderId) => (await receiptsOfOrder(store.read, orderId))[0]?.id ?? null,
      links: createJobLinks({ key: deriveKey(secrets.masterSecret, 'x402-jobs'), publicUrl }),
      orderOf: async (orderId) => {
        const order = await findOrder(orderId)
        if (!order) throw orderRefusals.order_unknown()
        return order
      },
      workOf: async (orderId) => (await workOf(store.read, [orderId])).get(orderId),
    },
  }
}

function tillsOf({ facilitators, rails }: Parts): Till[] {
  return facilitators.all.flatMap(({ chain }) => {
    const rail = rails.find(({ network }) => network === (chain.network.startsWith('eip155:') ? 'base' : 'solana'))
    return rail ? [{ payee: { chain, payTo: rail.hotWallet.address }, rail }] : []
  })
}

const MAX_KNOWN = 10_000

/** What an id names never changes, so offers, which are asked for far more often, cost no look beyond the first. */
function serviceFinder({ store }: Parts): ServiceSales['at'] {
  const others = new Set<string>()
  return async (id) => {
    if (others.has(id)) return undefined
    const service = await serviceById(store.read, id)
    if (service) return service
    if (others.size >= MAX_KNOWN) others.clear()
    others.add(id)
    return undefined
  }
}

/** A slot is kept while the payment is under way; the paid job is the market's ordinary one, but that its money came over a chain. */
function jobLine({ engine, direct, issueReceipts }: Parts, tills: readonly Till[]): OrderLine {
  const depositOf = ({ purchase: { network, payer: wallet, amount }, txHash }: Sale) => {
    const till = tills.find(({ payee }) => payee.chain.network === network)
    if (!till) throw new Error(`nothing is taken over ${network}`)
    return { network, rail: till.rail, txHash, wallet, amount }
  }
  return {
    reserve: async (tx, { id, ware, sellerId, amount, payment, input }) => {
      const { network, payer: address } = payment
      const { version: serviceVersion } = input as JobInput
      const buyerId = (await knownPartyOfWallet(tx, { network, address })) ?? null
      const about = { serviceId: ware.id, sellerId: sellerId ?? '', serviceVersion, buyerId, total: amount }
      await reserveSlot(tx, direct, { id, ...about })
    },
    release: (tx, { id }) => releaseSlot(tx, engine, id),
    place: async (tx, sale) => {
      const { purchase, buyerId } = sale
      const deposit = depositOf(sale)
      const order = await placeReserved(tx, {
        ...{ engine, reservationId: purchase.id, orderId: purchase.orderId ?? '', buyerId },
        ...{ purse: purseAccount(deposit.rail.network), input: (purchase.input as JobInput).words },
      })
      await openPurse(tx, { order, deposit, issueReceipts, engine })
      // What has become of the job is looked up whenever it is asked for; there is nothing else to keep.
      return { status: 202, contentType: 'application/json', body: Buffer.from('{}'), latencyMs: 0 }
    },
    giveBack: async (tx, sale) => {
      const { purchase, buyerId } = sale
      await releaseSlot(tx, engine, purchase.id)
      await sendBack(tx, { id: purchase.orderId ?? '', buyerId, deposit: depositOf(sale) })
    },
  }
}
