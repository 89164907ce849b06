import type { Tx } from '#platform/db'
import { decide, type Outcome } from './delivery.ts'
import { worsen } from './endpoint.ts'
import { lockEndpoint, markWell, saveHealth } from './endpoint-store.ts'
import { emitWebhook } from './events.ts'
import { type Claim, disableWaiting, putOff, saveOutcome } from './store.ts'

export interface Sent {
  readonly claim: Claim
  readonly outcome: Outcome
  /** The headers that were sent. */
  readonly request: Readonly<Record<string, string>>
}

/** Writes down what came of an attempt, and what that says of the address. */
export async function conclude(tx: Tx, sent: Sent): Promise<void> {
  if (sent.outcome.error !== null) return concludeFailure(tx, sent)
  await saveOutcome(tx, { ...sent, verdict: decide(sent.claim.attempts, sent.outcome, tx.now) })
  await markWell(tx, sent.claim.endpointId)
}

/** Locks the address first: failures of several senders at once add up, and it is disabled and told of once. */
async function concludeFailure(tx: Tx, sent: Sent): Promise<void> {
  const { claim, outcome } = sent
  const verdict = decide(claim.attempts, outcome, tx.now)
  const endpoint = await lockEndpoint(tx, claim.endpointId)
  if (!endpoint) return saveOutcome(tx, { ...sent, verdict })
  const health = worsen(endpoint, { outcome, verdict, now: tx.now })
  const { disabledBecause, failingSince, restingUntil } = health
  const isDisabled = disabledBecause !== null && !outcome.isOurs
  await saveOutcome(tx, { ...sent, verdict: isDisabled ? { state: 'disabled', dueAt: null } : verdict })
  await saveHealth(tx, endpoint.id, health)
  if (restingUntil !== null && restingUntil !== endpoint.restingUntil) await putOff(tx, endpoint.id, restingUntil)
  if (disabledBecause === null || endpoint.disabledBecause !== null) return
  await disableWaiting(tx, endpoint.id)
  emitWebhook(tx, 'webhook.endpoint_disabled', {
    ...{ partyId: endpoint.partyId, endpointId: endpoint.id, url: endpoint.url, because: disabledBecause },
    failingSince: (failingSince ?? tx.now).toISOString(),
  })
}
