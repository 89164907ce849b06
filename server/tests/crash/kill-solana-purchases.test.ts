import { setTimeout as pause } from 'node:timers/promises'
import type { KeyPairSigner } from '@solana/kit'
import { walletSigner } from '@souk/devchain/solana'
import sql, { type Sql } from 'sql-template-tag'
import { expect, test } from 'vitest'
import { requirementsOf, signTransaction } from '#tests/svm-payments'
import { booksAreClean } from './books.ts'
import { type Dice, diceOf, LONG, seeds } from './dice.ts'
import { type Market, withMarket } from './market.ts'
import { openSeller, type Seller } from './paid-seller.ts'
import { allEnded, fatalMoment, insistOnSale, openShop, type Shop } from './paid-shop.ts'
import { until } from './until.ts'
import type { Reply } from './wire.ts'

const BUYERS = 5
const DEATHS = 3
const PRICE = 10_000n
const PATIENCE_MS = LONG ? 300_000 : 150_000

/** Moments at which a death hurts most. */
const MOMENTS: readonly Sql[] = [
  sql`select 1 from purchase where state = 'working' limit 1`,
  sql`select 1 from purchase where state = 'settling' limit 1`,
  sql`select 1 from svm_settlement where state = 'sent' limit 1`,
]

/** The chain's transactions live for six seconds here: who is dead for longer finds them dead as well. */
test.each(seeds(1, 40))(
  'D-12 D-15 D-16 D-28 killed in the middle of purchases on Solana: what was sold was paid once, what was not sold cost nothing (seed %i)',
  { timeout: PATIENCE_MS },
  async (seed) => {
    const seller = await openSeller()
    try {
      await withMarket({}, async (market) => {
        const dice = diceOf(seed)
        const { address: payTo } = await market.chain.wallet(0n)
        const shop = await openShop(market, { payTo, url: seller.url })
        const crowd = await openCrowd({ market, shop }, dice)
        for (let deaths = 0; deaths < DEATHS; deaths++) {
          await until(() => crowd.bought() >= (deaths + 1) * 8, { what: 'buyers to buy' })
          // Some of what is sent meanwhile never lands, or lands without an answer.
          await market.chain.fault(dice.pick(['drop', 'accept-then-error']), 1)
          await fatalMoment(market, dice, MOMENTS)
          await market.servers[0]?.kill()
          await pause(dice.int(0, 300))
          await market.servers[0]?.start()
        }
        await crowd.stop()
        await allEnded(market)
        await judge(market, { shop, seller, crowd })
      })
    } finally {
      seller.close()
    }
  },
)

interface Place {
  readonly market: Market
  readonly shop: Shop
}

interface Crowd {
  /** How many have their answer. */
  bought(): number
  /** What was sold, by the buyers' word: marker → the answers each got for it. */
  readonly answers: ReadonlyMap<string, readonly Reply[]>
  /** Payments of which the buyers were told that they failed. */
  readonly failures: readonly string[]
  stop(): Promise<void>
}

/** Buyers who sign for each thing they want, send the same payment again until they know, and sign anew only when it failed. */
async function openCrowd(place: Place, dice: Dice): Promise<Crowd> {
  const answers = new Map<string, Reply[]>()
  const failures: string[] = []
  let stopped = false
  const live = async (buyer: KeyPairSigner, own: Dice) => {
    for (let n = 0; !stopped; n++) {
      const marker = `${buyer.address}:${n}`
      answers.set(marker, await buy(place, { buyer, marker, again: own.chance(0.3), failures }))
    }
  }
  const running = Promise.all(
    Array.from({ length: BUYERS }, async () => {
      const { secretKey } = await place.market.chain.wallet(100_000_000n)
      return live(await walletSigner(secretKey), dice.fork())
    }),
  )
  // Heard in `stop`; until then it must not end the process.
  running.catch(() => {})
  return {
    answers,
    failures,
    bought: () => answers.size,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

interface Want {
  readonly buyer: KeyPairSigner
  readonly marker: string
  /** Whether the answer is asked for once more although it came. */
  readonly again: boolean
  readonly failures: string[]
}

async function buy({ market, shop }: Place, { buyer, marker, again, failures }: Want): Promise<Reply[]> {
  const { offerId, payTo } = shop
  const { body } = await market.insist({ method: 'GET', path: '/facilitator/supported' })
  const [feePayer] = body.signers['solana:*']
  for (;;) {
    const wish = { from: buyer, payTo, value: PRICE, feePayer }
    const transaction = await signTransaction(market.chain.rpcUrl, wish)
    const accepted = { ...requirementsOf(wish), amount: String(PRICE) }
    const payment = Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload: { transaction } }))
    const headers = { 'payment-signature': payment.toString('base64') }
    const ask = { method: 'POST', path: `/x402/${offerId}`, body: { marker }, headers }
    const first = await insistOnSale(market, ask)
    if (first.status === 200) return again ? [first, await insistOnSale(market, ask)] : [first]
    if (first.status !== 402) throw new Error(`neither sold nor failed: ${first.status} ${first.text}`)
    failures.push(first.text)
  }
}

interface Outcome extends Pick<Place, 'shop'> {
  readonly seller: Seller
  readonly crowd: Crowd
}

/** What is counted is what the chain did. */
async function judge(market: Market, { shop, seller, crowd }: Outcome): Promise<void> {
  const wrong = [...crowd.answers].filter(
    ([marker, replies]) => !replies.every(({ status, body }) => status === 200 && body?.marker === marker),
  )
  expect(wrong.map(([marker, replies]) => [marker, replies.map(({ status, text }) => `${status} ${text}`)])).toEqual([])
  const all = crowd.answers.size
  const arrivals = await market.chain.arrivals(shop.payTo)
  expect([arrivals.size, await market.chain.balance(shop.payTo)]).toEqual([all, BigInt(all) * PRICE])
  const [counts] = await market.store.read.rows(sql`
    select (select count(*)::int from purchase where state = 'settled') as purchases,
      (select count(*)::int from receipt) as receipts,
      (select count(distinct signature)::int from svm_settlement where state = 'settled') as settlements`)
  expect(counts).toEqual({ purchases: all, receipts: all, settlements: all })
  // Asked for nothing is a seller only where a death, or what failed after it, took its answer.
  expect(seller.asked() - all).toBeLessThanOrEqual(BUYERS * DEATHS + crowd.failures.length)
  await booksAreClean(market)
}
