import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import { walletRefusals } from '../errors.ts'
import type { Payout, PayoutState } from './payout.ts'
import { giveBack, tell } from './settle.ts'
import { endPayout, hastenPayout, isKnownSince, payoutOfParty } from './store.ts'

const CANCELLABLE: readonly PayoutState[] = ['queued_liquidity']
/** Several times as long as a waiting payout goes without being looked for on the chain. */
const FORGOTTEN_AFTER_MS = 600_000

/**
 * Takes back a withdrawal that waits for the network to have money. Throws `withdrawal_unknown`, `rescue_not_cancellable`
 * and `withdrawal_not_cancellable`.
 */
export async function cancelWithdrawal(tx: Tx, { partyId, id }: { partyId: string; id: string }): Promise<Payout> {
  const payout = isId(id) ? await payoutOfParty(tx, { partyId, id }) : undefined
  if (!payout) throw walletRefusals.withdrawal_unknown()
  // The key that panics and the key that was stolen are one: what goes to the emergency address stays on its way (D-32).
  if (payout.kind === 'panic') throw walletRefusals.rescue_not_cancellable()
  const isWaiting = CANCELLABLE.includes(payout.state)
  if (isWaiting && !(await isKnownSince(tx, { id, withinMs: FORGOTTEN_AFTER_MS })))
    throw walletRefusals.withdrawal_not_cancellable({ state: 'being looked for on the chain' })
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
