import type { EventReader } from '#platform/outbox'
import { suspendOffers } from './store.ts'

/** Hears who is suspended and who no longer is: what cannot be bought is in no list (D-35). */
export const suspensionReader: EventReader = {
  name: 'offer-suspensions',
  hears: (name) => name === 'agent.suspended' || name === 'agent.reinstated',
  handle: async (tx, events) => {
    // The last word on each counts.
    const last = new Map(events.map(({ name, subject }) => [subject, name === 'agent.suspended']))
    for (const suspended of [true, false]) {
      const sellerIds = [...last].flatMap(([id, is]) => (is === suspended ? [id] : []))
      if (sellerIds.length > 0) await suspendOffers(tx, { sellerIds, suspended })
    }
  },
}
