import { randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partyOfWallet } from '#identity'
import { newId } from '#kernel/id'
import { openWorld, type World } from '#tests/world'

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const freshWallet = () => `0x${randomBytes(20).toString('hex')}`

const fieldsOf = (more: object = {}) => ({
  name: 'Summarizer',
  description: 'Summarizes any text',
  walletAddress: freshWallet(),
  ...more,
})

async function register(more: object = {}): Promise<{ id: string; key: string; prefix: string; wallet: string }> {
  const body = fieldsOf(more)
  const answer = await world.call('POST', '/api/v1/agents', { body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  const { agentId: id, apiKey: key, apiKeyPrefix: prefix } = answer.body
  return { id, key, prefix, wallet: body.walletAddress }
}

const profileOf = async (id: string) => (await world.call('GET', `/api/v1/agents/${id}`)).body

describe('POST /api/v1/agents', () => {
  test('PA-15 is public and answers the agent, its key, once, and how the key begins', async () => {
    const answer = await world.call('POST', '/api/v1/agents', { body: fieldsOf() })
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({
      agentId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      apiKey: expect.stringMatching(/^pk_test_[0-9a-f]{64}$/),
      apiKeyPrefix: answer.body.apiKey.slice(0, 12),
      message: expect.any(String),
    })
  })

  test('PA-15, D-2 the key is kept as its hash only and opens every door, activation included', async () => {
    const { id, key } = await register()
    const rows = await world.souk.store.read.rows<{ row: string }>(sql`select api_key::text as row from api_key`)
    expect(JSON.stringify(rows)).not.toContain(key)
    expect((await world.call('GET', '/api/v1/auth/verify', { key })).body).toMatchObject({ agentId: id })
    expect((await world.call('GET', '/api/v1/jobs', { key })).status).toBe(200)
    const { body } = await world.call('GET', '/api/v1/wallet/deposit-address', { key })
    expect(body).toMatchObject({ address: expect.any(String), network: 'solana' })
  })

  test('PA-16 providerType is agent, saas or api, and agent unless said', async () => {
    expect(await profileOf((await register()).id)).toMatchObject({ providerType: 'agent', chain: 'base', tags: [] })
    for (const providerType of ['agent', 'saas', 'api'])
      expect(await profileOf((await register({ providerType })).id)).toMatchObject({ providerType })
    const refused = await world.call('POST', '/api/v1/agents', { body: fieldsOf({ providerType: 'human' }) })
    expect(refused).toMatchObject({ status: 400, body: { details: [expect.stringMatching(/^providerType: /)] } })
  })

  test('JP-174 texts lose their HTML', async () => {
    const { id, key } = await register({
      ...{ name: '<i>Sum</i>', description: 'a <b>b</b>', chain: '<u>base</u>', tags: ['<i>text</i>', 'text', '<b>'] },
      discoverySource: '<a href=x>friend</a>',
    })
    const shown = { name: 'Sum', description: 'a b', chain: 'base', tags: ['text'] }
    expect(await profileOf(id)).toMatchObject(shown)
    const own = await world.call('GET', '/api/v1/agents/me', { key })
    expect(own.body).toMatchObject({ ...shown, discoverySource: 'friend' })
  })

  test('PA-15 names need not be unique', async () => {
    const [one, other] = [await register({ name: 'Twin' }), await register({ name: 'Twin' })]
    expect(one.id).not.toBe(other.id)
  })

  test.each([
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(101) }],
    ['name', { name: undefined }],
    ['description', { description: '' }],
    ['description', { description: 'x'.repeat(2001) }],
    ['walletAddress', { walletAddress: undefined }],
    ['walletAddress', { walletAddress: '0x12' }],
    ['chain', { chain: 'x'.repeat(51) }],
    ['tags', { tags: Array.from({ length: 21 }, (_, n) => `t${n}`) }],
    ['tags.0', { tags: ['x'.repeat(51)] }],
    ['agentUrl', { agentUrl: 'nowhere' }],
    ['agentUrl', { agentUrl: 'javascript:alert(1)' }],
    ['ownerEmail', { ownerEmail: 'me' }],
    ['discoverySource', { discoverySource: 'x'.repeat(501) }],
    ['a2aCapabilities.pushNotifications', { a2aCapabilities: { streaming: true } }],
    ['a2aCapabilities.streaming', { a2aCapabilities: { streaming: 'yes', pushNotifications: true } }],
    ['verified', { verified: true }],
  ])('PA-63 a wrong %s is a 400 that names it', async (path, more) => {
    const { status, body } = await world.call('POST', '/api/v1/agents', { body: fieldsOf(more) })
    expect([status, body.error]).toEqual([400, 'Validation failed'])
    expect(body.details.join('\n')).toContain(`${path}: `)
  })

  test('PA-63 a name of nothing but HTML, a mistyped wallet and the zero address are 400 too', async () => {
    const wrongs: [string, object][] = [
      ['name_blank', { name: '<b></b>' }],
      ['wallet_invalid', { walletAddress: '0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed' }],
      ['wallet_invalid', { walletAddress: `0x${'0'.repeat(40)}` }],
    ]
    for (const [code, more] of wrongs) {
      const refused = await world.call('POST', '/api/v1/agents', { body: fieldsOf(more) })
      expect(refused).toMatchObject({ status: 400, body: { code } })
    }
  })

  test('PA-13 one wallet is the payout of one agent, whatever the case of its letters and however many ask', async () => {
    const walletAddress = `0x${randomBytes(19).toString('hex')}ab`
    const shouted = `0x${walletAddress.slice(2).toUpperCase()}`
    const ask = (wallet: string) => world.call('POST', '/api/v1/agents', { body: fieldsOf({ walletAddress: wallet }) })
    const answers = await Promise.all([walletAddress, shouted, walletAddress, shouted].map(ask))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'wallet_taken' })
  })

  test('D-14 a repeated registration with its idempotency key gets the same agent and key', async () => {
    const [body, headers] = [fieldsOf(), { 'idempotency-key': newId() }]
    const [first, again] = [
      await world.call('POST', '/api/v1/agents', { body, headers }),
      await world.call('POST', '/api/v1/agents', { body, headers }),
    ]
    expect(again.body).toEqual(first.body)
  })
})

describe('profiles', () => {
  test('PA-18, D-1 the profile is the union of both contracts, and never shows ownerEmail or discoverySource', async () => {
    const hidden = { ownerEmail: 'owner@a.example', discoverySource: 'a secret friend' }
    const shown = {
      name: 'Shown',
      description: 'Seen by all',
      tags: ['text', 'summaries'],
      chain: 'base',
      providerType: 'saas',
      agentUrl: 'https://agent.example/me',
      a2aCapabilities: { streaming: true, pushNotifications: false },
    }
    const { id, key, wallet } = await register({ ...shown, ...hidden })
    const { status, body } = await world.call('GET', `/api/v1/agents/${id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...shown, _id: id, id, walletAddress: wallet, status: 'active' })
    expect(body).toMatchObject({
      capabilities: shown.tags,
      websiteUrl: shown.agentUrl,
      activated: true,
      depositAddress: null,
      trustScore: expect.any(Number),
    })
    const others = await world.call('GET', '/api/v1/agents?limit=200')
    for (const text of [body, others.body].map((json) => JSON.stringify(json)))
      for (const value of [...Object.values(hidden), key]) expect(text).not.toContain(value)
    const own = await world.call('GET', '/api/v1/agents/me', { key })
    expect(own.body).toMatchObject({ ...shown, ...hidden, _id: id, email: hidden.ownerEmail, wallet: { total: '0' } })
  })

  test('PA-65 who has sold nothing is neither praised nor blamed', async () => {
    expect((await profileOf((await register()).id)).reputation).toEqual({ successRate: 1, score: 0, trusted: false })
  })

  test('D-1, D-2 an agent of the other door has the same profile, paid at its deposit address', async () => {
    const agent = await world.agent({ funds: 0n })
    expect(await profileOf(agent.id)).toMatchObject({
      _id: agent.id,
      walletAddress: agent.depositAddress,
      depositAddress: agent.depositAddress,
      providerType: 'agent',
      chain: null,
      a2aCapabilities: null,
    })
  })

  test('PA-63 what is no id is a 400, an unknown one a 404', async () => {
    expect((await world.call('GET', '/api/v1/agents/k57abc')).status).toBe(400)
    expect((await world.call('GET', `/api/v1/agents/${newId()}`)).status).toBe(404)
  })

  test('GET /api/v1/agents lists by status, newest first, page by page', async () => {
    const made = [await register({ name: 'Page 1' }), await register({ name: 'Page 2' }), await register()]
    const newest = made.map(({ id }) => id).reverse()
    const first = (await world.call('GET', '/api/v1/agents?limit=2')).body
    expect(first.agents.map(({ _id }: { _id: string }) => _id)).toEqual(newest.slice(0, 2))
    const next = (await world.call('GET', `/api/v1/agents?limit=2&cursor=${first.nextCursor}`)).body
    expect(next.agents[0]._id).toBe(newest[2])
    expect(first.agents[1]).toMatchObject({ name: 'Page 2', reputation: { trusted: false }, status: 'active' })

    await world.call('PATCH', `/api/v1/admin/agents/${newest[0]}`, {
      key: world.operatorKey,
      body: { suspended: true },
    })
    const idsOf = async (query: string) =>
      (await world.call('GET', `/api/v1/agents${query}`)).body.agents.map(({ id }: { id: string }) => id)
    expect(await idsOf('?status=suspended')).toEqual([newest[0]])
    expect(await idsOf('?status=active&limit=1')).toEqual([newest[1]])
    const whole = await world.call('GET', '/api/v1/agents?limit=ten')
    expect([whole.status, whole.body.nextCursor]).toEqual([200, null])
    for (const query of ['?status=deactivated', '?cursor=2'])
      expect((await world.call('GET', `/api/v1/agents${query}`)).status).toBe(400)
  })
})

describe('PATCH /api/v1/agents/:id', () => {
  test('PA-19 changes what it names of the own profile', async () => {
    const { id, key, wallet } = await register({ tags: ['old'], ownerEmail: 'old@a.example' })
    const changes = {
      name: 'Renamed',
      description: 'New words',
      tags: ['new'],
      agentUrl: 'https://new.example',
      a2aCapabilities: { streaming: false, pushNotifications: true },
    }
    const changed = await world.call('PATCH', `/api/v1/agents/${id}`, { key, body: changes })
    expect(changed).toMatchObject({ status: 200, body: { message: 'Agent updated' } })
    expect(await profileOf(id)).toMatchObject({ ...changes, walletAddress: wallet })
    await world.call('PATCH', `/api/v1/agents/${id}`, { key, body: { ownerEmail: 'new@a.example' } })
    const own = (await world.call('GET', '/api/v1/agents/me', { key })).body
    expect(own).toMatchObject({ ...changes, ownerEmail: 'new@a.example' })
  })

  test('PA-19 nobody changes another profile, and nobody at all without a key', async () => {
    const [one, other] = [await register(), await register()]
    const body = { name: 'Taken over' }
    const forbidden = await world.call('PATCH', `/api/v1/agents/${other.id}`, { key: one.key, body })
    expect(forbidden).toMatchObject({ status: 403, body: { error: 'You can only update your own profile' } })
    const unknown = await world.call('PATCH', `/api/v1/agents/${newId()}`, { key: one.key, body })
    expect(unknown.status).toBe(403)
    const anonymous = await world.call('PATCH', `/api/v1/agents/${one.id}`, { body })
    expect(anonymous.status).toBe(401)
    expect(anonymous.body.error).toBe('Unauthorized. Provide a valid API key in Authorization: Bearer <key>')
    expect(await profileOf(other.id)).toMatchObject({ name: 'Summarizer' })
  })

  test('PA-19 where an agent is paid does not change', async () => {
    const { id, key, wallet } = await register()
    for (const field of ['walletAddress', 'payoutWallet']) {
      const body = { name: 'Sneaky', [field]: freshWallet() }
      const refused = await world.call('PATCH', `/api/v1/agents/${id}`, { key, body })
      expect(refused).toMatchObject({ status: 400, body: { details: [`${field}: is not known here`] } })
    }
    expect(await profileOf(id)).toMatchObject({ name: 'Summarizer', walletAddress: wallet })
  })

  test('D-33 a key without admin cannot turn the owner’s mail elsewhere, one without trade changes nothing', async () => {
    const { id, key } = await register({ ownerEmail: 'owner@a.example' })
    const weaker = async (scopes: string[]) =>
      (await world.call('POST', '/api/v1/auth/keys', { key, body: { name: 'weaker', scopes } })).body.apiKey
    const trader = await weaker(['read', 'trade'])
    const asTrader = (body: object) => world.call('PATCH', `/api/v1/agents/${id}`, { key: trader, body })
    expect((await asTrader({ description: 'Still summarizes' })).status).toBe(200)
    expect(await asTrader({ ownerEmail: 'thief@a.example' })).toMatchObject({
      status: 403,
      body: { code: 'scope_missing' },
    })
    const reader = await weaker(['read'])
    const asReader = await world.call('PATCH', `/api/v1/agents/${id}`, { key: reader, body: { name: 'Read' } })
    expect(asReader.status).toBe(403)
    expect((await world.call('GET', '/api/v1/agents/me', { key })).body.ownerEmail).toBe('owner@a.example')
  })

  test('D-1, D-2 an agent of the other door may take another name and keeps its handle', async () => {
    const agent = await world.agent({ name: 'unique-name' })
    expect((await agent.patch(`/api/v1/agents/${agent.id}`, { name: 'Free name' })).body).toEqual({
      message: 'Agent updated',
    })
    expect(await profileOf(agent.id)).toMatchObject({ name: 'Free name' })
    const again = await world.call('POST', '/api/v1/auth/register', { body: { name: 'Unique-Name' } })
    expect(again.status).toBe(409)
    const own = await agent.patch('/api/v1/agents/me', { description: 'its own contract’s body' })
    expect(own.body).toMatchObject({ id: agent.id, description: 'its own contract’s body' })
  })
})

describe('/api/v1/agents/me/api-keys', () => {
  test('D-1 shows the keys that the other contract shows, by the same ids', async () => {
    const { key, prefix } = await register()
    const made = await world.call('POST', '/api/v1/agents/me/api-keys', { key, body: { label: 'worker' } })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: expect.any(String),
      key: expect.stringMatching(/^pk_test_[0-9a-f]{64}$/),
      prefix: made.body.key.slice(0, 12),
      createdAt: expect.any(String),
    })
    const { status, body } = await world.call('GET', '/api/v1/agents/me/api-keys', { key: made.body.key })
    expect(status).toBe(200)
    expect(body.apiKeys).toMatchObject([
      { id: made.body.id, prefix: made.body.prefix, label: 'worker', isActive: true },
      { prefix, label: 'first key', isActive: true },
    ])
    expect(JSON.stringify(body)).not.toContain(made.body.key)
    const theirs = (await world.call('GET', '/api/v1/auth/keys', { key })).body.keys
    expect(theirs.map(({ keyId }: { keyId: string }) => keyId)).toEqual(
      body.apiKeys.map(({ id }: { id: string }) => id),
    )
  })

  test('a label may be left out, and the body with it', async () => {
    const { key } = await register()
    for (const more of [{}, { body: {} }])
      expect((await world.call('POST', '/api/v1/agents/me/api-keys', { key, ...more })).status).toBe(201)
    const bad = await world.call('POST', '/api/v1/agents/me/api-keys', { key, body: { label: 7 } })
    expect(bad).toMatchObject({ status: 400, body: { details: ['label: must be string'] } })
  })

  test('an expired key is listed as not active', async () => {
    const { key } = await register()
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
    await world.call('POST', '/api/v1/auth/keys', { key, body: { name: 'brief', expiresAt } })
    const activeOf = async () =>
      (await world.call('GET', '/api/v1/agents/me/api-keys', { key })).body.apiKeys.map(
        ({ isActive }: { isActive: boolean }) => isActive,
      )
    expect(await activeOf()).toEqual([true, true])
    await world.pass(86_401)
    expect(await activeOf()).toEqual([false, true])
  })

  test('a key is revoked at once; the last active one is a 400, and what is not one’s own a 404', async () => {
    const [{ key }, other] = [await register(), await register()]
    const made = (await world.call('POST', '/api/v1/agents/me/api-keys', { key })).body
    const remove = (id: string) => world.call('DELETE', `/api/v1/agents/me/api-keys/${id}`, { key })
    const [, first] = (await world.call('GET', '/api/v1/agents/me/api-keys', { key })).body.apiKeys
    expect(await remove(made.id)).toMatchObject({ status: 200, body: { success: true } })
    expect((await world.call('GET', '/api/v1/agents/me', { key: made.key })).status).toBe(401)
    expect(await remove(first.id)).toMatchObject({ status: 400, body: { code: 'last_key' } })
    const theirs = (await world.call('GET', '/api/v1/agents/me/api-keys', { key: other.key })).body.apiKeys[0].id
    for (const id of [made.id, theirs, newId(), 'k57abc']) expect((await remove(id)).status).toBe(404)
  })

  test('D-33 both contracts show which key made which, and revoke a key with all it made', async () => {
    const { key } = await register()
    const make = async (maker: string) =>
      (await world.call('POST', '/api/v1/agents/me/api-keys', { key: maker })).body as { id: string; key: string }
    const child = await make(key)
    const grandchild = await make(child.key)
    const other = await make(key)
    const { apiKeys } = (await world.call('GET', '/api/v1/agents/me/api-keys', { key })).body
    const { keys } = (await world.call('GET', '/api/v1/auth/keys', { key })).body
    for (const list of [apiKeys, keys]) expect(list[1].madeBy).toBe(child.id)
    const path = `/api/v1/auth/keys/${child.id}?children=true`
    const revoked = (await world.call('DELETE', path, { key })).body.revoked
    expect([...revoked].sort()).toEqual([child.id, grandchild.id].sort())
    expect((await world.call('GET', '/api/v1/agents/me', { key: grandchild.key })).status).toBe(401)
    const last = await make(other.key)
    await world.call('DELETE', `/api/v1/agents/me/api-keys/${other.id}?children=true`, { key })
    expect((await world.call('GET', '/api/v1/agents/me', { key: last.key })).status).toBe(401)
  })

  test('D-33 a key without admin revokes nothing and makes none stronger than itself', async () => {
    const { key } = await register()
    const order = { name: 'trader', scopes: ['read', 'trade'] }
    const { apiKey: trader, keyId } = (await world.call('POST', '/api/v1/auth/keys', { key, body: order })).body
    const refused = await world.call('DELETE', `/api/v1/agents/me/api-keys/${keyId}`, { key: trader })
    expect(refused.status).toBe(403)
    const child = (await world.call('POST', '/api/v1/agents/me/api-keys', { key: trader })).body
    const listed = (await world.call('GET', '/api/v1/auth/keys', { key })).body.keys
    expect(listed.find((row: { keyId: string }) => row.keyId === child.id).scopes).toEqual(['read', 'trade'])
  })
})

describe('a wallet that buys', () => {
  const network = 'eip155:84532'
  const buy = (address: string) => world.souk.store.transact((tx) => partyOfWallet(tx, { network, address }))

  test('PA-13 becomes an agent that everybody sees, one per wallet regardless of case', async () => {
    const wallet = `0x${randomBytes(19).toString('hex')}cd`
    const [id, again] = [await buy(wallet), await buy(`0x${wallet.slice(2).toUpperCase()}`)]
    expect(again).toBe(id)
    expect(await profileOf(id)).toMatchObject({ walletAddress: wallet, activated: true, providerType: 'agent' })
  })

  test('PA-13 naming a buyer’s wallet for payouts gives another agent, and nothing of the buyer’s', async () => {
    const wallet = freshWallet()
    const buyer = await buy(wallet)
    const namesake = await register({ walletAddress: wallet })
    expect(namesake.id).not.toBe(buyer)
    expect(await buy(wallet)).toBe(buyer)
    const own = await world.call('PATCH', `/api/v1/agents/${buyer}`, { key: namesake.key, body: { name: 'Mine' } })
    expect(own.status).toBe(403)
  })

  test('PA-13 whoever named the wallet first does not become its buyer', async () => {
    const wallet = freshWallet()
    const squatter = await register({ walletAddress: wallet })
    expect(await buy(wallet)).not.toBe(squatter.id)
  })
})

describe('limits', () => {
  let limited: World
  beforeAll(async () => {
    limited = await openWorld({ limits: 'on' })
  })
  afterAll(() => limited.close())

  const ask = (remoteAddress: string, options: { method?: 'GET' | 'POST'; url?: string; key?: string } = {}) => {
    const { method = 'GET', url = '/api/v1/agents', key } = options
    return limited.souk.http.inject({
      ...{ method, url, remoteAddress },
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
      ...(method === 'POST' ? { payload: fieldsOf() } : {}),
    })
  }
  const statusesOf = async (times: number, one: () => ReturnType<typeof ask>) => {
    const statuses = []
    for (let i = 0; i < times; i++) statuses.push((await one()).statusCode)
    return statuses
  }

  test('PA-17 registrations are 5 an hour per address', async () => {
    const register = () => ask('198.51.100.1', { method: 'POST' })
    expect(await statusesOf(6, register)).toEqual([201, 201, 201, 201, 201, 429])
    const refused = await register()
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    expect(refused.json()).toMatchObject({ error: 'Rate limit exceeded' })
    expect((await ask('198.51.100.2', { method: 'POST' })).statusCode).toBe(201)
  })

  test('PA-61 the directory answers 30 times a minute per address', async () => {
    const statuses = await statusesOf(31, () => ask('198.51.100.3'))
    expect(statuses).toEqual([...Array(30).fill(200), 429])
    expect((await ask('198.51.100.4')).statusCode).toBe(200)
  })

  test('PA-62 what needs a key answers 120 times a minute per key, whatever the address', async () => {
    const { apiKey: key } = (await ask('198.51.100.5', { method: 'POST' })).json()
    let hosts = 0
    const url = '/api/v1/agents/me/api-keys'
    const statuses = await statusesOf(121, () => ask(`203.0.113.${++hosts}`, { url, key }))
    expect(statuses).toEqual([...Array(120).fill(200), 429])
  })
})
