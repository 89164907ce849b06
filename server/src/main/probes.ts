import type { EventReader } from '#platform/outbox'
import type { Sweep } from '#platform/sweeps'
import { type CallOutcome, createCallNotes, probeReader, probeSweep } from '#probes'
import type { Core, SoukOptions } from './souk.ts'

/** Whether what is listed can be reached. */
export interface ProbesPart {
  readonly reader: EventReader
  readonly sweep: Sweep
  /** Told how sellers answered paid calls. Never throws: nobody's purchase may fail by it. */
  readonly heard: (offerId: string, outcome: CallOutcome) => Promise<void>
}

export function openProbes({ config: { market: settings }, log }: SoukOptions, { store, outbound }: Core): ProbesPart {
  const note = createCallNotes(store)
  return {
    reader: probeReader(settings),
    sweep: probeSweep({ store, outbound, settings, log }),
    heard: (offerId, outcome) =>
      note(offerId, outcome).catch((error: unknown) => {
        log.warn({ err: error, offer: offerId }, "a seller's answer was not noted")
      }),
  }
}
