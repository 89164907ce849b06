import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { markActivated, webhookSecretsOf } from '#identity'
import { newId } from '#kernel/id'
import { addressOf, type IdentityWorld, openIdentityWorld } from './identity-world.ts'

let souk: IdentityWorld

beforeAll(async () => {
  souk = await openIdentityWorld()
})
afterAll(() => souk.close())

test('JP-1 without a key, or with an unknown one, the answer is 401', async () => {
  for (const key of ['', `jp_${'0'.repeat(48)}`]) {
    const { status, body, headers } = await souk.ask('GET', '/auth/verify', key ? { key } : {})
    expect(status).toBe(401)
    expect(body).toMatchObject({ error: expect.any(String), code: key ? 'key_invalid' : 'key_missing' })
    expect(headers['www-authenticate']).toBe('Bearer')
  }
})

test('D-2 a key works as Bearer and as X-API-Key', async () => {
  const { apiKey, agentId } = await souk.register()
  const { status, body } = await souk.ask('GET', '/auth/verify', { headers: { 'x-api-key': apiKey } })
  expect(status).toBe(200)
  expect(body).toMatchObject({ agentId })
})

test('JP-5, JP-11 registering needs no key and answers the agent, its key, its wallet and how to activate', async () => {
  const body = { name: 'my-agent', description: 'Does things', capabilities: ['a', 'b'] }
  const answer = await souk.ask('POST', '/auth/register', { body })
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
  const other = await souk.register()
  expect(other.walletAddress).not.toBe(answer.body.walletAddress)
})

test('JP-2, JP-14 keys are shown once; several work at once and the list hides them', async () => {
  const { apiKey } = await souk.register()
  const made = await souk.ask('POST', '/auth/keys', { key: apiKey, body: { name: 'production-key' } })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    apiKey: expect.stringMatching(/^jp_[0-9a-f]{48}$/),
    keyPrefix: made.body.apiKey.slice(0, 6),
    keyId: expect.any(String),
    scopes: ['read', 'trade', 'withdraw', 'admin'],
    expiresAt: null,
  })
  const listed = await souk.ask('GET', '/auth/keys', { key: made.body.apiKey })
  expect(listed.body.keys).toMatchObject([
    { keyId: made.body.keyId, keyPrefix: made.body.keyPrefix, name: 'production-key', current: true },
    { name: 'first key', current: false },
  ])
  for (const secret of [apiKey, made.body.apiKey]) expect(JSON.stringify(listed.body)).not.toContain(secret)
  expect((await souk.ask('GET', '/auth/verify', { key: apiKey })).status).toBe(200)
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
  const answer = await souk.ask('POST', '/auth/register', { body })
  expect(answer.status).toBe(400)
  expect(answer.body).toMatchObject({ error: expect.any(String), code: expect.any(String), fix: expect.any(String) })
})

test('JP-7 lengths count characters, not their bytes or halves', async () => {
  await souk.register({ description: '🦜'.repeat(500) })
  const longer = { name: souk.freshName(), description: '🦜'.repeat(501) }
  expect((await souk.ask('POST', '/auth/register', { body: longer })).status).toBe(400)
})

test('JP-6, JP-171 a name that is taken, in whatever case, is refused with 409', async () => {
  await souk.register({ name: 'Summarizer-Bot' })
  const { status, body } = await souk.ask('POST', '/auth/register', { body: { name: 'summarizer-bot' } })
  expect(status).toBe(409)
  expect(body.code).toBe('name_taken')
})

test('JP-12 a revoked key gives 401', async () => {
  const { apiKey } = await souk.register()
  const made = await souk.ask('POST', '/auth/keys', { key: apiKey, body: { name: 'short' } })
  const revoked = await souk.ask('DELETE', `/auth/keys/${made.body.keyId}`, { key: apiKey })
  expect(revoked).toMatchObject({ status: 200, body: { message: expect.any(String) } })
  expect((await souk.ask('GET', '/auth/verify', { key: made.body.apiKey })).status).toBe(401)
  expect((await souk.ask('DELETE', `/auth/keys/${made.body.keyId}`, { key: apiKey })).status).toBe(404)
})

test('JP-12 the keys of others, unknown and malformed ids are 404', async () => {
  const [mine, other] = [await souk.register(), await souk.register()]
  for (const keyId of [other.keyId, newId(), 'nonsense', '%00'])
    expect((await souk.ask('DELETE', `/auth/keys/${keyId}`, { key: mine.apiKey })).status).toBe(404)
  expect((await souk.ask('GET', '/auth/verify', { key: other.apiKey })).status).toBe(200)
})

test('JP-13 the last active key cannot be revoked', async () => {
  const { apiKey, keyId } = await souk.register()
  const { status, body } = await souk.ask('DELETE', `/auth/keys/${keyId}`, { key: apiKey })
  expect(status).toBe(400)
  expect(body.code).toBe('last_key')
  expect((await souk.ask('GET', '/auth/verify', { key: apiKey })).status).toBe(200)
})

test('JP-15 verify answers whose key it is', async () => {
  const { apiKey, agentId, name } = await souk.register()
  const { status, body } = await souk.ask('GET', '/auth/verify', { key: apiKey })
  expect(status).toBe(200)
  expect(body).toEqual({ valid: true, agentId, name })
})

test('JP-16, JP-17 activation is asked where it is demanded, and nowhere else', async () => {
  const { apiKey, agentId } = await souk.register()
  expect((await souk.ask('GET', '/activated-only', { key: apiKey })).status).toBe(403)
  for (const path of ['/agents/me', '/auth/keys', '/auth/verify'])
    expect((await souk.ask('GET', path, { key: apiKey })).status).toBe(200)
  await souk.store.transact((tx) => markActivated(tx, agentId))
  expect((await souk.ask('GET', '/activated-only', { key: apiKey })).status).toBe(200)
})

test('D-33 a key makes only keys with subsets of its scopes', async () => {
  const { apiKey } = await souk.register()
  const narrow = await souk.ask('POST', '/auth/keys', {
    key: apiKey,
    body: { name: 'narrow', scopes: ['read', 'trade'] },
  })
  expect(narrow.body.scopes).toEqual(['read', 'trade'])
  const wide = { name: 'wide', scopes: ['read', 'admin'] }
  const refused = await souk.ask('POST', '/auth/keys', { key: narrow.body.apiKey, body: wide })
  expect(refused).toMatchObject({ status: 403, body: { code: 'scope_not_held' } })
  const same = await souk.ask('POST', '/auth/keys', { key: narrow.body.apiKey, body: { name: 'same' } })
  expect(same.body.scopes).toEqual(['read', 'trade'])
  for (const scopes of [[], ['root'], ['read', 'read'], 'read'])
    expect((await souk.ask('POST', '/auth/keys', { key: apiKey, body: { name: 'bad', scopes } })).status).toBe(400)
})

test('D-33 revoking keys and rotating the webhook secret need the admin scope, changing the profile trade', async () => {
  const { apiKey, keyId } = await souk.register()
  const made = await souk.ask('POST', '/auth/keys', { key: apiKey, body: { name: 'reader', scopes: ['read'] } })
  const key = made.body.apiKey
  expect((await souk.ask('DELETE', `/auth/keys/${keyId}`, { key })).status).toBe(403)
  expect((await souk.ask('POST', '/auth/webhook-secret', { key })).status).toBe(403)
  expect((await souk.ask('PATCH', '/agents/me', { key, body: {} })).status).toBe(403)
  expect((await souk.ask('GET', '/agents/me', { key })).status).toBe(200)
})

test('D-33 a key can be given an end, but not one in the past', async () => {
  const { apiKey } = await souk.register()
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const made = await souk.ask('POST', '/auth/keys', { key: apiKey, body: { name: 'mortal', expiresAt } })
  expect(made.body.expiresAt).toBe(expiresAt)
  const past = { name: 'stillborn', expiresAt: '2020-01-01T00:00:00Z' }
  expect((await souk.ask('POST', '/auth/keys', { key: apiKey, body: past })).status).toBe(400)
})

test('D-25 rotating shows the new webhook secret once, while the one before still signs', async () => {
  const { apiKey, agentId, webhookSecret } = await souk.register()
  const { status, body } = await souk.ask('POST', '/auth/webhook-secret', { key: apiKey })
  expect(status).toBe(200)
  expect(body).toEqual({
    webhookSecret: expect.stringMatching(/^whsec_/),
    previousValidUntil: expect.stringMatching(/Z$/),
  })
  const secrets = await webhookSecretsOf(souk.store.read, [agentId], souk.sealingKey)
  expect(secrets.get(agentId)).toEqual([body.webhookSecret, webhookSecret])
})

test('JP-173 a registration sent again with its idempotency key gives the same agent and key', async () => {
  const headers = { 'idempotency-key': newId() }
  const body = { name: souk.freshName(), password: 'long enough' }
  const tries = await Promise.all([1, 2, 3].map(() => souk.ask('POST', '/auth/register', { body, headers })))
  expect(tries.map(({ status }) => status)).toEqual([201, 201, 201])
  expect(new Set(tries.map((one) => one.body.apiKey)).size).toBe(1)
  const other = { ...body, name: souk.freshName() }
  expect((await souk.ask('POST', '/auth/register', { body: other, headers })).status).toBe(422)
})

test('JP-2, JP-173 an answer kept for retries does not keep the key readable', async () => {
  const headers = { 'idempotency-key': newId() }
  const { body } = await souk.ask('POST', '/auth/register', { body: { name: souk.freshName() }, headers })
  const rows = await souk.store.read.rows<{ row: string }>(sql`select idempotency::text as row from idempotency`)
  for (const secret of [body.apiKey, body.webhookSecret]) expect(JSON.stringify(rows)).not.toContain(secret)
})

test('JP-171 a body that is not what it should be is a 400 that says so', async () => {
  const { apiKey } = await souk.register()
  for (const body of [{}, { name: '' }, { name: 'x'.repeat(101) }, { name: 'x', admin: true }])
    expect((await souk.ask('POST', '/auth/keys', { key: apiKey, body })).status).toBe(400)
  const answer = await souk.app.inject({
    method: 'POST',
    url: '/api/v1/auth/register',
    headers: { 'content-type': 'application/json' },
    payload: '{"name":"twice","name":"twice"}',
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ error: expect.any(String), code: 'duplicate_key' })
})
