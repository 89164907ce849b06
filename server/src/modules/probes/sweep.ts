import { randomInt } from 'node:crypto'
import type { Logger } from 'pino'
import { newId } from '#kernel/id'
import { addSeconds } from '#kernel/time'
import { type Offer, offersById } from '#offers'
import type { Store, Tx } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { Sweep } from '#platform/sweeps'
import type { Finding } from './condition.ts'
import { look } from './look.ts'
import { noteProbe } from './note.ts'
import { countUse, type Due, hasDue, lease, lockDue, lockHosts, postpone } from './store.ts'

export interface ProbeSettings {
  /** How often a listing that is well is looked at; 0: never. */
  readonly probeEverySeconds: number
  /** How often one host is asked at most, whatever is listed on it. */
  readonly probesPerHostHour: number
}

export interface ProbeDeps {
  readonly store: Store
  readonly outbound: Pick<Outbound, 'fetch'>
  readonly settings: ProbeSettings
  readonly log: Pick<Logger, 'warn'>
}

const AT_ONCE = 20
/** Longer than any look. */
const LEASE_MS = 30_000
/** So many hosts of which none was reached: it is our own way out that is broken. */
const DOUBTFUL_HOSTS = 5
const DOUBT_SECONDS = 300

/** Looks at listings when they are due; any number of processes share the work. */
export function probeSweep(deps: ProbeDeps): Sweep {
  const { store, outbound, settings, log } = deps
  return {
    name: 'offers:probe',
    everyMs: 1000,
    ignoresWakes: true,
    run: async () => {
      if (settings.probeEverySeconds === 0 || !(await hasDue(store.read, await store.now()))) return 0
      const mine = newId()
      const { taken, claimed } = await store.transact((tx) => claim(tx, { lease: mine, settings }))
      const offers = await offersById(
        store.read,
        taken.map(({ offerId }) => offerId),
      )
      const seen = await Promise.all(taken.flatMap((due) => seeing(due, offers.get(due.offerId), outbound)))
      if (areWeOffline(seen)) {
        log.warn({ probes: seen.length }, 'no listing could be reached, so this market doubts its own connection')
        await store.transact((tx) =>
          postpone(
            tx,
            seen.map(({ offerId }) => ({ offerId, dueAt: addSeconds(tx.now, DOUBT_SECONDS) })),
          ),
        )
        return claimed
      }
      for (const { offerId, finding } of seen) {
        const everySeconds = spread(settings.probeEverySeconds)
        await store.transact((tx) => noteProbe(tx, { offerId, lease: mine, finding, everySeconds }))
      }
      return claimed
    },
  }
}

/** Takes what is due as far as each host's hour allows; the rest waits for the next one. */
async function claim(
  tx: Tx,
  { lease: mine, settings }: { lease: string; settings: ProbeSettings },
): Promise<{ taken: Due[]; claimed: number }> {
  const due = await lockDue(tx, AT_ONCE)
  if (due.length === 0) return { taken: [], claimed: 0 }
  const hosts = new Map((await lockHosts(tx, [...new Set(due.map(({ host }) => host))])).map((use) => [use.host, use]))
  const used = new Map([...hosts].map(([host, use]) => [host, use.used]))
  const taken: Due[] = []
  const later: { offerId: string; dueAt: Date }[] = []
  for (const one of due) {
    const soFar = used.get(one.host) ?? 0
    if (soFar < settings.probesPerHostHour) {
      used.set(one.host, soFar + 1)
      taken.push(one)
    } else later.push({ offerId: one.offerId, dueAt: hosts.get(one.host)?.renewedAt ?? tx.now })
  }
  await countUse(
    tx,
    [...used].map(([host, times]) => ({ host, used: times })),
  )
  await lease(tx, { offerIds: taken.map(({ offerId }) => offerId), lease: mine, leaseMs: LEASE_MS })
  await postpone(tx, later)
  return { taken, claimed: due.length }
}

interface Seen extends Due {
  readonly finding: Finding
}

function seeing(due: Due, offer: Offer | undefined, outbound: ProbeDeps['outbound']): Promise<Seen>[] {
  return offer ? [look(offer, outbound).then((finding) => ({ ...due, finding }))] : []
}

function areWeOffline(seen: readonly Seen[]): boolean {
  const hosts = new Set(seen.map(({ host }) => host))
  return hosts.size >= DOUBTFUL_HOSTS && seen.every(({ finding }) => !finding.reached)
}

/** A tenth more or less, so that what was listed at once is not looked at together for ever. */
function spread(seconds: number): number {
  const tenth = Math.floor(seconds / 10)
  return seconds - tenth + randomInt(2 * tenth + 1)
}
