import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { type AccountId, post } from '#ledger'
import type { Tx } from '#platform/db'
import type { Network } from '../rail.ts'
import type { OrderPayoutKind } from './of-orders.ts'
import type { PayoutKind } from './payout.ts'
import { insertPayout } from './store.ts'

export interface PayoutRequest {
  readonly kind: Exclude<PayoutKind, 'sweep' | OrderPayoutKind>
  readonly partyId: string | null
  readonly network: Network
  /** Owner's address; the rail pays the token account that belongs to it. */
  readonly destination: string
  /** What leaves the account; `fee` of it stays with the platform. */
  readonly gross: Micros
  readonly fee: Micros
  /** Where the money is taken from now: one account, or parts of the gross from several. */
  readonly from: AccountId | readonly { readonly account: AccountId; readonly amount: Micros }[]
  /** Where it waits for the chain, and where it goes if it cannot be delivered. */
  readonly heldIn: AccountId
  readonly returnTo: AccountId
}

/**
 * Sets money aside and asks for it to be sent, in one unit of work; the sending happens later, and exactly once (D-15).
 * Throws `insufficient_funds`.
 */
export async function requestPayout(tx: Tx, request: PayoutRequest): Promise<{ id: string; net: Micros }> {
  const { from, heldIn, ...rest } = request
  const id = newId()
  const net = request.gross - request.fee
  const parts = typeof from === 'string' ? [{ account: from, amount: request.gross }] : from
  await post(tx, {
    key: `withdrawal:${id}:lock`,
    reason: 'withdrawal',
    subject: id,
    postings: parts.map(({ account, amount }) => ({ from: account, to: heldIn, amount })),
  })
  await insertPayout(tx, { ...rest, id, net, heldIn, orderId: null, sourceIndex: null })
  return { id, net }
}
