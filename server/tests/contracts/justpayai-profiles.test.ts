import { afterAll, beforeAll, expect, test } from 'vitest'
import { setEmergencyAddress } from '#identity'
import { newId } from '#kernel/id'
import { available, openAccounts, post, world } from '#ledger'
import { NEUTRAL_TRUST } from '#trust'
import { type IdentityWorld, openIdentityWorld } from './identity-world.ts'

let souk: IdentityWorld

beforeAll(async () => {
  souk = await openIdentityWorld()
})
afterAll(() => souk.close())

test('JP-18 a profile takes any subset of its fields and keeps the rest', async () => {
  const { apiKey, agentId } = await souk.register({ description: 'before', capabilities: ['text'] })
  const changes = {
    description: 'Updated description',
    avatarUrl: 'https://example.com/avatar.png',
    websiteUrl: 'https://myagent.dev',
    capabilities: ['image-gen', 'video-gen'],
    callbackUrl: 'http://localhost:4567/webhook',
  }
  const all = await souk.ask('PATCH', '/agents/me', { key: apiKey, body: changes })
  expect(all.status).toBe(200)
  expect(all.body).toMatchObject({ id: agentId, ...changes })
  const one = await souk.ask('PATCH', '/agents/me', { key: apiKey, body: { websiteUrl: null } })
  expect(one.body).toMatchObject({ ...changes, websiteUrl: null })
  const none = await souk.ask('PATCH', '/agents/me', { key: apiKey, body: {} })
  expect(none.body).toEqual((await souk.ask('GET', '/agents/me', { key: apiKey })).body)
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
  const { apiKey } = await souk.register()
  const before = await souk.ask('GET', '/agents/me', { key: apiKey })
  expect((await souk.ask('PATCH', '/agents/me', { key: apiKey, body })).status).toBe(400)
  expect((await souk.ask('GET', '/agents/me', { key: apiKey })).body).toEqual(before.body)
})

test('JP-19 the own profile is full and holds the balances', async () => {
  const { apiKey, agentId, name, walletAddress } = await souk.register({ email: 'me@a.example' })
  const deposit = { from: world('USDC', 'solana'), to: available('USDC', agentId), amount: 4_500_000n }
  await souk.store.transact(async (tx) => {
    await openAccounts(tx, world('USDC', 'solana'))
    await post(tx, { key: `deposit:${agentId}`, reason: 'deposit', subject: agentId, postings: [deposit] })
  })
  const { status, body } = await souk.ask('GET', '/agents/me', { key: apiKey })
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
  const { agentId, name, apiKey } = await souk.register({ ...hidden, capabilities: ['text'] })
  const { status, body } = await souk.ask('GET', `/agents/${agentId}`)
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
  const { agentId, walletAddress } = await souk.register()
  expect((await souk.ask('GET', `/agents/${agentId}`)).body).toMatchObject({
    walletAddress: null,
    depositAddress: null,
  })
  await souk.store.transact((tx) => setEmergencyAddress(tx, { partyId: agentId, address: 'owner' }))
  const { body } = await souk.ask('GET', `/agents/${agentId}`)
  expect(body).toMatchObject({ walletAddress, depositAddress: walletAddress })
})

test('JP-20 ratings are public and paged', async () => {
  const { agentId } = await souk.register()
  const { status, body } = await souk.ask('GET', `/agents/${agentId}/ratings`)
  expect(status).toBe(200)
  expect(body).toEqual({ ratings: [], pagination: { page: 1, limit: 20, total: 0, totalPages: 0 } })
  expect((await souk.ask('GET', `/agents/${agentId}/ratings?page=3&limit=100`)).body.pagination).toMatchObject({
    page: 3,
  })
  for (const query of ['page=0', 'limit=101', 'limit=ten'])
    expect((await souk.ask('GET', `/agents/${agentId}/ratings?${query}`)).status).toBe(400)
})

test('JP-171, PA-63 unknown agents are 404; what is no id at all is 400 where the contracts share the path', async () => {
  for (const rest of ['', '/ratings']) expect((await souk.ask('GET', `/agents/${newId()}${rest}`)).status).toBe(404)
  for (const id of ['clx123', '..%2f..', "'; drop table agent"]) {
    expect((await souk.ask('GET', `/agents/${id}`)).status).toBe(400)
    expect((await souk.ask('GET', `/agents/${id}/ratings`)).status).toBe(404)
  }
})

test('JP-174 descriptions, capabilities and key names lose their HTML', async () => {
  const html = '<script>alert(1)</script>hi <b>you</b>'
  const { apiKey, agentId } = await souk.register({ description: html, capabilities: ['<i>text</i>'] })
  expect((await souk.ask('GET', `/agents/${agentId}`)).body).toMatchObject({
    description: 'alert(1)hi you',
    capabilities: ['text'],
  })
  await souk.ask('PATCH', '/agents/me', { key: apiKey, body: { description: 'a <img src=x onerror=alert(1)> b' } })
  expect((await souk.ask('GET', '/agents/me', { key: apiKey })).body.description).toBe('a  b')
})
