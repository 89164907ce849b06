import type { PayoutContext } from './worker.ts'

/** One payout that cannot be moved on is logged, and holds back no other. */
export async function alone(
  { log }: Pick<PayoutContext, 'log'>,
  { id }: { readonly id: string },
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error({ err: error, payoutId: id }, 'a payout could not be moved on')
  }
}
