import { authorizationOf } from './authorization.ts'
import type { SettlementChain } from './chain.ts'
import { GRACE_SECONDS } from './look.ts'
import type { Payment, SettlementResult } from './payment.ts'

/** What the chain says of an authorization that others may have sent, and nobody else: asked once, and nothing is sent. */
export async function outcomeOf(payment: Payment, { chain }: { chain: SettlementChain }): Promise<SettlementResult> {
  const authorization = authorizationOf(payment)
  // The time first: what is used after it was asked for is found, and what is found unused after the end was never used.
  const now = await chain.time()
  const paid = await chain.transferOf(authorization)
  if (paid) return { state: 'settled', txHash: paid.txHash }
  if (now <= authorization.validBefore + GRACE_SECONDS) return { state: 'pending', txHash: null }
  return { state: 'failed', reason: 'invalid_exact_evm_payload_authorization_valid_before', txHash: null }
}
