import type { Logger } from 'pino'
import type { Store } from '#platform/db'
import { createGatherer } from '#platform/gather'
import type { SettlementChain } from './chain.ts'
import { drawNonces, lockAccepted, type NewTransaction, saveTransactions } from './store.ts'

export interface SenderOptions {
  readonly store: Store
  readonly chain: SettlementChain
  readonly log: Pick<Logger, 'warn'>
}

const MAX_ITEMS = 32

/**
 * Makes transactions of accepted settlements, many at once: numbers, bytes and hashes are kept in one commit, then the bytes
 * are sent. Whoever comes second finds the settlement sent already and makes nothing (D-15).
 */
export function createSender({ store, chain, log }: SenderOptions): (settlementId: string) => Promise<void> {
  let sending: Promise<void> = Promise.resolve()
  const gather = createGatherer<string, null>({
    maxItems: MAX_ITEMS,
    run: async (ids) => {
      const signed = await signEach({ store, chain }, [...new Set(ids)])
      // In the order of their numbers, as not every node keeps what comes early; the sweep sends again what was lost.
      sending = sending.then(async () => {
        for (const { bytes, settlementId } of signed) {
          await chain.broadcast(bytes).catch((error: Error) => {
            log.warn({ err: error, settlement: settlementId }, 'a settlement was sent and not taken')
          })
        }
      })
      return ids.map(() => ({ done: null }))
    },
  })
  return async (settlementId) => {
    await gather(settlementId)
  }
}

async function signEach(
  { store, chain }: Pick<SenderOptions, 'store' | 'chain'>,
  ids: readonly string[],
): Promise<NewTransaction[]> {
  const { network, relayer } = chain
  const [fees, floor] = await Promise.all([chain.fees(), chain.sentByRelayer()])
  return store.transactWith(
    (db) => lockAccepted(db, ids),
    async (tx, accepted) => {
      if (accepted.length === 0) return []
      const first = await drawNonces(tx, { network, relayer, count: accepted.length, floor })
      const signed = await Promise.all(
        accepted.map(async ({ id, authorization }, index): Promise<NewTransaction> => {
          const nonce = first + BigInt(index)
          return { settlementId: id, nonce, ...(await chain.sign(authorization, { nonce, fees })) }
        }),
      )
      tx.later(saveTransactions(tx, { network, relayer, signed }))
      return signed
    },
  )
}
