import { setTimeout as pause } from 'node:timers/promises'
import { createWallet, faucet, spawnEvmChain, tokenBalance } from '@souk/devchain/evm'
import sql, { type Sql } from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { signPayment, TOKEN } from '#tests/evm-payments'
import { PLAIN_SERVICE } from '#tests/world'
import { booksAreClean } from './books.ts'
import { type Market, withMarket } from './market.ts'
import { until } from './until.ts'
import { NoAnswer, type Reply } from './wire.ts'

const COST = 515_000n
const FUNDS = 10_000_000n
const PATIENCE_MS = 180_000

/** When the server dies: while the payment is under way, and while the refund is. */
const DEATHS: readonly [string, Sql, Sql][] = [
  [
    'as soon as the slot is reserved, and as soon as the job is being refunded',
    sql`select 1 from direct_reservation`,
    sql`select 1 from orders where state = 'completing'`,
  ],
  [
    'with the payment sent, and with the refund sent',
    sql`select 1 from settlement where state = 'sent'`,
    sql`select 1 from payout where kind = 'refund' and state = 'sent'`,
  ],
]

test.each(DEATHS)(
  'D-15 D-16 D-20 D-28 killed %s: one job, paid for once and refunded once',
  { timeout: PATIENCE_MS },
  async (_, paying, refunding) => {
    const evm = await spawnEvmChain({ dataDir: null })
    try {
      await withMarket({ evmRpcUrl: evm.rpcUrl }, async (market) => {
        const held = (owner: string) => tokenBalance({ rpcUrl: evm.rpcUrl, token: TOKEN.address, owner })
        const { address, secretKey } = await createWallet()
        await faucet({ rpcUrl: evm.rpcUrl, address, amount: FUNDS })
        const serviceId = await openService(market)
        const ask = await purchaseOf(market, { serviceId, secretKey: secretKey as Hex })

        const bought = await acrossDeath(market, { ask, moment: paying })
        expect([bought.status, bought.body?.serviceId]).toEqual([202, serviceId])
        expect(await held(address)).toBe(FUNDS - COST)
        expect(await countsOf(market)).toEqual({ orders: 1, reservations: 0, active: 1, refunds: 0 })

        const path = new URL(String(bought.headers['location'])).pathname
        const cancelled = await acrossDeath(market, {
          ask: { method: 'POST', path: `${path}/cancel` },
          moment: refunding,
        })
        // The answer may have died with the server; then the job is on its way back already.
        expect([200, 409]).toContain(cancelled.status)
        await until(async () => (await market.insist({ method: 'GET', path })).body?.isReturning === false, {
          what: 'the refund to land',
        })
        await market.idle()
        expect(await held(address)).toBe(FUNDS)
        expect(await countsOf(market)).toEqual({ orders: 1, reservations: 0, active: 0, refunds: 1 })
        await booksAreClean(market)
      })
    } finally {
      await evm.close()
    }
  },
)

type Ask = Parameters<Market['ask']>[0]

async function openService({ insist }: Market): Promise<string> {
  const walletAddress = getAddress((await createWallet()).address)
  const about = { name: 'Seller', description: 'Summarizes.', walletAddress }
  const { body } = await insist({ method: 'POST', path: '/api/v1/agents', body: about })
  const listed = await insist({
    ...{ method: 'POST', path: '/api/v1/services', key: body.apiKey },
    body: { ...PLAIN_SERVICE, maxConcurrentJobs: 1, queueEnabled: false },
  })
  expect(listed.status).toBe(201)
  return listed.body.id
}

async function purchaseOf(
  { insist }: Market,
  { serviceId, secretKey }: { serviceId: string; secretKey: Hex },
): Promise<Ask> {
  const ask = { method: 'POST', path: `/x402/${serviceId}`, body: { text: 'long' } }
  const { headers } = await insist(ask)
  const { accepts } = JSON.parse(Buffer.from(String(headers['payment-required']), 'base64').toString())
  const [accepted] = accepts
  const from = privateKeyToAccount(secretKey)
  // Good for long: the server may be dead for a while, and the same payment must still be good afterwards.
  const payment = await signPayment({ from, to: accepted.payTo, value: BigInt(accepted.amount), seconds: 600 })
  const payload = { x402Version: 2, accepted, payload: writeAuthorization(payment.authorization) }
  const signature = Buffer.from(JSON.stringify(payload)).toString('base64')
  return { ...ask, headers: { 'payment-signature': signature, prefer: 'wait=0' } }
}

/** Asks, kills the server at the moment, starts it again, and asks the same until there is an answer. */
async function acrossDeath(market: Market, { ask, moment }: { ask: Ask; moment: Sql }): Promise<Reply> {
  const [server] = market.servers
  let answered: Reply | undefined
  const asking = market.ask(ask).then(
    (reply) => {
      answered = reply
    },
    (error: unknown) => {
      if (!(error instanceof NoAnswer)) throw error
    },
  )
  const givenUpAt = Date.now() + 5000
  while (answered === undefined && Date.now() < givenUpAt && !(await market.store.read.one(moment))) await pause(1)
  await server?.kill()
  await asking
  await server?.start()
  return market.insist(ask)
}

const countsOf = ({ store }: Market) =>
  store.read.one(sql`
    select (select count(*)::int from orders) as orders, (select count(*)::int from direct_reservation) as reservations,
      (select active from direct_slot) as active,
      (select count(*)::int from payout where kind = 'refund' and state = 'confirmed') as refunds`)
