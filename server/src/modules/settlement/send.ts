import type { Logger } from 'pino'
import type { Hex } from 'viem'
import { ChainUnreachable } from '#platform/chain-unreachable'
import type { Store, Tx } from '#platform/db'
import { createGatherer } from '#platform/gather'
import type { Fees, SettlementChain } from './chain.ts'
import { lockAccepted, refuseSettlement, type Settlement, underWayOf } from './store.ts'
import { drawNumbers, lockLine, type NewTransaction, saveTransactions, stillSent } from './transaction-store.ts'

export interface SenderOptions {
  readonly store: Store
  readonly chain: SettlementChain
  readonly log: Pick<Logger, 'warn'>
}

/** Makes transactions of settlements, many at once: numbers, bytes and hashes are kept in one commit, then the bytes are sent (D-15). */
export interface Sender {
  /** Whoever comes second finds it sent already and makes nothing. */
  send(accepted: Accepted): Promise<void>
  /** With a number whose turn comes, for those whose number did not; the same authorization, so that it still pays once. */
  sendAnew(stranded: readonly Stranded[]): Promise<void>
}

export interface Accepted {
  readonly id: string
  /** What its payer held at that moment (`performance.now`). */
  readonly funds: bigint
  readonly askedAt: number
}

export interface Stranded {
  readonly id: string
  /** Where it was seen: somebody else may have seen it too. */
  readonly nonce: bigint
}

const MAX_ITEMS = 32
/** More than this beyond all that we have signed is no count of our transactions. */
const LARGEST_LEAP = 1_000n

export function createSender(options: SenderOptions): Sender {
  const { store, chain } = options
  const broadcast = inOrder(options)
  const gather = createGatherer<Accepted, null>({
    maxItems: MAX_ITEMS,
    run: async (items) => {
      const asked = new Map(items.map((item) => [item.id, item]))
      const [fees, turn] = await Promise.all([chain.fees(), chain.landedByRelayer()])
      const signed = await store.transactWith(
        (db) => lockAccepted(db, [...asked.keys()]),
        async (tx, accepted) => {
          if (accepted.length === 0) return []
          const next = await openLine(tx, chain, turn)
          const payable = await refuseUnfunded(tx, chain, { accepted, asked })
          return sign(tx, chain, { settlements: payable, next, turn, fees })
        },
      )
      broadcast(signed)
      return items.map(() => ({ done: null }))
    },
  })
  return {
    send: async (accepted) => {
      await gather(accepted)
    },
    sendAnew: async (stranded) => {
      const seen = new Map(stranded.map(({ id, nonce }) => [id, nonce]))
      const [fees, turn] = await Promise.all([chain.fees(), chain.landedByRelayer()])
      const signed = await store.transact(async (tx) => {
        const next = await openLine(tx, chain, turn)
        const sent = await stillSent(tx, [...seen.keys()])
        const settlements = sent.filter(({ settlement: { id }, nonce }) => seen.get(id) === nonce)
        return sign(tx, chain, { settlements: settlements.map(({ settlement }) => settlement), next, turn, fees })
      })
      broadcast(signed)
    },
  }
}

/** A node that counts what we never signed would make us skip numbers, and what comes after a gap never lands. */
async function openLine(tx: Tx, { network, relayer }: SettlementChain, turn: bigint): Promise<bigint> {
  const { next, isNew } = await lockLine(tx, { network, relayer })
  if (isNew || turn <= next + LARGEST_LEAP) return next
  throw new ChainUnreachable(network, new Error(`it counts ${turn} transactions of the relayer, who signed ${next}`))
}

interface Batch {
  readonly accepted: readonly Settlement[]
  readonly asked: ReadonlyMap<string, Accepted>
}

/** Of several payments that are good each for itself, those that the payer cannot pay together would fail on the chain, at our cost. */
async function refuseUnfunded(tx: Tx, { network }: SettlementChain, { accepted, asked }: Batch): Promise<Settlement[]> {
  const payers = [...new Set(accepted.map(({ authorization }) => authorization.from))]
  // What was paid since anybody asked may still be in what the payer held then.
  const oldest = Math.min(...[...asked.values()].map(({ askedAt }) => askedAt))
  const since = new Date(tx.now.getTime() - Math.ceil(performance.now() - oldest))
  const underWay = await underWayOf(tx, { network, payers, since })
  const payable: Settlement[] = []
  for (const settlement of accepted) {
    const { from, value } = settlement.authorization
    const sum = (underWay.get(from) ?? 0n) + value
    if (sum > (asked.get(settlement.id)?.funds ?? 0n)) {
      await refuseSettlement(tx, { id: settlement.id, reason: 'insufficient_funds' })
    } else {
      underWay.set(from, sum)
      payable.push(settlement)
    }
  }
  return payable
}

interface Signing {
  readonly settlements: readonly Settlement[]
  readonly next: bigint
  readonly turn: bigint
  readonly fees: Fees
}

async function sign(
  tx: Tx,
  chain: SettlementChain,
  { settlements, next, turn, fees }: Signing,
): Promise<NewTransaction[]> {
  if (settlements.length === 0) return []
  const { network, relayer } = chain
  const numbers = await drawNumbers(tx, { network, relayer, next, turn, count: settlements.length })
  const signed = await Promise.all(
    settlements.map(async ({ id: settlementId, authorization }, index): Promise<NewTransaction> => {
      const nonce = numbers[index]
      if (nonce === undefined) throw new Error('fewer numbers than transactions')
      return { settlementId, nonce, attempt: 0, fees, ...(await chain.sign(authorization, { nonce, fees })) }
    }),
  )
  tx.later(saveTransactions(tx, { network, relayer, signed }))
  return signed
}

/** In the order of their numbers, as not every node keeps what comes early; the sweep sends again what was lost. */
function inOrder({ chain, log }: SenderOptions) {
  let sending: Promise<void> = Promise.resolve()
  return (signed: readonly { readonly bytes: Hex; readonly settlementId: string }[]): void => {
    sending = sending.then(async () => {
      for (const { bytes, settlementId } of signed) {
        await chain.broadcast(bytes).catch((error: Error) => {
          log.warn({ err: error, settlement: settlementId }, 'a settlement was sent and not taken')
        })
      }
    })
  }
}
