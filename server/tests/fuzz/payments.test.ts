import { createWallet, faucet, spawnEvmChain, tokenBalance } from '@souk/devchain/evm'
import sql from 'sql-template-tag'
import { getAddress, type Hex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { writeAuthorization } from '#settlement'
import { booksAreClean } from '#tests/crash/books'
import { type Dice, diceOf, LONG, seedOfRun } from '#tests/crash/dice'
import { type Market, withMarket } from '#tests/crash/market'
import { openSeller } from '#tests/crash/paid-seller'
import { allEnded, openShop, type Shop } from '#tests/crash/paid-shop'
import { NoAnswer } from '#tests/crash/wire'
import { type EvmPayment, signPayment, TOKEN } from '#tests/evm-payments'
import { breakText, spoil } from './harm.ts'
import { openJudge } from './judge.ts'
import type { FuzzedAsk } from './requests.ts'
import { type Operation, operationsOf } from './wire-contract.ts'

const REQUESTS = LONG ? 20_000 : 300
const AT_ONCE = 6
const PRICE = 10_000n
const SHOWN = 20
const LONGEST_HEADER = 12_000
/** Beyond it what is signed at first would be good no more. */
const GOOD_FOR_SECONDS = 3000
/** Payments are sent again and again, to all doors, whole and broken. */
const PAYMENTS = 60

/*
 * Payments, whole and broken in one place or several, to every door that takes them, at once. Counted is what the chain did.
 */
test(`D-16 D-30 ${REQUESTS} payments, whole and broken, break nothing, and none moves its money twice (seed ${seedOfRun()})`, {
  timeout: LONG ? 3_600_000 : 300_000,
}, async () => {
  const [evm, seller] = await Promise.all([spawnEvmChain({ dataDir: null }), openSeller()])
  try {
    await withMarket({ evmRpcUrl: evm.rpcUrl }, async (market) => {
      const payTo = getAddress((await createWallet()).address)
      const shop = await openShop(market, { payTo, url: seller.url })
      await fuzz({ market, shop, rpcUrl: evm.rpcUrl })
    })
  } finally {
    seller.close()
    await evm.close()
  }
})

interface Place {
  readonly market: Market
  readonly shop: Shop
  readonly rpcUrl: string
}

async function fuzz({ market, shop, rpcUrl }: Place): Promise<void> {
  const dice = diceOf(seedOfRun())
  // One has plenty, one has enough for a few, one has nothing.
  const payers = await Promise.all([1_000_000_000n, 3n * PRICE, 0n].map((funds) => payerWith(funds, rpcUrl)))
  const payments = await Promise.all(
    Array.from({ length: PAYMENTS }, () =>
      signPayment({ from: dice.pick(payers), to: shop.payTo as Hex, value: PRICE, seconds: GOOD_FOR_SECONDS }),
    ),
  )
  const doors = await doorsOf(market)
  const judge = openJudge([market.operatorKey])
  const found: string[] = []
  const statuses = new Set<number>()
  let asked = 0
  const hand = async () => {
    while (asked < REQUESTS && found.length < SHOWN) {
      const number = asked++
      const ask = payingAsk(dice, { door: dice.pick(doors), payment: dice.pick(payments), shop })
      try {
        const reply = await market.ask(ask)
        statuses.add(reply.status)
        for (const fault of judge.faultsOf(ask, reply))
          found.push(`#${number} ${ask.method} ${ask.path} ${String(ask.body).slice(0, 300)}\n    ${fault}`)
      } catch (error) {
        // A header that Node itself does not read is hung up on.
        if (!(error instanceof NoAnswer)) found.push(`#${number} ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, hand))
  expect(found.join('\n')).toBe('')
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 402]))
  await allEnded(market)
  await judgeMoney({ market, shop, rpcUrl })
}

async function payerWith(funds: bigint, rpcUrl: string): Promise<PrivateKeyAccount> {
  const { address, secretKey } = await createWallet()
  await faucet({ rpcUrl, address, amount: funds })
  return privateKeyToAccount(secretKey as Hex)
}

/** Every door that takes payments on EVM. */
async function doorsOf(market: Market): Promise<Operation[]> {
  const doors = (await operationsOf(market)).filter(
    ({ path, method }) => path === '/x402/{id}' || (path.startsWith('/facilitator/') && method === 'POST'),
  )
  expect(doors.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'GET /x402/{id}',
    'POST /facilitator/settle',
    'POST /facilitator/verify',
    'POST /x402/{id}',
  ])
  return doors
}

interface Paying {
  readonly door: Operation
  readonly payment: EvmPayment
  readonly shop: Shop
}

function payingAsk(dice: Dice, { door, payment, shop }: Paying): FuzzedAsk {
  const { path, method } = door
  const about = { who: 'nobody', operation: door, tooLarge: false, method } as const
  const version = dice.pick([1, 2, 2, 2])
  const { asked, sent } = worded(payment, version)
  if (path.startsWith('/facilitator/')) {
    const body = { x402Version: version, paymentPayload: sent, paymentRequirements: asked }
    return { ...about, path, body: harmed(dice, body) }
  }
  const coded = Buffer.from(harmed(dice, sent)).toString('base64')
  const header = dice.chance(0.1) ? breakText(coded, dice) : coded
  const name = dice.pick(['payment-signature', 'payment-signature', 'x-payment'])
  const input = dice.pick([{}, { marker: 'a' }, { marker: 'b' }])
  return {
    ...about,
    path: path.replace('{id}', dice.chance(0.95) ? shop.offerId : '01890000-0000-7000-8000-000000000000'),
    // What no HTTP header can carry is not ours to judge, nor what Node's own parser hangs up on.
    headers: {
      [name]: String(header)
        .replace(/[^\x20-\x7e]/g, '')
        .slice(0, LONGEST_HEADER),
    },
    ...(method === 'POST' ? { body: JSON.stringify(input) } : {}),
  }
}

/** As clients of either version say it. */
function worded({ authorization, requirements, accepted }: EvmPayment, version: number) {
  const { amount, ...rest } = requirements
  const payload = writeAuthorization(authorization)
  if (version === 1) {
    const network = 'base-sepolia'
    return {
      asked: { ...rest, network, maxAmountRequired: String(amount) },
      sent: { x402Version: 1, scheme: 'exact', network, payload },
    }
  }
  const asked = { ...rest, amount: String(amount) }
  return { asked, sent: { x402Version: 2, accepted: { ...asked, ...accepted }, payload } }
}

/** Half of them as they were meant. */
function harmed(dice: Dice, meant: object): string {
  if (dice.chance(0.5)) return JSON.stringify(meant)
  const body = structuredClone(meant)
  const once = spoil(body, dice)
  const twice = dice.chance(0.3) ? spoil(once, dice) : once
  const text = JSON.stringify(twice) ?? ''
  return dice.chance(0.2) ? String(breakText(text, dice)) : text
}

/** What arrived is what was settled, each authorization once. */
async function judgeMoney({ market, shop, rpcUrl }: Place): Promise<void> {
  const [row] = await market.store.read.rows<{ settled: bigint; hashes: bigint; unlike: bigint }>(sql`
    select count(*) as settled, count(distinct tx_hash) as hashes, count(*) filter (where amount <> ${PRICE}) as unlike
    from settlement where state = 'settled'`)
  expect(row?.settled).toBeGreaterThan(5n)
  expect([row?.hashes, row?.unlike]).toEqual([row?.settled, 0n])
  const arrived = await tokenBalance({ rpcUrl, token: TOKEN.address, owner: shop.payTo })
  expect(arrived).toBe((row?.settled ?? 0n) * PRICE)
  expect(market.servers[0]?.isUp()).toBe(true)
  await booksAreClean(market)
}
