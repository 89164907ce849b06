import type { Micros } from '#kernel/money'
import { available, openAccounts, pending, post, world } from '#ledger'
import type { Engine, Order } from '#orders'
import type { Tx } from '#platform/db'
import type { IssueReceipts } from '#receipts'
import { noteArrival, type Rail, requestOrderPayout } from '#wallet'
import { insertPurse } from './store.ts'

export type Network = Rail['network']

/** A payment that has been settled into the market's own wallet. */
export interface ChainDeposit {
  /** CAIP-2 */
  readonly network: string
  readonly rail: Pick<Rail, 'network' | 'hotWallet'>
  readonly txHash: string
  /** The payer's; what returns goes there. */
  readonly wallet: string
  readonly amount: Micros
}

/** What an order is paid from whose money comes over a chain: the other side of all that lies there. */
export function purseAccount(network: Network) {
  return world('USDC', network)
}

interface Opened {
  readonly order: Order
  readonly deposit: ChainDeposit
  readonly issueReceipts: IssueReceipts
  readonly engine: Pick<Engine, 'circumstancesOf'>
}

/**
 * Binds an order that was just placed to the payment it was placed for (PA-40): from where it came, where it returns to, and the
 * receipt of the deposit. In the unit of work that placed it.
 */
export async function openPurse(tx: Tx, { order, deposit, issueReceipts, engine }: Opened): Promise<void> {
  const { network, rail, txHash, wallet, amount } = deposit
  const { id, form, buyerId, sellerId, listingId, asset } = order
  if (order.held !== amount) throw new Error(`order ${id} holds ${order.held}, and ${amount} came for it`)
  await insertPurse(tx, { orderId: id, network, rail: rail.network, wallet, amount, txHash })
  await noteArrival(tx, { rail, txHash, subject: id, amount })
  const parties = { orderId: id, form, buyerId, sellerId, listingId, asset, ...engine.circumstancesOf(order) }
  await issueReceipts(tx, [
    { ...parties, type: 'escrow_deposit', price: amount, payout: 0n, fee: 0n, network, txHash, buyerWallet: wallet },
  ])
}

/** No order came of it: the whole payment goes back to the payer's wallet. Where that cannot be, to the buyer's balance. */
export async function sendBack(
  tx: Tx,
  { id, buyerId, deposit }: { id: string; buyerId: string; deposit: ChainDeposit },
): Promise<void> {
  const { rail, txHash, wallet, amount } = deposit
  const [heldIn, returnTo] = [pending('USDC', id), available('USDC', buyerId)]
  await noteArrival(tx, { rail, txHash, subject: id, amount })
  await openAccounts(tx, heldIn, returnTo)
  const postings = [{ from: purseAccount(rail.network), to: heldIn, amount }]
  await post(tx, { key: `order:${id}:send-back`, reason: 'refund', subject: id, postings })
  await requestOrderPayout(tx, {
    ...{ orderId: id, kind: 'refund', network: rail.network, destination: wallet, amount, heldIn, returnTo },
  })
}
