import { payoutWalletOn, profilesOf } from '#identity'
import { available, escrow, openAccounts } from '#ledger'
import { type MoveRequest, type Order, type PayOut, payoutOf } from '#orders'
import { openFinding, requestOrderPayout } from '#wallet'
import { type ChainPurse, pursesOf } from './store.ts'

/**
 * Sends what was decided of orders whose money is on a chain: the price to the seller's wallet, or everything back to the
 * payer's. Asked by the engine, in the unit of work of the decision; each order once, whoever decides.
 */
export function createPayOut(): PayOut {
  return async (tx, orders) => {
    if (orders.length === 0) return []
    const sellers = orders.flatMap(({ sellerId }) => (sellerId === null ? [] : [sellerId]))
    const [purses, profiles] = await Promise.all([
      pursesOf(
        tx,
        orders.map(({ id }) => id),
      ),
      profilesOf(tx, [...new Set(sellers)]),
    ])
    const unpaid: MoveRequest[] = []
    for (const order of orders) {
      const purse = purses.get(order.id)
      if (!purse) throw new Error(`order ${order.id} is paid over a chain, and nobody knows from where`)
      const seller = profiles.get(order.sellerId ?? '')
      const payTo = seller ? payoutWalletOn(seller, purse.network) : null
      const leg = legOf(order, { purse, payTo })
      if (leg === null) {
        const details = { reason: 'the seller has named no wallet on this network', sellerId: order.sellerId }
        await openFinding(tx, { kind: 'payout_undeliverable', subject: order.id, details })
        unpaid.push({ orderId: order.id, move: { do: 'fail' } })
        continue
      }
      const [heldIn, returnTo] = [escrow('USDC', order.id), available('USDC', leg.partyId)]
      await openAccounts(tx, returnTo)
      const { kind, destination, amount } = leg
      const request = { orderId: order.id, kind, network: purse.rail, destination, amount } as const
      await requestOrderPayout(tx, { ...request, heldIn, returnTo })
    }
    return unpaid
  }
}

interface Places {
  readonly purse: ChainPurse
  readonly payTo: string | null
}

/** Which way the money goes; null where there is no way. */
function legOf(order: Order, { purse, payTo }: Places) {
  const { outcome, sellerId, buyerId, held } = order
  if (outcome !== 'completed')
    return { kind: 'refund', destination: purse.wallet, amount: held, partyId: buyerId } as const
  if (payTo === null || sellerId === null) return null
  return { kind: 'release', destination: payTo, amount: payoutOf(order), partyId: sellerId } as const
}
