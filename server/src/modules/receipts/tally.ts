import type { Db, Store, Tx } from '#platform/db'
import type { EventReader } from '#platform/outbox'
import type { Sweep } from '#platform/sweeps'
import { INSIDE, PAYMENT_TYPES } from './receipt.ts'
import {
  addGains,
  COUNTED,
  claimUncounted,
  countFundedBuyers,
  hasUncounted,
  lockTally,
  moveTally,
  noteFunded,
  notePairs,
  type Pair,
  type PartyGain,
  type TalliedReceipt,
} from './tally-store.ts'

/** Who stands behind parties, by wallet in lower case where that is known; who is left out stands for itself alone. */
export type OwnersOf = (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, string>>

const BATCH = 5000
const EVERY_MS = 1000

/**
 * Adds up receipts a moment after they were issued, many at once: nobody who settles waits for a counter, or for another
 * who settles with the same party. The head of the chain is locked until the commit, so receipts appear in the order of
 * their numbers, and none ever behind the tally.
 */
export function tallySweep(store: Store, ownersOf: OwnersOf): Sweep {
  return {
    name: 'receipts:tally',
    everyMs: EVERY_MS,
    ignoresWakes: true,
    run: async () => ((await hasUncounted(store.read)) ? store.transact((tx) => tally(tx, ownersOf)) : 0),
  }
}

/** Hears who has brought money from outside: only such buyers stand for a seller's reputation (PA-64, D-6). */
export const fundingReader: EventReader = {
  name: 'receipts-funding',
  hears: (name) => name === 'wallet.deposited',
  handle: async (tx, events) => {
    const partyIds = [...new Set(events.map(({ payload }) => (payload as { partyId: string }).partyId))]
    await lockTally(tx)
    await noteFunded(tx, partyIds)
    await countFundedBuyers(tx, partyIds)
  },
}

async function tally(tx: Tx, ownersOf: OwnersOf): Promise<number> {
  const fresh = await claimUncounted(tx, BATCH)
  const last = fresh.at(-1)
  if (!last) return 0
  const payments = fresh.filter(isPayment)
  const parties = [...new Set(payments.flatMap(({ buyerId, sellerId }) => [buyerId, sellerId]))]
  const owners = parties.length > 0 ? await ownersOf(tx, parties) : new Map<string, string>()
  const ownerOf = (partyId: string) => owners.get(partyId) ?? partyId
  const sales = payments.filter(
    ({ buyerId, sellerId, buyerWallet }) =>
      ownerOf(buyerId) !== ownerOf(sellerId) && buyerWallet?.toLowerCase() !== ownerOf(sellerId),
  )
  await addGains(tx, gainsOf(payments, new Set(sales)))
  await notePairs(tx, pairsOf(sales))
  await noteFunded(tx, [...new Set(payments.filter(({ network }) => network !== INSIDE).map(({ buyerId }) => buyerId))])
  await countFundedBuyers(tx, [...new Set(payments.map(({ buyerId }) => buyerId))])
  await moveTally(tx, last.seq)
  return fresh.length
}

type Payment = TalliedReceipt & Pair

function isPayment(receipt: TalliedReceipt): receipt is Payment {
  return receipt.sellerId !== null && receipt.asset === COUNTED && PAYMENT_TYPES.includes(receipt.type)
}

function gainsOf(payments: readonly Payment[], sales: ReadonlySet<Payment>): PartyGain[] {
  const gains = new Map<string, PartyGain>()
  const add = (partyId: string, change: (gain: PartyGain) => Partial<PartyGain>) => {
    const gain = gains.get(partyId) ?? nothing(partyId)
    gains.set(partyId, { ...gain, ...change(gain) })
  }
  for (const payment of payments) {
    const { buyerId, sellerId, payout, fee, delivered } = payment
    const isSale = sales.has(payment)
    add(buyerId, ({ bought, spent }) => ({ bought: bought + 1n, spent: spent + payout + fee }))
    add(sellerId, ({ sold, earned, sales, undelivered }) => ({
      sold: sold + 1n,
      earned: earned + payout,
      sales: sales + (isSale ? 1n : 0n),
      undelivered: undelivered + (isSale && delivered === false ? 1n : 0n),
    }))
  }
  return [...gains.values()]
}

function pairsOf(sales: readonly Payment[]): Pair[] {
  return [...new Map(sales.map(({ sellerId, buyerId }) => [`${sellerId} ${buyerId}`, { sellerId, buyerId }])).values()]
}

function nothing(partyId: string): PartyGain {
  return { partyId, bought: 0n, spent: 0n, sold: 0n, earned: 0n, sales: 0n, undelivered: 0n }
}
