import { randomInt } from 'node:crypto'
import { addSeconds } from '#kernel/time'
import { type Offer, offersById } from '#offers'
import type { EventReader } from '#platform/outbox'
import { type Appointment, appoint } from './store.ts'
import type { ProbeSettings } from './sweep.ts'

/** A seller that lists first and starts its server then is given that long. */
const FIRST_SECONDS = 600

/** Hears what is listed, changed and taken off the market, and appoints probes. */
export function probeReader({ probeEverySeconds }: ProbeSettings): EventReader {
  return {
    name: 'offer-probes',
    hears: (name) => name === 'offer.listed' || name === 'offer.changed' || name === 'offer.deactivated',
    handle: async (tx, events) => {
      const offers = await offersById(tx, [...new Set(events.map(({ subject }) => subject))])
      const appointments = [...offers.values()].map((offer): Appointment => {
        const { id: offerId, sellerId, active } = offer
        const dueAt = active ? addSeconds(tx.now, firstSeconds(offer, probeEverySeconds)) : null
        return { offerId, sellerId, host: hostOf(offer), dueAt }
      })
      if (appointments.length > 0) await appoint(tx, appointments)
    },
  }
}

/** Imports come by the thousand, so their first probes are spread over the whole round. */
function firstSeconds({ source }: Offer, everySeconds: number): number {
  return FIRST_SECONDS + (source === 'ecosystem' ? randomInt(Math.max(1, everySeconds)) : 0)
}

function hostOf({ offerType, endpoint, fileUrl }: Offer): string {
  return URL.parse((offerType === 'download' ? fileUrl : endpoint) ?? '')?.host ?? ''
}
