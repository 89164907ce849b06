import { setTimeout as pause } from 'node:timers/promises'
import { createWallet, faucet, spawnEvmChain, tokenBalance } from '@souk/devchain/evm'
import sql, { type Sql } from 'sql-template-tag'
import type { Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { signPayment, TOKEN } from '#tests/evm-payments'
import { booksAreClean } from './books.ts'
import { type Dice, diceOf, LONG, seeds } from './dice.ts'
import { type Market, withMarket } from './market.ts'
import { allEnded, fatalMoment } from './paid-shop.ts'
import { until } from './until.ts'
import { NoAnswer, type Reply } from './wire.ts'

const BUYERS = 4
const DEATHS = 3
const FUNDS = 100_000_000n
const PRICE_CENTS = 3
const PRICE = 30_000n
const PATIENCE_MS = LONG ? 400_000 : 240_000

/** Moments at which a death hurts most. */
const MOMENTS: readonly Sql[] = [
  sql`select 1 from purchase where state = 'settling' limit 1`,
  sql`select 1 from orders where state = 'completing' limit 1`,
  sql`select 1 from payout where state = 'requested' limit 1`,
  sql`select 1 from payout where state = 'signed' limit 1`,
  sql`select 1 from payout where state = 'sent' and landed_at is null limit 1`,
]

test.each(seeds(3, 50))(
  'PA-48 D-12 D-15 D-28 killed in the middle of releases and refunds: each is made once, and all come to an end (seed %i)',
  { timeout: PATIENCE_MS },
  async (seed) => {
    const evm = await spawnEvmChain({ dataDir: null, faults: true })
    try {
      await withMarket({ evmRpcUrl: evm.rpcUrl }, async (market) => {
        const dice = diceOf(seed)
        const crowd = await openCrowd({ market, rpcUrl: evm.rpcUrl }, dice)
        for (let deaths = 0; deaths < DEATHS; deaths++) {
          await until(() => crowd.ended() >= (deaths + 1) * 3, { what: 'requests to end', withinMs: 60_000 })
          await fatalMoment(market, dice, MOMENTS)
          await market.servers[0]?.kill()
          await pause(dice.int(0, 300))
          await market.servers[0]?.start()
        }
        await crowd.stop()
        await allEnded(market)
        await market.idle()
        await judge(market, { crowd, rpcUrl: evm.rpcUrl })
      })
    } finally {
      await evm.close()
    }
  },
)

interface Place {
  readonly market: Market
  readonly rpcUrl: string
}

interface Agent {
  readonly id: string
  readonly key: string
  readonly wallet: PrivateKeyAccount
}

interface Crowd {
  readonly provider: Agent
  readonly buyers: readonly Agent[]
  /** By request, what its buyer wanted and was told. */
  readonly ends: ReadonlyMap<string, 'approve' | 'cancel'>
  ended(): number
  stop(): Promise<void>
}

async function agent({ market, rpcUrl }: Place, funds: bigint): Promise<Agent> {
  const { address, secretKey } = await createWallet()
  if (funds > 0n) await faucet({ rpcUrl, address, amount: funds })
  const body = { name: 'trader', description: 'Trades.', walletAddress: address }
  const made = await market.insist({ method: 'POST', path: '/api/v1/agents', body })
  return { id: made.body.agentId, key: made.body.apiKey, wallet: privateKeyToAccount(secretKey as Hex) }
}

/** Buyers who pay for work and then take it or cancel it, and ask the same again until they are told what came of it. */
async function openCrowd(place: Place, dice: Dice): Promise<Crowd> {
  const provider = await agent(place, 0n)
  const buyers = await Promise.all(Array.from({ length: BUYERS }, () => agent(place, FUNDS)))
  const ends = new Map<string, 'approve' | 'cancel'>()
  let stopped = false
  const live = async (buyer: Agent, own: Dice) => {
    for (let n = 0; !stopped; n++) {
      const verb = own.chance(0.5) ? 'approve' : 'cancel'
      const id = await post(place, { buyer, provider, title: `${buyer.id}:${n}` })
      if (verb === 'approve') await fulfil(place, { provider, id })
      await decided(place, { buyer, id, verb })
      ends.set(id, verb)
    }
  }
  const running = Promise.all(buyers.map((buyer) => live(buyer, dice.fork())))
  running.catch(() => {})
  return {
    ...{ provider, buyers, ends },
    ended: () => ends.size,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

async function post(
  place: Place,
  { buyer, provider, title }: { buyer: Agent; provider: Agent; title: string },
): Promise<string> {
  const draft = { title, description: 'Some work.', budgetMaxCents: PRICE_CENTS, escrow: true }
  const body = { ...draft, providerId: provider.id, agreedPriceCents: PRICE_CENTS }
  const ask = { method: 'POST', path: '/api/v1/requests', key: buyer.key, body }
  const asked = await insistOn(place, ask, [402])
  const [accepted] = JSON.parse(Buffer.from(String(asked.headers['payment-required']), 'base64').toString()).accepts
  const { authorization } = await signPayment({ from: buyer.wallet, to: accepted.payTo, value: PRICE, seconds: 600 })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(authorization) }
  const headers = { 'payment-signature': Buffer.from(JSON.stringify(payload)).toString('base64') }
  const posted = await insistOn(place, { ...ask, headers }, [201])
  // Whatever was lost on the way: the same payment is the same request.
  expect((await insistOn(place, { ...ask, headers }, [201])).body.requestId).toBe(posted.body.requestId)
  return posted.body.requestId
}

async function fulfil(place: Place, { provider, id }: { provider: Agent; id: string }): Promise<void> {
  const body = { outputPayload: { done: id } }
  const ask = { method: 'POST', path: `/api/v1/requests/${id}/fulfill`, key: provider.key, body }
  // Done, or done already by an answer that was lost.
  await insistOn(place, ask, [200, 400])
}

async function decided(
  place: Place,
  { buyer, id, verb }: { buyer: Agent; id: string; verb: 'approve' | 'cancel' },
): Promise<void> {
  const ask = { method: 'POST', path: `/api/v1/requests/${id}/${verb}`, key: buyer.key }
  const told = await insistOn(place, ask, [200, 400])
  const { body } = await insistOn(place, { method: 'GET', path: `/api/v1/requests/${id}`, key: buyer.key }, [200])
  expect([told.status, body.request.status]).toEqual([told.status, verb === 'approve' ? 'approved' : 'cancelled'])
}

/** Until it is answered with one of these; what is unanswered, not now, or being settled for another is asked again. */
async function insistOn(
  { market }: Place,
  ask: Parameters<Market['ask']>[0],
  wanted: readonly number[],
): Promise<Reply> {
  let last = 'nothing'
  return until(
    async () => {
      try {
        const reply = await market.ask(ask)
        last = `${reply.status} ${reply.text}`
        if (wanted.includes(reply.status)) return reply
        if (![409, 500, 502, 503].includes(reply.status)) throw new Error(`${ask.path} was answered with ${last}`)
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        last = error.message
      }
      return undefined
    },
    { what: () => `an answer to ${ask.path}: ${last}`, everyMs: 50, withinMs: 90_000 },
  )
}

/** What is counted is what the chain did. */
async function judge(market: Market, { crowd, rpcUrl }: { crowd: Crowd; rpcUrl: string }): Promise<void> {
  const { provider, buyers, ends } = crowd
  const count = (verb: string) => [...ends.values()].filter((one) => one === verb).length
  const held = (owner: string) => tokenBalance({ rpcUrl, token: TOKEN.address, owner })
  expect(await held(provider.wallet.address)).toBe(BigInt(count('approve')) * PRICE)
  const left = await Promise.all(buyers.map(({ wallet }) => held(wallet.address)))
  const spent = FUNDS * BigInt(BUYERS) - left.reduce((sum, one) => sum + one, 0n)
  expect(spent).toBe(BigInt(count('approve')) * PRICE)
  const rows = await market.store.read.rows<{ kind: string; state: string; count: number }>(sql`
    select kind, state, count(*)::int as count from payout where order_id is not null group by kind, state order by kind`)
  expect(rows).toEqual([
    ...(count('cancel') > 0 ? [{ kind: 'refund', state: 'confirmed', count: count('cancel') }] : []),
    ...(count('approve') > 0 ? [{ kind: 'release', state: 'confirmed', count: count('approve') }] : []),
  ])
  const [receipts] = await market.store.read.rows(sql`
    select count(*) filter (where settlement_type = 'escrow_deposit')::int as deposits,
      count(*) filter (where settlement_type = 'escrow_release')::int as releases,
      count(*) filter (where settlement_type = 'escrow_refund')::int as refunds from receipt`)
  expect(receipts).toEqual({ deposits: ends.size, releases: count('approve'), refunds: count('cancel') })
  await booksAreClean(market)
}
