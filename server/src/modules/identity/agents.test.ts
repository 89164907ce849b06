import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { DAY_SECONDS } from '#kernel/time'
import { type AgentWorld, openAgentWorld } from '#tests/agent-world'
import {
  callbackUrlsOf,
  hashPassword,
  markActivated,
  ownProfileOf,
  partyByPassword,
  profileOf,
  profilesOf,
  rotateWebhookSecret,
  setEmergencyAddress,
  setSuspended,
  setVerified,
  suspendedAmong,
  updateProfile,
  webhookSecretsOf,
} from './index.ts'

let db: AgentWorld

beforeAll(async () => {
  db = await openAgentWorld()
})
afterAll(() => db.close())

test('JP-6 a unique name is taken whatever its case, while free names are not', async () => {
  await db.agentNamed('Twin')
  await expect(db.agentNamed('tWIN')).rejects.toMatchObject({ code: 'name_taken', kind: 'conflict' })
  const free = await db.agentNamed('Twin', { isUnique: false })
  expect(await profileOf(db.store.read, free.partyId)).toMatchObject({ name: 'Twin', handle: null })
})

test('JP-6 of many who register one name at once exactly one gets it', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => db.agentNamed('race-for-a-name')))
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('D-35 a suspended party still is itself', async () => {
  const { partyId, firstKey } = await db.agentNamed('suspended')
  await db.store.transact((tx) => setSuspended(tx, { partyId, suspended: true }))
  expect(await db.authenticate(firstKey.key)).toMatchObject({ partyId })
  expect(await suspendedAmong(db.store.read, [partyId, newId()])).toEqual(new Set([partyId]))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ suspended: true })
  await db.store.transact((tx) => setSuspended(tx, { partyId, suspended: false }))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ suspended: false })
})

test('D-6 the operator gives and takes the badge; who is nobody cannot have it', async () => {
  const { partyId } = await db.agentNamed('badge')
  await db.store.transact((tx) => setVerified(tx, { partyId, verified: true }))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ verified: true })
  await db.store.transact((tx) => setVerified(tx, { partyId, verified: false }))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ verified: false })
  for (const nobody of [newId(), 'nobody']) {
    const given = db.store.transact((tx) => setVerified(tx, { partyId: nobody, verified: true }))
    await expect(given).rejects.toMatchObject({ code: 'agent_unknown' })
    const suspended = db.store.transact((tx) => setSuspended(tx, { partyId: nobody, suspended: true }))
    await expect(suspended).rejects.toMatchObject({ code: 'agent_unknown' })
  }
})

test('JP-27 an agent is activated once, however many deposits arrive at once', async () => {
  const { partyId, firstKey } = await db.agentNamed('activated')
  const firsts = await Promise.all(
    Array.from({ length: 5 }, () => db.store.transact((tx) => markActivated(tx, partyId))),
  )
  expect(firsts.filter(Boolean)).toHaveLength(1)
  expect(await db.authenticate(firstKey.key)).toMatchObject({ activated: true })
})

test('D-2 agents of doors without an activation fee are born activated', async () => {
  const { partyId, firstKey } = await db.agentNamed('born-activated', { isActivated: true })
  expect(await db.authenticate(firstKey.key)).toMatchObject({ activated: true })
  expect(await db.store.transact((tx) => markActivated(tx, partyId))).toBe(false)
})

test('D-32 an emergency address is set only while none is, and replaced only by naming it', async () => {
  const { partyId } = await db.agentNamed('emergency')
  const set = (address: string, replacing?: string) =>
    db.store.transact((tx) => setEmergencyAddress(tx, { partyId, address, ...(replacing ? { replacing } : {}) }))
  expect(await set('first')).toBe(true)
  expect(await set('second')).toBe(false)
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({
    emergencyAddress: 'first',
    emergencySource: 'deposit',
  })
  expect(await set('third', 'second')).toBe(false)
  expect(await set('third', 'first')).toBe(true)
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({ emergencyAddress: 'third' })
})

test('D-32 an emergency address named at registration stays', async () => {
  const { partyId } = await db.agentNamed('named-emergency', { emergencyAddress: 'named' })
  const set = await db.store.transact((tx) => setEmergencyAddress(tx, { partyId, address: 'depositor' }))
  expect(set).toBe(false)
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({ emergencySource: 'registration' })
})

test('JP-18, JP-174 a profile changes where it is told to, without HTML', async () => {
  const { partyId } = await db.agentNamed('changing', { description: 'old', callbackUrl: 'https://a.example/hook' })
  const changes = { capabilities: ['<i>a</i>', 'a', ' ', 'b'], avatarUrl: 'https://a.example/me.png' }
  const after = await db.store.transact((tx) => updateProfile(tx, { partyId, changes }))
  expect(after).toMatchObject({ description: 'old', capabilities: ['a', 'b'], callbackUrl: 'https://a.example/hook' })
  expect(await ownProfileOf(db.store.read, partyId)).toEqual(after)
  await db.store.transact((tx) => updateProfile(tx, { partyId, changes: { callbackUrl: null, avatarUrl: null } }))
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({ callbackUrl: null, avatarUrl: null })
  expect(await callbackUrlsOf(db.store.read, [partyId])).toEqual(new Map())
})

test.each(['javascript:alert(1)', 'not a url', 'data:text/html,x'])(
  'a link shown on pages is never %j',
  async (url) => {
    const { partyId } = await db.agentNamed(`links-${newId().slice(-12)}`)
    for (const changes of [{ websiteUrl: url }, { avatarUrl: url }]) {
      const changed = db.store.transact((tx) => updateProfile(tx, { partyId, changes }))
      await expect(changed).rejects.toMatchObject({ code: 'url_not_web', kind: 'invalid' })
    }
  },
)

test('JP-20 the public profile holds nothing private, and nobody is nobody', async () => {
  const hidden = { email: 'me@a.example', callbackUrl: 'https://a.example/hook', emergencyAddress: 'secret' }
  const { partyId } = await db.agentNamed('public', hidden)
  const profile = await profileOf(db.store.read, partyId)
  for (const value of Object.values(hidden)) expect(JSON.stringify(profile)).not.toContain(value)
  expect(await profileOf(db.store.read, newId())).toBeUndefined()
  expect(await profileOf(db.store.read, 'not an id')).toBeUndefined()
  const many = await profilesOf(db.store.read, [partyId, partyId, newId()])
  expect(many).toEqual(new Map([[partyId, profile]]))
})

test('JP-9 a password is kept as scrypt and opens only its own agent', async () => {
  const passwordHash = await hashPassword('correct hörse')
  expect(passwordHash).toMatch(/^scrypt\$15\$8\$3\$/)
  const { partyId } = await db.agentNamed('With-Password', { passwordHash })
  await db.agentNamed('without-password')
  const login = (handle: string, password: string) => partyByPassword(db.store.read, { handle, password })
  expect(await login('with-password', 'correct ho\u0308rse')).toBe(partyId)
  expect(await login('with-password', 'wrong')).toBeUndefined()
  expect(await login('without-password', 'correct hörse')).toBeUndefined()
  expect(await login('nobody-at-all', 'correct hörse')).toBeUndefined()
})

test('D-25 after a rotation two webhook secrets sign for 24 hours, then one', async () => {
  const { partyId, webhookSecret } = await db.agentNamed('rotating')
  const secrets = async () => (await webhookSecretsOf(db.store.read, [partyId], db.sealingKey)).get(partyId)
  expect(Buffer.from(webhookSecret.replace(/^whsec_/, ''), 'base64')).toHaveLength(32)
  expect(await secrets()).toEqual([webhookSecret])
  const rotated = await db.store.transact((tx) => rotateWebhookSecret(tx, { partyId, sealingKey: db.sealingKey }))
  expect(await secrets()).toEqual([rotated.webhookSecret, webhookSecret])
  await db.advance(DAY_SECONDS + 1)
  expect(await secrets()).toEqual([rotated.webhookSecret])
})

test('a webhook secret is sealed, and bound to its party', async () => {
  const [mine, other] = [await db.agentNamed('sealed-mine'), await db.agentNamed('sealed-other')]
  const rows = await db.store.read.rows<{ row: string }>(sql`select webhook_secret::text as row from webhook_secret`)
  expect(JSON.stringify(rows)).not.toContain(mine.webhookSecret)
  await db.store.transact((tx) =>
    tx.run(sql`
      update webhook_secret set sealed = (select sealed from webhook_secret where party_id = ${mine.partyId})
      where party_id = ${other.partyId}`),
  )
  await expect(webhookSecretsOf(db.store.read, [other.partyId], db.sealingKey)).rejects.toThrow('does not open')
})
