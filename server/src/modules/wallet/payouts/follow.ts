import type { Tx } from '#platform/db'
import { openFinding } from '../findings/findings.ts'
import type { ChainStatus } from '../rail.ts'
import { alone } from './alone.ts'
import { endAttempt, markMissing, markSeen } from './attempt-store.ts'
import { broadcastAll } from './broadcast.ts'
import { landPayout } from './of-orders.ts'
import type { ClaimedPayout, LiveAttempt } from './payout.ts'
import { confirmPayout, failPayout } from './settle.ts'
import { reopenPayout } from './store.ts'
import type { PayoutContext } from './worker.ts'

interface Followed {
  readonly payout: ClaimedPayout
  readonly live: LiveAttempt
}

/** How many dead transactions in a row an operator should hear of. */
export const STUCK_ATTEMPTS = 3

/** Asks what became of the transactions under way and acts on it. */
export async function followPayouts(context: PayoutContext, claimed: readonly ClaimedPayout[]): Promise<void> {
  const followed = claimed.flatMap((payout) => (payout.live ? [{ payout, live: payout.live }] : []))
  if (followed.length === 0) return
  const { store, rail } = context
  // The height first: what is missing from an answer given after it can no longer be in an earlier block.
  const height = await rail.finalizedHeight()
  const statuses = await rail.statusesOf(followed.map(({ live }) => live.signature))
  const withState = (state: ChainStatus['state']) =>
    followed.filter(({ live }) => (statuses.get(live.signature)?.state ?? 'missing') === state)
  for (const one of withState('finalized'))
    await alone(context, one.payout, () => finish(context, one, statuses.get(one.live.signature)))
  const seen = withState('seen').filter(({ live }) => !live.seen || live.missing !== 'no')
  if (seen.length > 0) await store.transact((tx) => markSeen(tx, signaturesOf(seen)))
  for (const { payout, live } of withState('seen').filter(hasArrived(statuses)))
    await alone(context, payout, () =>
      store.transact((tx) => landPayout(tx, { payout, txHash: live.signature, orders: context.orders })),
    )
  const missing = withState('missing')
  await resend(
    context,
    missing.filter(({ live }) => live.lastValidBlockHeight >= height),
  )
  await giveUp(
    context,
    missing.filter(({ live }) => live.lastValidBlockHeight < height),
  )
}

/** Orders are concluded as soon as their money is in a block; nobody waits for it to be final. */
function hasArrived(statuses: ReadonlyMap<string, ChainStatus>) {
  return ({ payout, live }: Followed): boolean => {
    const status = statuses.get(live.signature)
    return payout.orderId !== null && payout.landedAt === null && status?.state === 'seen' && status.succeeded
  }
}

async function finish(
  { store, rail, settings, orders }: PayoutContext,
  { payout, live }: Followed,
  status?: ChainStatus,
) {
  if (status?.state !== 'finalized') return
  const { error } = status
  await store.transact(async (tx) => {
    if (error === null) return confirmPayout(tx, { payout, live, rail, settings, orders })
    // It paid a fee and did nothing. Where our own money was missing another try is right; elsewhere it is hopeless.
    if (status.short || payout.kind === 'sweep')
      return startOver(tx, { payout, live, error, pauseMs: settings.retryMs })
    return failPayout(tx, { payout, reason: error, settings, orders })
  })
}

/** The very same bytes again: a transaction can land only once (D-15). One that was found on the chain has none. */
async function resend(context: PayoutContext, missing: readonly Followed[]): Promise<void> {
  await broadcastAll(
    context,
    missing
      .filter(({ live }) => live.resendDue && live.bytes.length > 0)
      .map(({ payout, live }) => ({ payoutId: payout.id, ...live })),
  )
}

/** Past its last valid block, and looked for in vain twice with time between: only then it is dead (D-15). */
async function giveUp(context: PayoutContext, expired: readonly Followed[]): Promise<void> {
  const { store, settings } = context
  const firstTime = expired.filter(({ live }) => live.missing === 'no')
  if (firstTime.length > 0) await store.transact((tx) => markMissing(tx, signaturesOf(firstTime)))
  const over = { error: 'expired', pauseMs: settings.pollMs }
  for (const { payout, live } of expired.filter(({ live }) => live.missing === 'twice'))
    await alone(context, payout, () => store.transact((tx) => startOver(tx, { payout, live, ...over })))
}

async function startOver(
  tx: Tx,
  { payout, live, error, pauseMs }: Followed & { error: string; pauseMs: number },
): Promise<void> {
  const { id, attempts, network, kind } = payout
  if (!(await endAttempt(tx, { payoutId: id, n: live.n, state: 'dead', error }))) return
  await reopenPayout(tx, { id, pauseMs: pauseMs * attempts })
  if (attempts < STUCK_ATTEMPTS) return
  await openFinding(tx, { kind: 'payout_stuck', subject: id, details: { network, kind, attempts, error } })
}

function signaturesOf(followed: readonly Followed[]): string[] {
  return followed.map(({ live }) => live.signature)
}
