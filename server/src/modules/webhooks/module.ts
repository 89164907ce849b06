import type { Told } from '#events'
import type { Tx } from '#platform/db'
import type { Sweep } from '#platform/sweeps'
import { createForgetting } from './forgetting.ts'
import { createSending, type SendingOptions } from './sending.ts'
import { takeTold } from './taking.ts'

export interface Webhooks {
  /** Notes what has to be sent of what was told. */
  readonly take: (tx: Tx, told: readonly Told[]) => Promise<void>
  /** Sends what is due; and forgets what is old. */
  readonly sweeps: readonly Sweep[]
  /** After the sweeper has stopped and before the outbound calls are closed: lets the sends under way end. */
  settled(): Promise<void>
}

export function createWebhooks(options: SendingOptions): Webhooks {
  const sending = createSending(options)
  return {
    take: takeTold,
    sweeps: [sending, createForgetting(options.store)],
    settled: sending.settled,
  }
}
