import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { walletRefusals } from '../errors.ts'
import type { Payout, PayoutState } from './payout.ts'
import { giveBack, tell } from './settle.ts'
import { endPayout, hastenPayout, payoutOfParty } from './store.ts'

const CANCELLABLE: readonly PayoutState[] = ['queued_liquidity']

/**
 * Takes back a withdrawal that waits for the network to have money. Throws `withdrawal_unknown`, `rescue_not_cancellable`
 * and `withdrawal_not_cancellable`.
 */
export async function cancelWithdrawal(tx: Tx, { partyId, id }: { partyId: string; id: string }): Promise<Payout> {
  const payout = isId(id) ? await payoutOfParty(tx, { partyId, id }) : undefined
  if (!payout) throw walletRefusals.withdrawal_unknown()
  // The key that panics and the key that was stolen are one: what goes to the emergency address stays on its way (D-32).
  if (payout.kind === 'panic') throw walletRefusals.rescue_not_cancellable()
  if (!(await endPayout(tx, { id, state: 'cancelled', from: CANCELLABLE, failure: null })))
    throw walletRefusals.withdrawal_not_cancellable({ state: payout.state })
  await giveBack(tx, payout)
  tell(tx, { payout, name: 'wallet.withdrawal_cancelled' })
  return { ...payout, state: 'cancelled', endedAt: tx.now }
}

/** The operator's push: looked at now instead of after its pause. Throws `withdrawal_unknown` once it has ended. */
export async function retryPayout(tx: Tx, id: string): Promise<void> {
  if (!isId(id) || !(await hastenPayout(tx, id))) throw walletRefusals.withdrawal_unknown()
}
