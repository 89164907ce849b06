import { mendFinding, openFinding } from '../findings/findings.ts'
import type { Rail, References } from '../rail.ts'
import { alone } from './alone.ts'
import { type FoundAttempt, insertFound } from './attempt-store.ts'
import { STUCK_ATTEMPTS } from './follow.ts'
import type { ClaimedPayout } from './payout.ts'
import { markKnown, postponePayouts } from './store.ts'
import type { PayoutContext } from './worker.ts'

interface Search {
  readonly lease: string
  readonly payouts: readonly ClaimedPayout[]
}

/** A block's own time may lag behind ours by this much, and a transaction may land this long after it was signed. */
const SLACK_MS = 600_000
/** Its last valid block is at most 150 after the one it was signed at; finality is some 32 behind. */
const BLOCKS_LEFT = 300n
const REFERENCE = /souk:([0-9a-f-]{36}):(\d{1,9})/g

type Verdict = 'unsent' | 'pending' | 'unknown' | FoundAttempt

/**
 * A database that was restored from a backup knows nothing of what was sent since, but the chain does: every transaction
 * of ours carries its payout's id. So nothing that has waited for a while is signed, returned or cancelled before the
 * chain was searched for it. Answers those that are safe to go on with.
 */
export async function withoutSent(context: PayoutContext, search: Search): Promise<readonly ClaimedPayout[]> {
  const asked = search.payouts.filter(({ searchDue }) => searchDue)
  if (asked.length === 0) return search.payouts
  const verdicts = await verdictsOn(context, asked)
  const having = (verdict: Verdict) => asked.filter(({ id }) => verdicts.get(id) === verdict)
  const found = [...verdicts.values()].filter((one) => typeof one !== 'string')
  if (found.length > 0) await adopt(context, { lease: search.lease, found })
  await goOn(context, { lease: search.lease, payouts: having('unsent') })
  await hold(context, { lease: search.lease, pending: having('pending'), unknown: having('unknown') })
  return search.payouts.filter(({ id }) => (verdicts.get(id) ?? 'unsent') === 'unsent')
}

async function verdictsOn(
  context: PayoutContext,
  asked: readonly ClaimedPayout[],
): Promise<ReadonlyMap<string, Verdict>> {
  const { rail, log } = context
  const verdicts = new Map<string, Verdict>(asked.map(({ id }) => [id, 'unknown']))
  try {
    const since = Math.min(...asked.map(({ knownUntil }) => knownUntil.getTime()))
    const references = await rail.referencesSince(new Date(since - SLACK_MS))
    const looked = { reach: references.reach, of: candidatesIn(references) }
    for (const payout of asked)
      await alone(context, payout, async () => {
        verdicts.set(payout.id, await verdictOn(rail, { payout, ...looked }))
      })
  } catch (error) {
    log.warn({ err: error, payouts: asked.length }, 'the chain could not be searched for payouts sent already')
  }
  return verdicts
}

interface Candidate {
  readonly signature: string
  readonly n: number
  readonly isFinal: boolean
}

function candidatesIn({ carried }: References): ReadonlyMap<string, readonly Candidate[]> {
  const candidates = new Map<string, Candidate[]>()
  for (const { signature, reference, isFinal } of carried)
    for (const [, id = '', n] of reference.matchAll(REFERENCE))
      candidates.set(id, [...(candidates.get(id) ?? []), { signature, n: Number(n), isFinal }])
  return candidates
}

interface Looked {
  readonly payout: ClaimedPayout
  readonly reach: Date | null
  readonly of: ReadonlyMap<string, readonly Candidate[]>
}

/** Anybody can write a memo; only our own key can have taken exactly this amount from this account. */
async function verdictOn(rail: Rail, { payout, reach, of }: Looked): Promise<Verdict> {
  const { id, kind, net, sourceIndex, attempts, knownUntil } = payout
  const source = kind === 'sweep' ? await rail.addressAt(sourceIndex ?? 0) : rail.hotWallet
  let pending = false
  for (const { signature, n, isFinal } of of.get(id) ?? []) {
    if (!isFinal) pending = true
    else if ((await rail.movement(signature, source.tokenAccount)).change === -net)
      return { payoutId: id, n: Math.max(n, attempts + 1), signature, tokenAccount: source.tokenAccount }
  }
  if (pending) return 'pending'
  return reach !== null && reach.getTime() < knownUntil.getTime() - SLACK_MS ? 'unsent' : 'unknown'
}

/** From here on it is followed like every other transaction, only that it cannot be sent again. */
async function adopt(
  { store, rail }: PayoutContext,
  { lease, found }: { lease: string; found: readonly FoundAttempt[] },
): Promise<void> {
  const { network, hotWallet } = rail
  const lastValidBlockHeight = (await rail.finalizedHeight()) + BLOCKS_LEFT
  await store.transact(async (tx) => {
    const kept = await insertFound(tx, { lease, found, lastValidBlockHeight })
    for (const { payoutId, signature, tokenAccount } of found) {
      if (!kept.has(payoutId)) continue
      await mendFinding(tx, { kind: 'unexplained_outflow', subject: `${network}:${signature}:${tokenAccount}` })
      const arrival = `${network}:${signature}:${hotWallet.tokenAccount}`
      await mendFinding(tx, { kind: 'unattributed_deposit', subject: arrival })
    }
  })
}

async function goOn({ store }: PayoutContext, { lease, payouts }: Search): Promise<void> {
  if (payouts.length === 0) return
  await store.transact(async (tx) => {
    await markKnown(tx, { lease, ids: payouts.map(({ id }) => id) })
    for (const { id, attempts } of payouts)
      if (attempts < STUCK_ATTEMPTS) await mendFinding(tx, { kind: 'payout_stuck', subject: id })
  })
}

interface Held {
  readonly lease: string
  readonly pending: readonly ClaimedPayout[]
  readonly unknown: readonly ClaimedPayout[]
}

/** As `requested`, because what waits for liquidity could be cancelled although it was sent. */
async function hold({ store, settings }: PayoutContext, { lease, pending, unknown }: Held): Promise<void> {
  const held = [...pending, ...unknown].map(({ id }) => id)
  if (held.length === 0) return
  await store.transact(async (tx) => {
    await postponePayouts(tx, { ids: held, lease, pauseMs: settings.retryMs, state: 'requested' })
    for (const { id, network, kind, attempts } of unknown) {
      const details = { network, kind, attempts, error: 'the chain could not be searched for it' }
      await openFinding(tx, { kind: 'payout_stuck', subject: id, details })
    }
  })
}
