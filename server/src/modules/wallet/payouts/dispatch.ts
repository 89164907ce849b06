import type { Tx } from '#platform/db'
import { accountedOn } from '../deposits/store.ts'
import { mendFinding, openFinding } from '../findings/findings.ts'
import type { DestinationProblem, Intent } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { alone } from './alone.ts'
import { insertAttempts, type NewAttempt, unseenOutflow } from './attempt-store.ts'
import { broadcastAll } from './broadcast.ts'
import type { ClaimedPayout } from './payout.ts'
import { failPayout, tell } from './settle.ts'
import { postponePayouts } from './store.ts'
import type { PayoutContext } from './worker.ts'

interface Batch {
  readonly lease: string
  readonly payouts: readonly ClaimedPayout[]
}

/** Signs, keeps and sends what has no transaction under way and nothing in its way. */
export async function dispatchPayouts(context: PayoutContext, { lease, payouts }: Batch): Promise<void> {
  if (payouts.length === 0) return
  const deliverable = await withoutProblems(context, payouts)
  const allowed = await withinCap(context, { lease, payouts: deliverable })
  const affordable = await fundedOnly(context, { lease, payouts: allowed })
  if (affordable.length === 0 || !(await gasFor(context, { lease, payouts: affordable }))) return
  await signAndSend(context, { lease, payouts: affordable })
}

/** The recipient's account may have gone since the request: then the money returns, fee and all (D-34). */
async function withoutProblems(
  context: PayoutContext,
  payouts: readonly ClaimedPayout[],
): Promise<readonly ClaimedPayout[]> {
  const { store, rail, settings, orders } = context
  const outgoing = payouts.filter(({ kind }) => kind !== 'sweep')
  if (outgoing.length === 0) return payouts
  const problems = await rail.problemsOf([...new Set(outgoing.map(({ destination }) => destination))])
  const problemOf = ({ kind, destination }: ClaimedPayout): DestinationProblem | null =>
    kind === 'sweep' ? null : (problems.get(destination) ?? null)
  for (const payout of outgoing) {
    const reason = problemOf(payout)
    if (reason !== null)
      await alone(context, payout, () => store.transact((tx) => failPayout(tx, { payout, reason, settings, orders })))
  }
  return payouts.filter((payout) => problemOf(payout) === null)
}

/** The signer would refuse these; an operator decides. */
async function withinCap({ store, rail, settings }: PayoutContext, { lease, payouts }: Batch) {
  const tooBig = payouts.filter(({ kind, net }) => kind !== 'sweep' && net > rail.maxPayment)
  if (tooBig.length === 0) return payouts
  await store.transact(async (tx) => {
    const ids = tooBig.map(({ id }) => id)
    await postponePayouts(tx, { ids, lease, pauseMs: settings.retryMs, state: 'queued_liquidity' })
    for (const { id, network, net } of tooBig) {
      const details = { network, net: String(net), cap: String(rail.maxPayment) }
      await openFinding(tx, { kind: 'payout_over_cap', subject: id, details })
    }
  })
  return payouts.filter((payout) => !tooBig.includes(payout))
}

/** Who can be paid from the hot wallet now, oldest first; the rest waits for a sweep, or for the operator. */
async function fundedOnly(
  { store, rail, settings }: PayoutContext,
  { lease, payouts }: Batch,
): Promise<readonly ClaimedPayout[]> {
  const outgoing = payouts.filter(({ kind }) => kind !== 'sweep')
  if (outgoing.length === 0) return payouts
  const { network } = rail
  // What is signed but not seen yet will leave; asked before the balance, so that it is rather counted twice than never.
  const promised = await unseenOutflow(store.read, network)
  let left = (await rail.spendable()) - promised
  const { sweepable } = await accountedOn(store.read, { network, sweepMinimum: settings.sweepMinimum })
  let coming = sweepable
  const waiting: ClaimedPayout[] = []
  const short: ClaimedPayout[] = []
  const funded = outgoing.filter((payout) => {
    if (payout.net <= left) {
      left -= payout.net
      return true
    }
    if (payout.net <= left + coming) {
      coming -= payout.net - (left > 0n ? left : 0n)
      waiting.push(payout)
    } else short.push(payout)
    return false
  })
  await postpone({ store, settings, lease, waiting, short })
  const held = new Set([...waiting, ...short])
  if (short.length === 0 && funded.length > 0)
    await store.transact((tx) => mendFinding(tx, { kind: 'liquidity_short', subject: network }))
  return payouts.filter((payout) => !held.has(payout))
}

interface Postponed {
  readonly store: PayoutContext['store']
  readonly settings: PayoutContext['settings']
  readonly lease: string
  readonly waiting: readonly ClaimedPayout[]
  readonly short: readonly ClaimedPayout[]
}

async function postpone({ store, settings, lease, waiting, short }: Postponed): Promise<void> {
  const idsOf = (payouts: readonly ClaimedPayout[]) => payouts.map(({ id }) => id)
  if (waiting.length > 0)
    await store.transact((tx) =>
      postponePayouts(tx, { ids: idsOf(waiting), lease, pauseMs: settings.pollMs, state: 'requested' }),
    )
  const [first] = short
  if (!first) return
  await store.transact(async (tx) => {
    await postponePayouts(tx, { ids: idsOf(short), lease, pauseMs: settings.retryMs, state: 'queued_liquidity' })
    for (const payout of short)
      if (payout.state !== 'queued_liquidity') tell(tx, { payout, name: 'wallet.withdrawal_queued' })
    const missing = short.reduce((sum, { net }) => sum + net, 0n)
    const details = { payouts: short.length, missing: String(missing) }
    await openFinding(tx, { kind: 'liquidity_short', subject: first.network, details })
  })
}

/** Without gas nothing could land; signing would only start a clock. */
async function gasFor({ store, rail, settings }: PayoutContext, { lease, payouts }: Batch): Promise<boolean> {
  const { network, feePayer } = rail
  const enough = await rail.canPayFees(payouts.length)
  await store.transact(async (tx) => {
    if (enough) return mendFinding(tx, { kind: 'fee_payer_empty', subject: network })
    await openFinding(tx, { kind: 'fee_payer_empty', subject: network, details: { feePayer, network } })
    for (const { id, state } of payouts)
      await postponePayouts(tx, { ids: [id], lease, pauseMs: settings.retryMs, state })
  })
  return enough
}

async function signAndSend(context: PayoutContext, { lease, payouts }: Batch): Promise<void> {
  const { store, rail, settings } = context
  const outcomes = await rail.sign(payouts.map(intentOf))
  const attempts: NewAttempt[] = []
  for (const [i, outcome] of outcomes.entries()) {
    const { id, attempts: before, state } = payouts[i] as ClaimedPayout
    if ('done' in outcome) attempts.push({ ...outcome.done, payoutId: id, n: before + 1 })
    else await store.transact((tx) => setAside(tx, { id, lease, state, settings, reason: outcome.refused }))
  }
  const kept = await store.transact((tx) => insertAttempts(tx, { lease, attempts }))
  await broadcastAll(
    context,
    attempts.filter(({ payoutId }) => kept.has(payoutId)),
  )
}

/** The signer will not sign it; retrying will not help, and nothing else may wait for it. */
async function setAside(
  tx: Tx,
  refused: Pick<ClaimedPayout, 'id' | 'state'> & { lease: string; settings: WalletSettings; reason: unknown },
): Promise<void> {
  const { id, lease, state, settings, reason } = refused
  await postponePayouts(tx, { ids: [id], lease, pauseMs: settings.idleDepositCheckMs, state })
  await openFinding(tx, { kind: 'payout_refused', subject: id, details: { reason: String(reason) } })
}

function intentOf({ id, kind, sourceIndex, destination, net, attempts }: ClaimedPayout): Intent {
  const reference = `souk:${id}:${attempts + 1}`
  if (kind !== 'sweep') return { kind: 'pay', to: destination, amount: net, reference }
  if (sourceIndex === null) throw new Error(`sweep ${id} has no address to sweep`)
  return { kind: 'collect', index: sourceIndex, amount: net, reference }
}
