import type { Micros } from '#kernel/money'
import type { Refusal } from '#kernel/refusal'
import type { Tx } from '#platform/db'
import { spendingRefusals } from './errors.ts'
import { freezesOf, saveFreeze } from './store.ts'

/** Money about to leave a party's hands, by whichever route (D-33). */
export interface Payment {
  readonly partyId: string
  /** The key that asked, where one did. */
  readonly keyId?: string
  readonly amount: Micros
  readonly payeeId: string | null
  /** `order`, `withdrawal`, … */
  readonly purpose: string
}

/**
 * Judges payments in the transaction that holds their money, in order, null where one may go ahead. Today the only rule
 * a party can have is a freeze; amounts are unlimited until a party sets itself limits (D-21).
 */
export async function authorize(tx: Tx, payments: readonly Payment[]): Promise<(Refusal | null)[]> {
  if (payments.length === 0) return []
  const freezes = await freezesOf(
    tx,
    payments.map(({ partyId }) => partyId),
  )
  return payments.map(({ partyId }) => {
    const freeze = freezes.get(partyId)
    return freeze
      ? spendingRefusals.outgoing_frozen({ until: freeze.until.toISOString(), reason: freeze.reason })
      : null
  })
}

/** Stops all outgoing money of a party until an instant; a later freeze extends an earlier one (D-32). */
export async function freezeOutgoing(
  tx: Tx,
  freeze: { readonly partyId: string; readonly until: Date; readonly reason: string },
): Promise<void> {
  await saveFreeze(tx, freeze)
  tx.emit({
    name: 'spending.frozen',
    subject: freeze.partyId,
    payload: { partyId: freeze.partyId, until: freeze.until.toISOString(), reason: freeze.reason },
  })
}
