import { isId } from '#kernel/id'
import type { Tx } from '#platform/db'
import type { EventReader, OutboxEvent } from '#platform/outbox'
import { addToStats, type StatsGain, saveTrust } from './store.ts'

/** Where a score begins while nothing is known of a party: JP-103's formula over no conduct at all. */
export const NEUTRAL_TRUST = 0.65

interface OrderCompleted {
  readonly form: string
  readonly listingId?: string | null
}

interface OrderRated extends OrderCompleted {
  readonly sellerId: string
  /** Who was rated. */
  readonly ratedId: string
  /** 1..5 */
  readonly score: number
}

/** Counts what became of direct jobs: each order once, as the reader's cursor moves with it. */
export const catalogStats: EventReader = {
  name: 'catalog-stats',
  hears: (name) => name === 'order.completed' || name === 'order.rated',
  handle: async (tx, events) => {
    const gains = new Map<string, StatsGain>()
    for (const { serviceId, ...gain } of events.flatMap(gainOf)) {
      const sum = gains.get(serviceId) ?? NOTHING
      gains.set(serviceId, {
        serviceId,
        completed: sum.completed + gain.completed,
        ratingSum: sum.ratingSum + gain.ratingSum,
        ratingCount: sum.ratingCount + gain.ratingCount,
      })
    }
    if (gains.size > 0) await addToStats(tx, [...gains.values()])
  },
}

const NOTHING = { completed: 0, ratingSum: 0, ratingCount: 0 }

/** Parties' trust scores as they are now (0..1); services rank by them (JP-55). */
export async function noteTrust(
  tx: Tx,
  { scores }: { scores: readonly { readonly ownerId: string; readonly score: number }[] },
): Promise<void> {
  if (scores.length > 0) await saveTrust(tx, scores)
}

function gainOf({ name, payload }: OutboxEvent): StatsGain[] {
  const { form, listingId } = payload as OrderCompleted
  if (form !== 'direct' || !listingId || !isId(listingId)) return []
  if (name === 'order.completed') return [{ ...NOTHING, serviceId: listingId, completed: 1 }]
  const { sellerId, ratedId, score } = payload as OrderRated
  return ratedId === sellerId ? [{ ...NOTHING, serviceId: listingId, ratingSum: score, ratingCount: 1 }] : []
}
