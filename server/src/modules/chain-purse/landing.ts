import { available, openAccounts, pending } from '#ledger'
import { costOf, type Engine, type Order, ordersById } from '#orders'
import type { Tx } from '#platform/db'
import type { IssueReceipts } from '#receipts'
import { type OrderPayouts, requestOrderPayout } from '#wallet'
import { type ChainPurse, pursesOf } from './store.ts'

export interface LandingDeps {
  readonly engine: Pick<Engine, 'move' | 'lock' | 'circumstancesOf'>
  readonly issueReceipts: IssueReceipts
}

/** What orders do when money of theirs has landed, or cannot be sent; asked by the wallet, in its unit of work. */
export function createOrderPayouts(deps: LandingDeps): OrderPayouts {
  return {
    landed: async (tx, { payout: { kind, orderId }, txHash }) => {
      const id = orderId ?? ''
      const purse = (await pursesOf(tx, [id])).get(id)
      // No order came of that payment; it went back as it came.
      if (!purse) return
      const { network, wallet } = purse
      if (kind === 'surplus') return receiptSurplus(tx, deps, { purse, txHash })
      const before = (await deps.engine.lock(tx, [{ orderId: id, move: { do: 'fail' } }])).get(id)
      const order = await deps.engine.move(tx, { orderId: id, move: { do: 'land', paid: { network, txHash, wallet } } })
      if (kind === 'release' && before) await returnSurplus(tx, { before, order, purse })
    },
    failed: async (tx, { payout: { orderId } }) => {
      await deps.engine.move(tx, { orderId: orderId ?? '', move: { do: 'fail' } })
    },
  }
}

/** PA-46: what was paid beyond the price goes back to the payer. */
async function returnSurplus(
  tx: Tx,
  { before, order, purse }: { before: Order; order: Order; purse: ChainPurse },
): Promise<void> {
  const amount = before.held - costOf(order)
  if (amount === 0n) return
  const [heldIn, returnTo] = [pending('USDC', order.id), available('USDC', order.buyerId)]
  await openAccounts(tx, returnTo)
  const request = {
    orderId: order.id,
    kind: 'surplus',
    network: purse.rail,
    destination: purse.wallet,
    amount,
  } as const
  await requestOrderPayout(tx, { ...request, heldIn, returnTo })
}

async function receiptSurplus(
  tx: Tx,
  { issueReceipts, engine }: LandingDeps,
  { purse: { orderId, network, wallet, amount }, txHash }: { purse: ChainPurse; txHash: string },
): Promise<void> {
  const order = (await ordersById(tx, [orderId])).get(orderId)
  if (!order) throw new Error(`order ${orderId} is gone`)
  const { form, buyerId, sellerId, listingId, asset } = order
  const parties = { orderId, form, buyerId, sellerId, listingId, asset, ...engine.circumstancesOf(order) }
  const paid = { network, txHash, buyerWallet: wallet }
  await issueReceipts(tx, [
    { ...parties, ...paid, type: 'escrow_refund', price: amount - costOf(order), payout: 0n, fee: 0n },
  ])
}
