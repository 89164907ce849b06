import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openReceiver, type Receiver } from '#tests/contracts/webhook-world'
import { type Account, openAccount } from '#tests/crash/account'
import { diceOf, seedOfRun } from '#tests/crash/dice'
import { type Market, openMarket } from '#tests/crash/market'
import type { Reply } from '#tests/crash/wire'
import { type Kind, openStock } from './stock.ts'
import { type Surroundings, valueFor } from './values.ts'
import { type Operation, operationsOf } from './wire-contract.ts'

/** What everybody may see, by contract (JP-20, JP-52, PA-20, PA-57); every other path with an id in it is its owner's alone. */
const PUBLIC: Readonly<Record<string, readonly Kind[]>> = {
  'GET /api/v1/agents/{id}': ['agent'],
  'GET /api/v1/agents/{id}/ratings': ['agent'],
  'GET /api/v1/agents/{id}/receipts': ['agent'],
  'GET /api/v1/receipts/{id}': [],
  'GET /api/v1/services/{id}': ['service'],
  'GET /api/v1/offers/{id}': ['offer'],
  'GET /api/v1/requests/{id}': ['request'],
  'GET /api/v1/offers/{id}/health': ['offer'],
  'POST /api/v1/offers/{id}/buy': ['offer'],
  'GET /x402/{id}': ['offer', 'service'],
  'POST /x402/{id}': ['offer', 'service'],
}
/** What strangers are told of another's request with a 400, by contract (PA-41, PA-43). */
const REFUSED_400 = ['bid', 'fulfill', 'consent'].map((verb) => `POST /api/v1/requests/{id}/${verb}`)
const OPERATORS = '/api/v1/admin/'
const SANDBOX = '/sandbox/'
const HIDDEN = [403, 404]

const MARK = `only-ann-may-read-${randomUUID().slice(0, 8)}`

let market: Market
let receiver: Receiver
let operations: Operation[]
/** Owns everything. */
let ann: Account
/** Trades with Ann. */
let carl: Account
/** Looks where she should not. */
let eve: Account
let objects: { kind: Kind; id: string }[]
/** Texts that nobody but Ann and those she trades with may ever be shown. */
let privates: string[]
let around: Surroundings

beforeAll(async () => {
  receiver = await openReceiver()
  market = await openMarket()
  ;[ann, carl, eve] = (await Promise.all(
    ['ann', 'carl', 'eve'].map((name) => openAccount(market, { name, funds: 30_000_000n })),
  )) as [Account, Account, Account]
  operations = await operationsOf(market)
  await furnish()
  around = {
    ...{ dice: diceOf(seedOfRun()), stock: openStock(), receiverUrl: receiver.url },
    wallets: [eve.personal, eve.payoutWallet],
  }
}, 120_000)

afterAll(async () => {
  await market.close()
  await receiver.close()
}, 60_000)

const name = ({ method, path }: Operation) => `${method} ${path}`
const hasId = ({ path }: Operation) => path.includes('{')
const as = (account: Account, method: string, path: string, body?: object) =>
  market.insist({ method, path, key: account.key, body })

async function furnish(): Promise<void> {
  const service = {
    ...{ name: 'Summarizer', description: 'Summarizes any text into bullets', category: 'text', pricePerJob: 500_000 },
    ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
  }
  await as(ann, 'PATCH', '/api/v1/agents/me', { callbackUrl: `${receiver.url}/${MARK}` })
  // What she sells can be paid, so that it is shown to whoever would buy it.
  const paidAt = { solanaWallet: ann.personal.address }
  await market.insist({
    method: 'PATCH',
    path: `/api/v1/admin/agents/${ann.id}`,
    key: market.operatorKey,
    body: paidAt,
  })
  const [anns, carls] = [
    await as(ann, 'POST', '/api/v1/services', service),
    await as(carl, 'POST', '/api/v1/services', service),
  ]
  const offer = await as(ann, 'POST', '/api/v1/offers', {
    ...{ title: 'Translator', description: 'Translates short texts', category: 'language', priceCents: 2 },
    ...{ offerType: 'download', fileUrl: `https://files.invalid/${MARK}`, verificationBody: MARK },
    endpoint: `https://calls.invalid/?key=${MARK}`,
  })
  const request = await as(ann, 'POST', '/api/v1/requests', {
    ...{ title: 'Translate a page', description: 'From Latin', budgetMaxCents: 5, inputPayload: { [MARK]: MARK } },
    ...{ providerId: carl.id, agreedPriceCents: 5 },
  })
  await as(carl, 'POST', `/api/v1/requests/${request.body.requestId}/fulfill`, { outputPayload: { [MARK]: MARK } })
  const hire = (buyer: Account, { body }: Reply) =>
    as(buyer, 'POST', '/api/v1/jobs', { type: 'direct', serviceId: body.id, input: { [MARK]: MARK } })
  const bought = await hire(ann, carls)
  const [sold, done] = [await hire(carl, anns), await hire(carl, anns)]
  await as(ann, 'POST', `/api/v1/jobs/${done.body.id}/deliver`, { output: { [MARK]: MARK } })
  const key = await as(ann, 'POST', '/api/v1/auth/keys', { name: MARK })
  const withdrawal = await as(ann, 'POST', '/api/v1/wallet/withdraw', { amount: 5_000_000 })
  const deliveries = async () =>
    (await market.insist({ method: 'GET', path: '/api/v1/admin/webhooks/deliveries', key: market.operatorKey })).body
      .deliveries
  await market.idle()
  objects = [
    { kind: 'agent', id: ann.id },
    { kind: 'service', id: anns.body.id },
    { kind: 'offer', id: offer.body.offerId },
    { kind: 'request', id: request.body.requestId },
    ...[bought, sold, done].map(({ body }) => ({ kind: 'job' as const, id: body.id })),
    { kind: 'key', id: key.body.keyId },
    { kind: 'withdrawal', id: withdrawal.body.transactionId },
    { kind: 'delivery', id: (await deliveries())[0].id },
  ]
  const hidden = objects.filter(({ kind }) => !['agent', 'service', 'offer', 'request'].includes(kind))
  privates = [MARK, ann.payoutWallet.address, ann.key, key.body.apiKey, ...hidden.map(({ id }) => id)]
  expect(privates.every((text) => typeof text === 'string' && text.length > 8)).toBe(true)
}

/** The same request with several bodies that are well meant: what a check of the body would hide must not stay hidden. */
async function tries(operation: Operation, id: string, key: string | undefined): Promise<Reply[]> {
  const { method, body } = operation
  const path = operation.path.replace(/\{\w+\}/g, id)
  const bodies = body === null ? [undefined] : [1, 2, 3, 4].map(() => valueFor(body, 'body', around) as object)
  const replies = await Promise.all(bodies.map((one) => answered({ method, path, key, body: one })))
  const looked = replies.filter(({ body: answer }) => answer?.code !== 'invalid_request')
  return looked.length > 0 ? looked : replies
}

/** Nobody is killed here; what a seller has not set up is an answer as well. */
async function answered(ask: Parameters<Market['ask']>[0]): Promise<Reply> {
  const reply = await market.ask(ask)
  const isAnswer = ['seller_without_wallet', 'provider_without_wallet'].includes(reply.body?.code)
  return reply.status === 503 && !isAnswer ? market.insist(ask) : reply
}

function shown(replies: readonly Reply[]): string[] {
  return replies.flatMap(({ text }) => privates.filter((secret) => text.includes(secret) && !echoes(text, secret)))
}

/** A refusal may repeat the path it was asked for. */
function echoes(text: string, secret: string): boolean {
  return text.replaceAll(new RegExp(`/[\\w/.-]*${secret}`, 'g'), '').includes(secret) === false
}

/** What wallets buy is known by unguessable ids, and asks nobody for a key. */
function isKeyless({ path }: Operation): boolean {
  return path.startsWith('/x402/') || path.startsWith('/api/v1/purchases/')
}

function hiddenBy(operation: Operation, kind: Kind): readonly number[] {
  return kind === 'request' && REFUSED_400.includes(name(operation)) ? [...HIDDEN, 400] : HIDDEN
}

interface Portrait {
  readonly [path: string]: unknown
}

/** All that Ann can see of what is hers, but for what her own looking changes. */
async function portrait(): Promise<Portrait> {
  const paths = objects.flatMap(({ kind, id }) => {
    const path = {
      agent: 'agents',
      service: 'services',
      job: 'jobs',
      withdrawal: 'wallet/withdrawals',
      offer: 'offers',
      request: 'requests',
    }[kind as string]
    return path === undefined ? [] : [`/api/v1/${path}/${id}`]
  })
  const seen = await Promise.all(paths.map(async (path) => [path, (await as(ann, 'GET', path)).body]))
  const { keys } = (await as(ann, 'GET', '/api/v1/auth/keys')).body
  return { ...Object.fromEntries(seen), keys: keys.map(({ lastUsedAt, ...key }: { lastUsedAt: string }) => key) }
}

describe("one agent and another's objects", () => {
  test('every path with an id refuses a stranger: 403 or 404, and never a word of the object', {
    timeout: 120_000,
  }, async () => {
    const before = await portrait()
    const found: string[] = []
    const matrix = operations.filter(
      (one) => hasId(one) && !one.path.startsWith(OPERATORS) && !one.path.startsWith(SANDBOX),
    )
    expect(matrix.length).toBeGreaterThan(10)
    for (const operation of matrix) {
      for (const { kind, id } of objects) {
        const replies = await tries(operation, id, eve.key)
        const leaked = shown(replies)
        if (leaked.length > 0) found.push(`${name(operation)} shows ${leaked} of the ${kind}`)
        if (PUBLIC[name(operation)]?.includes(kind)) continue
        const wrong = replies.filter(({ status }) => !hiddenBy(operation, kind).includes(status))
        for (const { status, text } of wrong)
          found.push(`${name(operation)} with a ${kind}: ${status} ${text.slice(0, 200)}`)
      }
    }
    expect(found).toEqual([])
    expect(await portrait()).toEqual(before)
  })

  test('the same without a key, and with the key of a newcomer', { timeout: 120_000 }, async () => {
    const newcomer = await market.insist({ method: 'POST', path: '/api/v1/auth/register', body: { name: 'newcomer' } })
    const before = await portrait()
    const found: string[] = []
    for (const operation of operations.filter((one) => hasId(one) && !one.path.startsWith(SANDBOX))) {
      for (const { kind, id } of objects) {
        if (PUBLIC[name(operation)] !== undefined) continue
        const [nobody, stranger] = [
          await tries(operation, id, undefined),
          await tries(operation, id, newcomer.body.apiKey),
        ]
        const wrong = [
          ...nobody.filter(({ status }) => !(isKeyless(operation) ? HIDDEN : [401]).includes(status)),
          ...stranger.filter(({ status }) => !hiddenBy(operation, kind).includes(status)),
        ]
        for (const { status, text } of wrong)
          found.push(`${name(operation)} with a ${kind}: ${status} ${text.slice(0, 200)}`)
        if (shown([...nobody, ...stranger]).length > 0) found.push(`${name(operation)} shows something of the ${kind}`)
      }
    }
    expect(found).toEqual([])
    expect(await portrait()).toEqual(before)
  })

  test("the operator's paths refuse every agent, whatever they ask about", { timeout: 60_000 }, async () => {
    const found: string[] = []
    const matrix = operations.filter(({ path }) => path.startsWith(OPERATORS))
    expect(matrix.length).toBeGreaterThan(3)
    for (const operation of matrix) {
      for (const { id } of hasId(operation) ? objects : objects.slice(0, 1)) {
        for (const { key } of [ann, eve]) {
          const replies = await tries(operation, id, key)
          const wrong = replies.filter(({ status }) => status !== 403)
          for (const { status, text } of wrong) found.push(`${name(operation)}: ${status} ${text.slice(0, 200)}`)
        }
      }
    }
    expect(found).toEqual([])
  })

  test("lists show nobody anything of another's", { timeout: 60_000 }, async () => {
    const lists = operations.filter((one) => one.method === 'GET' && !hasId(one))
    const open = lists.filter(({ path }) => !path.startsWith(OPERATORS) && !path.startsWith(SANDBOX))
    const found: string[] = []
    for (const operation of open) {
      const paged = operation.parameters.some((parameter) => parameter.name === 'limit')
      const path = `${operation.path}${paged ? '?limit=100' : ''}`
      const reply = await answered({ method: 'GET', path, key: eve.key })
      if (shown([reply]).length > 0) found.push(`${name(operation)} shows ${shown([reply])}`)
    }
    expect(found).toEqual([])
  })

  test("D-14 an Idempotency-Key of another agent's answers nothing of theirs", async () => {
    const body = { name: 'the same name' }
    const headers = { 'idempotency-key': randomUUID() }
    const make = ({ key }: Account) => market.insist({ method: 'POST', path: '/api/v1/auth/keys', key, body, headers })
    const [hers, mine] = [await make(ann), await make(eve)]
    expect([hers.status, mine.status]).toEqual([201, 201])
    expect(mine.headers['idempotent-replayed']).toBeUndefined()
    expect(mine.body.apiKey).not.toBe(hers.body.apiKey)
  })

  test('whoever is party to a job sees it, and nobody else knows more than that', async () => {
    const [job] = objects.filter(({ kind }) => kind === 'job')
    expect((await as(ann, 'GET', `/api/v1/jobs/${job?.id}`)).text).toContain(MARK)
    expect((await as(carl, 'GET', `/api/v1/jobs/${job?.id}`)).text).toContain(MARK)
    expect((await as(eve, 'GET', `/api/v1/jobs/${job?.id}`)).status).toBe(403)
  })
})
