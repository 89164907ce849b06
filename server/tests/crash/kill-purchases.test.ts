import { setTimeout as pause } from 'node:timers/promises'
import { createWallet, faucet, spawnEvmChain, tokenBalance } from '@souk/devchain/evm'
import sql, { type Sql } from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { signPayment, TOKEN } from '#tests/evm-payments'
import { booksAreClean } from './books.ts'
import { type Dice, diceOf, LONG, seeds } from './dice.ts'
import { type Market, withMarket } from './market.ts'
import { openSeller, type Seller } from './paid-seller.ts'
import { until } from './until.ts'
import { NoAnswer, type Reply } from './wire.ts'

const BUYERS = 6
const DEATHS = 3
const PRICE = 10_000n
const PATIENCE_MS = LONG ? 300_000 : 150_000

/** Moments at which a death hurts most. */
const MOMENTS: readonly Sql[] = [
  sql`select 1 from purchase where state = 'working' limit 1`,
  sql`select 1 from purchase where state = 'settling' limit 1`,
  sql`select 1 from settlement where state = 'accepted' limit 1`,
  sql`select 1 from settlement where state = 'sent' limit 1`,
]

test.each(seeds(3, 50))(
  'D-12 D-15 D-16 D-28 killed in the middle of purchases: each is settled at most once and all come to an end (seed %i)',
  { timeout: PATIENCE_MS },
  async (seed) => {
    const [evm, seller] = await Promise.all([spawnEvmChain({ dataDir: null, faults: true }), openSeller()])
    try {
      await withMarket({ evmRpcUrl: evm.rpcUrl }, async (market) => {
        const dice = diceOf(seed)
        const shop = await openShop(market, seller)
        const crowd = await openCrowd({ market, shop, rpcUrl: evm.rpcUrl }, dice)
        for (let deaths = 0; deaths < DEATHS; deaths++) {
          await until(() => crowd.bought() >= (deaths + 1) * 10, { what: 'buyers to buy' })
          await fatalMoment(market, dice)
          await market.servers[0]?.kill()
          await pause(dice.int(0, 300))
          await market.servers[0]?.start()
        }
        await crowd.stop()
        await allEnded(market)
        await judge(market, { shop, seller, crowd, rpcUrl: evm.rpcUrl })
      })
    } finally {
      seller.close()
      await evm.close()
    }
  },
)

interface Shop {
  readonly offerId: string
  readonly payTo: Hex
}

async function openShop({ insist }: Market, { url }: Seller): Promise<Shop> {
  const payTo = getAddress((await createWallet()).address)
  const about = { name: 'Seller', description: 'Echoes.', walletAddress: payTo }
  const agent = await insist({ method: 'POST', path: '/api/v1/agents', body: about })
  const listing = {
    title: 'Echo',
    description: 'Echoes.',
    category: 'text',
    priceCents: 1,
    offerType: 'api',
    endpoint: url,
  }
  const offer = await insist({ method: 'POST', path: '/api/v1/offers', key: agent.body.apiKey, body: listing })
  expect(offer.status).toBe(201)
  return { offerId: offer.body.offerId, payTo }
}

interface Place {
  readonly market: Market
  readonly shop: Shop
  readonly rpcUrl: string
}

interface Crowd {
  /** How many have their answer. */
  bought(): number
  /** What was sold, by the buyers' word: marker → the answers each got for it. */
  readonly answers: ReadonlyMap<string, readonly Reply[]>
  stop(): Promise<void>
}

/** Buyers who sign once for each thing they want, and send the same payment again until they have it. */
async function openCrowd(place: Place, dice: Dice): Promise<Crowd> {
  const answers = new Map<string, Reply[]>()
  let stopped = false
  const live = async (buyer: PrivateKeyAccount, own: Dice) => {
    for (let n = 0; !stopped; n++) {
      const marker = `${buyer.address}:${n}`
      answers.set(marker, await buy(place, { buyer, marker, again: own.chance(0.3) }))
    }
  }
  const lives = await Promise.all(
    Array.from({ length: BUYERS }, async () => {
      const { address, secretKey } = await createWallet()
      await faucet({ rpcUrl: place.rpcUrl, address, amount: 100_000_000n })
      return () => live(privateKeyToAccount(secretKey as Hex), dice.fork())
    }),
  )
  const running = Promise.all(lives.map((begin) => begin()))
  // Heard in `stop`; until then it must not end the process.
  running.catch(() => {})
  return {
    answers,
    bought: () => answers.size,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

interface Want {
  readonly buyer: PrivateKeyAccount
  readonly marker: string
  /** Whether the answer is asked for once more although it came. */
  readonly again: boolean
}

async function buy({ market, shop }: Place, { buyer, marker, again }: Want): Promise<Reply[]> {
  const { offerId, payTo } = shop
  // Good for long: a server may be dead for a while, and the same payment must still be good afterwards.
  const { authorization, requirements } = await signPayment({ from: buyer, to: payTo, value: PRICE, seconds: 600 })
  const accepted = { ...requirements, amount: String(PRICE) }
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(authorization) }
  const headers = { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
  const ask = { method: 'POST', path: `/x402/${offerId}`, body: { marker }, headers }
  const first = await insist(market, ask)
  return again ? [first, await insist(market, ask)] : [first]
}

/** Until it is sold: what is unanswered, not now, or the fault of a seller cut off, is asked again with the same payment. */
async function insist(market: Market, ask: Parameters<Market['ask']>[0]): Promise<Reply> {
  let last = 'nothing'
  return until(
    async () => {
      try {
        const reply = await market.ask(ask)
        last = `${reply.status} ${reply.text}`
        return reply.status === 503 || reply.status === 502 ? undefined : reply
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        last = error.message
        return undefined
      }
    },
    { what: () => `a purchase: ${last}`, everyMs: 50 },
  )
}

async function fatalMoment({ store }: Market, dice: Dice): Promise<void> {
  const watched = dice.pick(MOMENTS)
  const givenUpAt = Date.now() + 2000
  while (Date.now() < givenUpAt && !(await store.read.one(watched))) await pause(2)
  await pause(dice.int(0, 8))
}

async function allEnded({ store }: Market): Promise<void> {
  await until(
    async () => {
      const open = await store.read.one(sql`
        select 1 from purchase where ended_at is null union all select 1 from settlement where state = 'sent' limit 1`)
      return open === undefined
    },
    { what: 'purchases to end', withinMs: 90_000, everyMs: 100 },
  )
}

interface Outcome {
  readonly shop: Shop
  readonly seller: Seller
  readonly crowd: Crowd
  readonly rpcUrl: string
}

/** What is counted is what the chain did. */
async function judge(market: Market, { shop, seller, crowd, rpcUrl }: Outcome): Promise<void> {
  const wrong = [...crowd.answers].filter(
    ([marker, replies]) => !replies.every(({ status, body }) => status === 200 && body?.marker === marker),
  )
  expect(wrong.map(([marker, replies]) => [marker, replies.map(({ status, text }) => `${status} ${text}`)])).toEqual([])
  const sold = BigInt(crowd.answers.size)
  expect(await tokenBalance({ rpcUrl, token: TOKEN.address, owner: shop.payTo })).toBe(sold * PRICE)
  const [counts] = await market.store.read.rows(sql`
    select (select count(*)::int from purchase where state = 'settled') as purchases,
      (select count(*)::int from purchase where state <> 'settled') as others,
      (select count(*)::int from receipt) as receipts,
      (select count(distinct tx_hash)::int from settlement where state = 'settled') as settlements`)
  const all = crowd.answers.size
  expect(counts).toEqual({ purchases: all, others: 0, receipts: all, settlements: all })
  // The seller was asked again only where its answer was lost with a server: at most once for each purchase under way at a death.
  expect(seller.asked() - all).toBeLessThanOrEqual(BUYERS * DEATHS)
  await booksAreClean(market)
}
