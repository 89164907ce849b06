import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentRoutes } from '#faces/v1/agents'
import { authRoutes } from '#faces/v1/auth'
import type { V1Context } from '#faces/v1/context'
import { createAuthenticator, markActivated, setEmergencyAddress, webhookSecretsOf } from '#identity'
import { newId } from '#kernel/id'
import { available, balanceOf, openAccounts, pending, post, world } from '#ledger'
import { standardMarket } from '#platform/config/market'
import { buildHttp } from '#platform/http/app'
import { createAnswer, createAnswerBook } from '#platform/http/idempotency'
import { rules } from '#platform/http/rules'
import { createOutbound } from '#platform/outbound/index'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { NEUTRAL_TRUST } from '#trust'

let db: TestDatabase
let app: FastifyInstance
const sealingKey = randomBytes(32)
const publicUrl = 'http://localhost:3000'
/** In the shape of a Solana address, one per party. */
const addressOf = (partyId: string) => `So1${partyId.replaceAll('-', '').replaceAll('0', 'z')}`

beforeAll(async () => {
  db = await openTestDatabase()
  const { store } = db
  app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl,
    version: '0.0.0',
    authenticate: createAuthenticator(store),
    operatorKey: randomBytes(24).toString('hex'),
    limits: 'off',
    trustProxy: false,
  })
  const answers = createAnswerBook(store, sealingKey)
  const souk: Partial<V1Context> = {
    store,
    read: store.read,
    answer: createAnswer(store, answers),
    answers,
    publicUrl,
    outbound: createOutbound({ allowLoopback: true, ownPorts: () => [3000] }),
    market: standardMarket,
    sealingKey,
    trustOf: async () => NEUTRAL_TRUST,
    conductOf: async () => ({ disputesFiled: 0, disputeRate: 0, restricted: false }),
    ratingSummaryOf: async () => ({ average: null, count: 0 }),
    ratingsOf: async () => ({ items: [], total: 0 }),
    walletBalances: async (partyId) => ({
      available: await balanceOf(store.read, available('USDC', partyId)),
      pending: await balanceOf(store.read, pending('USDC', partyId)),
      escrowed: 0n,
    }),
    depositAddressOf: async (partyId) => addressOf(partyId),
    assignDepositAddress: async (_tx, partyId) => addressOf(partyId),
    checkEmergencyAddress: async () => {},
  }
  await app.register(authRoutes(souk as V1Context), { prefix: '/api/v1' })
  await app.register(agentRoutes(souk as V1Context), { prefix: '/api/v1' })
  app.get('/activated-only', { config: rules({ auth: 'activated' }) }, async () => ({ reached: true }))
  await app.ready()
})

afterAll(async () => {
  await app.close()
  await db.close()
})

interface Ask {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

async function ask(method: Method, path: string, { key, body, headers }: Ask = {}) {
  const answer = await app.inject({
    method,
    url: path.startsWith('/auth') || path.startsWith('/agents') ? `/api/v1${path}` : path,
    headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
    ...(body === undefined ? {} : { payload: body as object }),
  })
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers }
}

let names = 0
async function registered(more: Record<string, unknown> = {}) {
  const { status, body } = await ask('POST', '/auth/register', { body: { name: `agent-${++names}`, ...more } })
  expect(status).toBe(201)
  return body as {
    agentId: string
    name: string
    apiKey: string
    keyId: string
    walletAddress: string
    webhookSecret: string
  }
}

test('JP-1 without a key, or with an unknown one, the answer is 401', async () => {
  for (const key of ['', `jp_${'0'.repeat(48)}`]) {
    const { status, body, headers } = await ask('GET', '/auth/verify', key ? { key } : {})
    expect(status).toBe(401)
    expect(body).toMatchObject({ error: expect.any(String), code: key ? 'key_invalid' : 'key_missing' })
    expect(headers['www-authenticate']).toBe('Bearer')
  }
})

test('D-2 a key works as Bearer and as X-API-Key', async () => {
  const { apiKey, agentId } = await registered()
  const { status, body } = await ask('GET', '/auth/verify', { headers: { 'x-api-key': apiKey } })
  expect(status).toBe(200)
  expect(body).toMatchObject({ agentId })
})

test('JP-5, JP-11 registering needs no key and answers the agent, its key, its wallet and how to activate', async () => {
  const body = { name: 'my-agent', description: 'Does things', capabilities: ['a', 'b'] }
  const answer = await ask('POST', '/auth/register', { body })
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({
    agentId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
    name: 'my-agent',
    apiKey: expect.stringMatching(/^jp_[0-9a-f]{48}$/),
    keyId: expect.any(String),
    walletAddress: addressOf(answer.body.agentId),
    depositAddress: answer.body.walletAddress,
    activated: false,
    activationFee: '1.00 USDC',
    activation: {
      status: 'pending',
      fee: '1.00 USDC',
      instructions: 'Send at least 1 USDC to your wallet address to activate',
    },
    webhookSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    emergencyAddress: null,
  })
  const other = await registered()
  expect(other.walletAddress).not.toBe(answer.body.walletAddress)
})

test('JP-2, JP-14 keys are shown once; several work at once and the list hides them', async () => {
  const { apiKey } = await registered()
  const made = await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'production-key' } })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    apiKey: expect.stringMatching(/^jp_[0-9a-f]{48}$/),
    keyPrefix: made.body.apiKey.slice(0, 6),
    keyId: expect.any(String),
    scopes: ['read', 'trade', 'withdraw', 'admin'],
    expiresAt: null,
  })
  const listed = await ask('GET', '/auth/keys', { key: made.body.apiKey })
  expect(listed.body.keys).toMatchObject([
    { keyId: made.body.keyId, keyPrefix: made.body.keyPrefix, name: 'production-key', current: true },
    { name: 'first key', current: false },
  ])
  for (const secret of [apiKey, made.body.apiKey]) expect(JSON.stringify(listed.body)).not.toContain(secret)
  expect((await ask('GET', '/auth/verify', { key: apiKey })).status).toBe(200)
})

test.each([
  ['too short a name', { name: 'a' }],
  ['too long a name', { name: 'a'.repeat(51) }],
  ['a name with a space', { name: 'two words' }],
  ['a name with HTML', { name: '<b>bold</b>' }],
  ['a name with a newline at its end', { name: 'newline\n' }],
  ['no name', {}],
  ['a number as name', { name: 12345 }],
  ['too long a description', { name: 'ok-1', description: 'x'.repeat(501) }],
  ['too many capabilities', { name: 'ok-2', capabilities: Array.from({ length: 21 }, (_, n) => `c${n}`) }],
  ['too short a password', { name: 'ok-3', password: '1234567' }],
  ['no email', { name: 'ok-4', email: 'not an email' }],
  ['an unknown field', { name: 'ok-5', role: 'admin' }],
  ['a callback into a private network', { name: 'ok-6', callbackUrl: 'http://10.0.0.1/hook' }],
  ['a callback to this server', { name: 'ok-7', callbackUrl: 'http://localhost:3000/api/v1/wallet/panic' }],
  ['a callback that is no URL', { name: 'ok-8', callbackUrl: 'nowhere' }],
])('JP-6 to JP-10, JP-171 %s is refused with 400', async (_what, body) => {
  const answer = await ask('POST', '/auth/register', { body })
  expect(answer.status).toBe(400)
  expect(answer.body).toMatchObject({ error: expect.any(String), code: expect.any(String), fix: expect.any(String) })
})

test('JP-7 lengths count characters, not their bytes or halves', async () => {
  await registered({ description: '🦜'.repeat(500) })
  const longer = { name: `agent-${++names}`, description: '🦜'.repeat(501) }
  expect((await ask('POST', '/auth/register', { body: longer })).status).toBe(400)
})

test('JP-6, JP-171 a name that is taken, in whatever case, is refused with 409', async () => {
  await registered({ name: 'Summarizer-Bot' })
  const { status, body } = await ask('POST', '/auth/register', { body: { name: 'summarizer-bot' } })
  expect(status).toBe(409)
  expect(body.code).toBe('name_taken')
})

test('JP-12 a revoked key gives 401', async () => {
  const { apiKey } = await registered()
  const made = await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'short' } })
  const revoked = await ask('DELETE', `/auth/keys/${made.body.keyId}`, { key: apiKey })
  expect(revoked).toMatchObject({ status: 200, body: { message: expect.any(String) } })
  expect((await ask('GET', '/auth/verify', { key: made.body.apiKey })).status).toBe(401)
  expect((await ask('DELETE', `/auth/keys/${made.body.keyId}`, { key: apiKey })).status).toBe(404)
})

test('JP-12 the keys of others, unknown and malformed ids are 404', async () => {
  const [mine, other] = [await registered(), await registered()]
  for (const keyId of [other.keyId, newId(), 'nonsense', '%00'])
    expect((await ask('DELETE', `/auth/keys/${keyId}`, { key: mine.apiKey })).status).toBe(404)
  expect((await ask('GET', '/auth/verify', { key: other.apiKey })).status).toBe(200)
})

test('JP-13 the last active key cannot be revoked', async () => {
  const { apiKey, keyId } = await registered()
  const { status, body } = await ask('DELETE', `/auth/keys/${keyId}`, { key: apiKey })
  expect(status).toBe(400)
  expect(body.code).toBe('last_key')
  expect((await ask('GET', '/auth/verify', { key: apiKey })).status).toBe(200)
})

test('JP-15 verify answers whose key it is', async () => {
  const { apiKey, agentId, name } = await registered()
  const { status, body } = await ask('GET', '/auth/verify', { key: apiKey })
  expect(status).toBe(200)
  expect(body).toEqual({ valid: true, agentId, name })
})

test('JP-16, JP-17 activation is asked where it is demanded, and nowhere else', async () => {
  const { apiKey, agentId } = await registered()
  expect((await ask('GET', '/activated-only', { key: apiKey })).status).toBe(403)
  for (const path of ['/agents/me', '/auth/keys', '/auth/verify'])
    expect((await ask('GET', path, { key: apiKey })).status).toBe(200)
  await db.store.transact((tx) => markActivated(tx, agentId))
  expect((await ask('GET', '/activated-only', { key: apiKey })).status).toBe(200)
})

test('JP-18 a profile takes any subset of its fields and keeps the rest', async () => {
  const { apiKey, agentId } = await registered({ description: 'before', capabilities: ['text'] })
  const changes = {
    description: 'Updated description',
    avatarUrl: 'https://example.com/avatar.png',
    websiteUrl: 'https://myagent.dev',
    capabilities: ['image-gen', 'video-gen'],
    callbackUrl: 'http://localhost:4567/webhook',
  }
  const all = await ask('PATCH', '/agents/me', { key: apiKey, body: changes })
  expect(all.status).toBe(200)
  expect(all.body).toMatchObject({ id: agentId, ...changes })
  const one = await ask('PATCH', '/agents/me', { key: apiKey, body: { websiteUrl: null } })
  expect(one.body).toMatchObject({ ...changes, websiteUrl: null })
  const none = await ask('PATCH', '/agents/me', { key: apiKey, body: {} })
  expect(none.body).toEqual((await ask('GET', '/agents/me', { key: apiKey })).body)
})

test.each([
  { name: 'renamed' },
  { email: 'new@a.example' },
  { activated: true },
  { description: 501 },
  { capabilities: 'text' },
  { avatarUrl: 'javascript:alert(1)' },
  { websiteUrl: 'nowhere' },
  { callbackUrl: 'http://169.254.169.254/latest' },
  { callbackUrl: '' },
])('JP-18 a profile change of %j is refused with 400', async (body) => {
  const { apiKey } = await registered()
  const before = await ask('GET', '/agents/me', { key: apiKey })
  expect((await ask('PATCH', '/agents/me', { key: apiKey, body })).status).toBe(400)
  expect((await ask('GET', '/agents/me', { key: apiKey })).body).toEqual(before.body)
})

test('JP-19 the own profile is full and holds the balances', async () => {
  const { apiKey, agentId, name, walletAddress } = await registered({ email: 'me@a.example' })
  const deposit = { from: world('USDC', 'solana'), to: available('USDC', agentId), amount: 4_500_000n }
  await db.store.transact(async (tx) => {
    await openAccounts(tx, world('USDC', 'solana'))
    await post(tx, { key: `deposit:${agentId}`, reason: 'deposit', subject: agentId, postings: [deposit] })
  })
  const { status, body } = await ask('GET', '/agents/me', { key: apiKey })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    id: agentId,
    name,
    email: 'me@a.example',
    walletAddress,
    depositAddress: walletAddress,
    activated: false,
    emergencyAddress: null,
    wallet: { available: '4500000', pending: '0', escrowed: '0', total: '4500000' },
  })
})

test('JP-20, JP-21 the public profile needs no key and shows standing and conduct, but nothing private', async () => {
  const hidden = { email: 'me@a.example', callbackUrl: 'http://localhost:4567/hook' }
  const { agentId, name, apiKey } = await registered({ ...hidden, capabilities: ['text'] })
  const { status, body } = await ask('GET', `/agents/${agentId}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    id: agentId,
    name,
    capabilities: ['text'],
    websiteUrl: null,
    activated: false,
    trustScore: NEUTRAL_TRUST.score,
    evidence: 0,
    ratings: { average: null, count: 0 },
    totalDisputesFiled: 0,
    clientDisputeRate: 0,
    clientRestricted: false,
    reportWarning: null,
  })
  for (const value of [hidden.email, hidden.callbackUrl, apiKey]) expect(JSON.stringify(body)).not.toContain(value)
})

test('D-2, D-32 others see the deposit address once a stranger can no longer become the emergency address', async () => {
  const { agentId, walletAddress } = await registered()
  expect((await ask('GET', `/agents/${agentId}`)).body).toMatchObject({ walletAddress: null, depositAddress: null })
  await db.store.transact((tx) => setEmergencyAddress(tx, { partyId: agentId, address: 'owner' }))
  const { body } = await ask('GET', `/agents/${agentId}`)
  expect(body).toMatchObject({ walletAddress, depositAddress: walletAddress })
})

test('JP-20 ratings are public and paged', async () => {
  const { agentId } = await registered()
  const { status, body } = await ask('GET', `/agents/${agentId}/ratings`)
  expect(status).toBe(200)
  expect(body).toEqual({ ratings: [], pagination: { page: 1, limit: 20, total: 0, totalPages: 0 } })
  expect((await ask('GET', `/agents/${agentId}/ratings?page=3&limit=100`)).body.pagination).toMatchObject({ page: 3 })
  for (const query of ['page=0', 'limit=101', 'limit=ten'])
    expect((await ask('GET', `/agents/${agentId}/ratings?${query}`)).status).toBe(400)
})

test('JP-171 unknown and malformed agents are 404', async () => {
  for (const id of [newId(), 'clx123', '..%2f..', "'; drop table agent"])
    for (const rest of ['', '/ratings']) expect((await ask('GET', `/agents/${id}${rest}`)).status).toBe(404)
})

test('D-33 a key makes only keys with subsets of its scopes', async () => {
  const { apiKey } = await registered()
  const narrow = await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'narrow', scopes: ['read', 'trade'] } })
  expect(narrow.body.scopes).toEqual(['read', 'trade'])
  const wide = { name: 'wide', scopes: ['read', 'admin'] }
  const refused = await ask('POST', '/auth/keys', { key: narrow.body.apiKey, body: wide })
  expect(refused).toMatchObject({ status: 403, body: { code: 'scope_not_held' } })
  const same = await ask('POST', '/auth/keys', { key: narrow.body.apiKey, body: { name: 'same' } })
  expect(same.body.scopes).toEqual(['read', 'trade'])
  for (const scopes of [[], ['root'], ['read', 'read'], 'read'])
    expect((await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'bad', scopes } })).status).toBe(400)
})

test('D-33 revoking keys and rotating the webhook secret need the admin scope, changing the profile trade', async () => {
  const { apiKey, keyId } = await registered()
  const made = await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'reader', scopes: ['read'] } })
  const key = made.body.apiKey
  expect((await ask('DELETE', `/auth/keys/${keyId}`, { key })).status).toBe(403)
  expect((await ask('POST', '/auth/webhook-secret', { key })).status).toBe(403)
  expect((await ask('PATCH', '/agents/me', { key, body: {} })).status).toBe(403)
  expect((await ask('GET', '/agents/me', { key })).status).toBe(200)
})

test('D-33 a key can be given an end, but not one in the past', async () => {
  const { apiKey } = await registered()
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const made = await ask('POST', '/auth/keys', { key: apiKey, body: { name: 'mortal', expiresAt } })
  expect(made.body.expiresAt).toBe(expiresAt)
  const past = { name: 'stillborn', expiresAt: '2020-01-01T00:00:00Z' }
  expect((await ask('POST', '/auth/keys', { key: apiKey, body: past })).status).toBe(400)
})

test('D-25 rotating shows the new webhook secret once, while the one before still signs', async () => {
  const { apiKey, agentId, webhookSecret } = await registered()
  const { status, body } = await ask('POST', '/auth/webhook-secret', { key: apiKey })
  expect(status).toBe(200)
  expect(body).toEqual({
    webhookSecret: expect.stringMatching(/^whsec_/),
    previousValidUntil: expect.stringMatching(/Z$/),
  })
  const secrets = await webhookSecretsOf(db.store.read, [agentId], sealingKey)
  expect(secrets.get(agentId)).toEqual([body.webhookSecret, webhookSecret])
})

test('JP-173 a registration sent again with its idempotency key gives the same agent and key', async () => {
  const headers = { 'idempotency-key': newId() }
  const body = { name: `agent-${++names}`, password: 'long enough' }
  const tries = await Promise.all([1, 2, 3].map(() => ask('POST', '/auth/register', { body, headers })))
  expect(tries.map(({ status }) => status)).toEqual([201, 201, 201])
  expect(new Set(tries.map((one) => one.body.apiKey)).size).toBe(1)
  const other = { ...body, name: `agent-${++names}` }
  expect((await ask('POST', '/auth/register', { body: other, headers })).status).toBe(422)
})

test('JP-2, JP-173 an answer kept for retries does not keep the key readable', async () => {
  const headers = { 'idempotency-key': newId() }
  const { body } = await ask('POST', '/auth/register', { body: { name: `agent-${++names}` }, headers })
  const rows = await db.store.read.rows<{ row: string }>(sql`select idempotency::text as row from idempotency`)
  for (const secret of [body.apiKey, body.webhookSecret]) expect(JSON.stringify(rows)).not.toContain(secret)
})

test('JP-174 descriptions, capabilities and key names lose their HTML', async () => {
  const html = '<script>alert(1)</script>hi <b>you</b>'
  const { apiKey, agentId } = await registered({ description: html, capabilities: ['<i>text</i>'] })
  expect((await ask('GET', `/agents/${agentId}`)).body).toMatchObject({
    description: 'alert(1)hi you',
    capabilities: ['text'],
  })
  await ask('PATCH', '/agents/me', { key: apiKey, body: { description: 'a <img src=x onerror=alert(1)> b' } })
  expect((await ask('GET', '/agents/me', { key: apiKey })).body.description).toBe('a  b')
})

test('JP-171 a body that is not what it should be is a 400 that says so', async () => {
  const { apiKey } = await registered()
  for (const body of [{}, { name: '' }, { name: 'x'.repeat(101) }, { name: 'x', admin: true }])
    expect((await ask('POST', '/auth/keys', { key: apiKey, body })).status).toBe(400)
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/auth/register',
    headers: { 'content-type': 'application/json' },
    payload: '{"name":"twice","name":"twice"}',
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ error: expect.any(String), code: 'duplicate_key' })
})
