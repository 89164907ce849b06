import { markSent } from './attempt-store.ts'
import type { PayoutContext } from './worker.ts'

interface Sendable {
  readonly payoutId: string
  readonly bytes: Uint8Array
}

/** Sends what was kept. Whatever a node answers, only the chain itself says whether it landed (D-28). */
export async function broadcastAll(
  { store, rail, log }: PayoutContext,
  transactions: readonly Sendable[],
): Promise<void> {
  if (transactions.length === 0) return
  await Promise.all(
    transactions.map(({ payoutId, bytes }) =>
      rail.broadcast(bytes).catch((error) => log.warn({ err: error, payoutId }, 'a broadcast went unanswered')),
    ),
  )
  await store.transact((tx) =>
    markSent(
      tx,
      transactions.map(({ payoutId }) => payoutId),
    ),
  )
}
