import type { Sweep } from '#platform/sweeps'
import { mendFinding, openFinding } from '../findings/findings.ts'
import { openSubjects } from '../findings/store.ts'
import { sweepsUnderway } from '../payouts/attempt-store.ts'
import { requestSweep } from '../payouts/sweep.ts'
import { HOT_WALLET_INDEX, registerHotWallet } from './assign.ts'
import { type ScanContext, scanAddress } from './scan.ts'
import {
  addressAtIndex,
  anyAddressDue,
  claimDueAddresses,
  type DepositAddress,
  lockAddress,
  postponeCheck,
} from './store.ts'

const BATCH = 100
const AT_ONCE = 4

/**
 * Looks at addresses in turn, a hundred with one question: where the balance on the chain is what the books say, nothing
 * happened. Only the others are read closely; what cannot be explained even so becomes a finding (D-17).
 */
export function depositSweep(context: ScanContext): Sweep {
  const { store, rail, settings } = context
  const { network } = rail
  let registered = false
  return {
    name: `deposits:${network}`,
    everyMs: Math.min(settings.depositCheckMs, 1000),
    ignoresWakes: true,
    run: async () => {
      if (!registered) await store.transact((tx) => registerHotWallet(tx, rail))
      registered = true
      if (!(await anyAddressDue(store.read, network))) return 0
      const { depositCheckMs: busyMs, idleDepositCheckMs: idleMs } = settings
      const turn = { network, limit: BATCH, busyMs, idleMs }
      const due = await store.transact((tx) => claimDueAddresses(tx, turn))
      if (due.length === 0) return 0
      const held = await rail.holdings(due.map(({ tokenAccount }) => tokenAccount))
      const known = await openSubjects(store.read, { kind: 'custody_difference', subjects: due.map(subjectOf) })
      await inChunks(due, async (address) => {
        const isKnown = known.has(subjectOf(address))
        if (address.index === HOT_WALLET_INDEX || !matches(address, held)) await explain(context, address)
        else await settleDown(context, address, isKnown)
      })
      return due.length
    },
  }
}

/** A few at a time, each alone: an address that makes trouble holds back no other, and still is heard of. */
async function inChunks<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const troubles: unknown[] = []
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const settled = await Promise.allSettled(items.slice(from, from + AT_ONCE).map(work))
    troubles.push(...settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])))
  }
  if (troubles.length > 0) throw troubles[0]
}

async function explain(context: ScanContext, address: DepositAddress): Promise<void> {
  const { store, rail, settings } = context
  await scanAddress(context, { address, after: address.lastSignature })
  if (address.index === HOT_WALLET_INDEX || (await isExplained(context, address))) return
  // A node may have hidden an older transaction for a while, so everything is read again from the beginning.
  await scanAddress(context, { address, after: null })
  if (await isExplained(context, address)) return
  const now = await addressAtIndex(store.read, address)
  if (!now) return
  const held = await rail.holdings([now.tokenAccount])
  const details = {
    network: now.network,
    address: now.address,
    partyId: now.partyId,
    accounted: String(now.credited - now.swept),
    held: String(held.get(now.tokenAccount) ?? 0n),
  }
  await store.transact(async (tx) => {
    await openFinding(tx, { kind: 'custody_difference', subject: subjectOf(now), details })
    await postponeCheck(tx, { network: now.network, index: now.index, pauseMs: settings.idleDepositCheckMs })
  })
}

/** Reads both sides anew; while a sweep is on its way the two may differ rightly. */
async function isExplained({ store, rail }: ScanContext, { network, index }: DepositAddress): Promise<boolean> {
  const before = await addressAtIndex(store.read, { network, index })
  if (!before || (await sweepsUnderway(store.read, { network, index }))) return true
  const held = await rail.holdings([before.tokenAccount])
  const after = await addressAtIndex(store.read, { network, index })
  return (after !== undefined && matches(after, held)) || matches(before, held)
}

/** Ends a finding that has mended itself, and asks for a sweep that is due and was not asked for. */
async function settleDown({ store, rail, settings }: ScanContext, address: DepositAddress, isKnown: boolean) {
  const isRipe = address.credited - address.swept >= settings.sweepMinimum
  if (!isKnown && !isRipe) return
  await store.transact(async (tx) => {
    if (isKnown) await mendFinding(tx, { kind: 'custody_difference', subject: subjectOf(address) })
    const now = isRipe ? await lockAddress(tx, address) : undefined
    if (now) await requestSweep(tx, { address: now, balance: now.credited - now.swept, credits: { rail, settings } })
  })
}

function matches({ tokenAccount, credited, swept }: DepositAddress, held: ReadonlyMap<string, bigint>): boolean {
  return held.get(tokenAccount) === credited - swept
}

function subjectOf({ network, tokenAccount }: Pick<DepositAddress, 'network' | 'tokenAccount'>): string {
  return `${network}:${tokenAccount}`
}
