import { expect, test } from 'vitest'
import { openReceiver } from '#tests/contracts/webhook-world'
import { type Account, openAccount } from '#tests/crash/account'
import { booksAreClean } from '#tests/crash/books'
import { diceOf, LONG, seedOfRun } from '#tests/crash/dice'
import { type Market, withMarket } from '#tests/crash/market'
import { NoAnswer } from '#tests/crash/wire'
import { openJudge } from './judge.ts'
import { type FuzzedAsk, type Keys, openFuzzer } from './requests.ts'
import { openStock, type Stock } from './stock.ts'
import { type Operation, operationsOf } from './wire-contract.ts'

const REQUESTS = LONG ? 100_000 : 4000
const AT_ONCE = 8
const MEND_EVERY = 250
const SHOWN = 25
const FUNDS = 100_000_000n

test(`D-30 ${REQUESTS} requests, meant well and broken, break nothing, learn nothing and always hear why (seed ${seedOfRun()})`, {
  timeout: LONG ? 3_600_000 : 180_000,
}, async () => {
  const receiver = await openReceiver()
  await withMarket({}, (market) => fuzz(market, receiver.url)).finally(() => void receiver.close())
})

/** What succeeds only after a payment that the fuzzer has no wallet to sign. */
const PAID_BY_WALLET =
  /^\/(x402|facilitator|discovery)\/|\/purchases\/|\/buy$|\/auth\/wallet|\/me\/wallet|\/requests\/\{id\}\/(approve|dispute|resolve|consent)$/

async function fuzz(market: Market, receiverUrl: string): Promise<void> {
  const dice = diceOf(seedOfRun())
  const stock = openStock()
  const [owner, stranger] = (await Promise.all(
    ['owner', 'stranger'].map((name) => openAccount(market, { name, funds: FUNDS })),
  )) as [Account, Account]
  const keys = await keysOf(market, owner, stranger)
  for (const { id } of [owner, stranger]) stock.add('agent', id)
  const operations = await operationsOf(market)
  expect(operations.length).toBeGreaterThan(30)
  const wallets = [owner, stranger].flatMap(({ personal, payoutWallet }) => [personal, payoutWallet])
  const fuzzer = openFuzzer(operations, keys, { dice, stock, wallets, receiverUrl })
  const judge = openJudge([...Object.values(keys), owner.registered.body.webhookSecret])
  const found: string[] = []
  const succeeded = new Set<Operation>()

  const one = async (ask: FuzzedAsk, number: number) => {
    try {
      const reply = await market.ask(ask)
      if (ask.method === ask.operation.method && reply.status < 300) {
        succeeded.add(ask.operation)
        stock.learn(ask.operation.path, reply)
      }
      for (const fault of judge.faultsOf(ask, reply)) found.push(`#${number} ${told(ask)}\n    ${fault}`)
    } catch (error) {
      if (!(error instanceof NoAnswer && ask.tooLarge)) found.push(`#${number} ${told(ask)}\n    ${String(error)}`)
    }
  }
  let asked = 0
  const hand = async () => {
    while (asked < REQUESTS && found.length < SHOWN) {
      const number = asked++
      if (number % MEND_EVERY === 0) await mend(market, { owner, stranger, stock })
      await one(fuzzer.next(), number)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, hand))

  expect(found.slice(0, SHOWN).join('\n')).toBe('')
  expect(market.servers[0]?.isUp()).toBe(true)
  expect((await market.ask({ method: 'GET', path: '/health' })).body.status).toBe('ok')
  expect(loudLines(market)).toEqual([])
  // The requests were not all nonsense: nearly whatever can succeed did.
  const within = operations.filter(({ path }) => !PAID_BY_WALLET.test(path))
  const neverTaken = within
    .filter((operation) => !succeeded.has(operation))
    .map(({ method, path }) => `${method} ${path}`)
  expect(neverTaken.length, neverTaken.join(', ')).toBeLessThan(within.length / 5)
  await market.idle()
  await booksAreClean(market)
}

async function keysOf(market: Market, owner: Account, stranger: Account): Promise<Keys> {
  const make = async (name: string, more: object = {}) => {
    const { body } = await market.insist({
      method: 'POST',
      path: '/api/v1/auth/keys',
      key: owner.key,
      body: { name, ...more },
    })
    return body as { apiKey: string; keyId: string }
  }
  const [reader, revoked] = [await make('reader', { scopes: ['read'] }), await make('revoked')]
  await market.insist({ method: 'DELETE', path: `/api/v1/auth/keys/${revoked.keyId}`, key: owner.key })
  const newcomer = await market.insist({ method: 'POST', path: '/api/v1/auth/register', body: { name: 'newcomer' } })
  return {
    ...{ owner: owner.key, stranger: stranger.key, newcomer: newcomer.body.apiKey, operator: market.operatorKey },
    ...{ reader: reader.apiKey, revoked: revoked.apiKey, wrong: `jp_${'0'.repeat(48)}` },
  }
}

interface Cast {
  readonly owner: Account
  readonly stranger: Account
  readonly stock: Stock
}

/** Something fresh of everything there is, so that requests have something to meet. */
async function furnish(market: Market, { owner, stranger, stock }: Cast): Promise<void> {
  const make = async (path: string, key: string, body: object) => {
    const reply = await market.insist({ method: 'POST', path, key, body })
    stock.learn(path, reply)
    return reply
  }
  for (const [seller, buyer] of [
    [owner, stranger],
    [stranger, owner],
  ] as const) {
    for (const autoAccept of [true, false]) {
      const { body } = await make('/api/v1/services', seller.key, { ...SERVICE, autoAccept })
      for (let job = 0; job < 4; job++) {
        await make('/api/v1/jobs', buyer.key, { type: 'direct', serviceId: body.id, input: {} })
      }
    }
    await make('/api/v1/offers', seller.key, OFFER)
    await make('/api/v1/wallet/withdraw', seller.key, { amount: 5_000_000 })
  }
}

const SERVICE = {
  ...{ name: 'Summarizer', description: 'Summarizes any text into bullets', category: 'text', pricePerJob: 500_000 },
  ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, maxConcurrentJobs: 100 },
}

const OFFER = {
  ...{ title: 'Translator', description: 'Translates short texts', category: 'language', priceCents: 2 },
  ...{ offerType: 'api', endpoint: 'https://nobody.invalid/call' },
}

const A_DAY = 86_401

/** Gives the fuzzer's agents back what its own requests took: their good standing, their money, something to trade. */
async function mend(market: Market, cast: Cast): Promise<void> {
  await market.pass(A_DAY)
  for (const { id, key, depositAddress } of [cast.owner, cast.stranger]) {
    const path = `/api/v1/admin/agents/${id}`
    await market.insist({ method: 'PATCH', path, key: market.operatorKey, body: { suspended: false } })
    const { body } = await market.insist({ method: 'GET', path: '/api/v1/agents/me', key })
    if (BigInt(body.wallet.available) < 20_000_000n) await market.chain.give(depositAddress, FUNDS)
  }
  await furnish(market, cast)
}

/** What the server had to complain of in its log. */
function loudLines({ servers }: Market): string[] {
  const ERROR = 50
  return servers
    .flatMap((server) => server.log().split('\n'))
    .filter((line) => line.startsWith('{') && JSON.parse(line).level >= ERROR)
    .slice(0, SHOWN)
}

function told({ who, method, path, headers, body }: FuzzedAsk): string {
  const text =
    body === undefined ? '' : body instanceof Uint8Array ? Buffer.from(body.slice(0, 200)).toString() : String(body)
  return `${method} ${path.slice(0, 300)} by ${who} ${JSON.stringify(headers).slice(0, 200)} ${text.slice(0, 500)}`
}
