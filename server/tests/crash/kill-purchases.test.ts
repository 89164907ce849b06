import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createWallet, faucet, tokenBalance } from '@souk/devchain/evm'
import sql, { type Sql } from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { signPayment, TOKEN } from '#tests/evm-payments'
import { booksAreClean } from './books.ts'
import { type Dice, diceOf, seeds } from './dice.ts'
import { type DurableEvmChain, openDurableEvmChain } from './evm-chain.ts'
import { type Market, withMarket } from './market.ts'
import { openSeller, type Seller } from './paid-seller.ts'
import { allEnded, fatalMoment, insistOnSale, openShop, type Shop } from './paid-shop.ts'
import { until } from './until.ts'
import type { Reply } from './wire.ts'

const BUYERS = 6
const DEATHS = 3
const PRICE = 10_000n
const PATIENCE_MS = 300_000

/** Moments at which a death hurts most. */
const MOMENTS: readonly Sql[] = [
  sql`select 1 from purchase where state = 'working' limit 1`,
  sql`select 1 from purchase where state = 'settling' limit 1`,
  sql`select 1 from settlement where state = 'accepted' limit 1`,
  sql`select 1 from settlement where state = 'sent' limit 1`,
]

test.each(seeds(3, 50))(
  'D-12 D-15 D-16 D-28 server and chain killed in the middle of purchases: each is settled at most once and all come to an end (seed %i)',
  { timeout: PATIENCE_MS },
  async (seed) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'souk-evm-'))
    const [evm, seller] = await Promise.all([openDurableEvmChain(dataDir), openSeller()])
    try {
      await withMarket({ evmRpcUrl: evm.rpcUrl }, async (market) => {
        const dice = diceOf(seed)
        const payTo = getAddress((await createWallet()).address)
        const shop = await openShop(market, { payTo, url: seller.url })
        const crowd = await openCrowd({ market, shop, rpcUrl: evm.rpcUrl }, dice)
        for (let deaths = 0; deaths < DEATHS; deaths++) {
          await until(() => crowd.bought() >= (deaths + 1) * 10, { what: 'buyers to buy' })
          await evm.fault(dice.pick(['drop', 'accept-then-error', 'error']), dice.int(0, 3))
          await fatalMoment(market, dice, MOMENTS)
          await die({ market, evm, dice })
        }
        await crowd.stop()
        await allEnded(market)
        await judge(market, { shop, seller, crowd, rpcUrl: evm.rpcUrl })
      })
    } finally {
      seller.close()
      await evm.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
)

interface Doomed {
  readonly market: Market
  readonly evm: DurableEvmChain
  readonly dice: Dice
}

/** The server, the chain, or both of them. */
async function die({ market, evm, dice }: Doomed): Promise<void> {
  const [server] = market.servers
  const who = dice.pick(['server', 'chain', 'both'])
  await Promise.all([who === 'chain' ? null : server?.kill(), who === 'server' ? null : evm.kill()])
  await pause(dice.int(0, 300))
  // A server does not start without its chain.
  await evm.revive()
  if (who !== 'chain') await server?.start()
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
  const { authorization, requirements } = await signPayment({
    from: buyer,
    to: payTo as Hex,
    value: PRICE,
    seconds: 600,
  })
  const accepted = { ...requirements, amount: String(PRICE) }
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(authorization) }
  const headers = { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
  const ask = { method: 'POST', path: `/x402/${offerId}`, body: { marker }, headers }
  const first = await insistOnSale(market, ask)
  return again ? [first, await insistOnSale(market, ask)] : [first]
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
