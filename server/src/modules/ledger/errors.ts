import { defineRefusals } from '#kernel/refusal'
import { violatedConstraint } from '#platform/db/outcome'

export const ledgerRefusals = defineRefusals({
  insufficient_funds: [
    'unfunded',
    'The available balance is too small for this',
    'Deposit more USDC (GET /api/v1/wallet/deposit-address says where) or choose something cheaper, then send the request again.',
  ],
  already_posted: [
    'conflict',
    'This movement of money has already been made',
    'Nothing to do: read the object again to see its state.',
  ],
})

/** The two constraints that stand for a refusal; anything else the database says is our bug. */
export function explain(error: unknown): never {
  const constraint = violatedConstraint(error)
  if (constraint === 'account_not_overdrawn') throw ledgerRefusals.insufficient_funds()
  if (constraint === 'transfer_key') throw ledgerRefusals.already_posted()
  throw error
}
