import type { EventReader } from '#platform/outbox'
import type { Sweep } from '#platform/sweeps'
import { fanOut } from './fan-out.ts'
import { createForgetting } from './forgetting.ts'
import { createSending, type SendingOptions } from './sending.ts'

export interface Webhooks {
  /** Turns events into deliveries. */
  readonly reader: EventReader
  /** Sends what is due; and forgets what is old. */
  readonly sweeps: readonly Sweep[]
  /** After the sweeper has stopped and before the outbound calls are closed: lets the sends under way end. */
  settled(): Promise<void>
}

export function createWebhooks(options: SendingOptions): Webhooks {
  const sending = createSending(options)
  return {
    reader: fanOut(options.formats),
    sweeps: [sending, createForgetting(options.store)],
    settled: sending.settled,
  }
}
