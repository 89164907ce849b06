import { createHash, randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import { DAY_SECONDS, MINUTE_SECONDS } from '#kernel/time'
import { SCOPES } from '#platform/http/caller'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import {
  addKey,
  callbackUrlsOf,
  createAgent,
  createAuthenticator,
  hashPassword,
  listKeys,
  markActivated,
  type NewAgent,
  ownProfileOf,
  partyByPassword,
  profileOf,
  profilesOf,
  revokeKey,
  rotateWebhookSecret,
  setEmergencyAddress,
  setSuspended,
  setVerified,
  suspendedAmong,
  updateProfile,
  webhookSecretsOf,
} from './index.ts'

let db: TestDatabase
const sealingKey = randomBytes(32)

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

async function agentNamed(name: string, more: Partial<NewAgent> = {}) {
  return db.store.transact((tx) =>
    createAgent(tx, {
      name,
      isUnique: true,
      description: '',
      capabilities: [],
      callbackUrl: null,
      email: null,
      passwordHash: null,
      emergencyAddress: null,
      isActivated: false,
      keyLook: 'jp',
      sealingKey,
      ...more,
    }),
  )
}

/** The first key of an agent as the one that asks. */
function askerOf(agent: Awaited<ReturnType<typeof agentNamed>>) {
  return { partyId: agent.partyId, keyId: agent.firstKey.keyId, scopes: SCOPES }
}

async function advance(seconds: number) {
  await db.store.transact((tx) => tx.run(sql`update sandbox_clock set offset_ms = offset_ms + ${seconds * 1000}`))
}

const authenticate = (key: string) => createAuthenticator(db.store)(key)

test('JP-3, JP-4 a key is jp_ and 48 hex digits, and its prefix is its first six characters', async () => {
  const { firstKey } = await agentNamed('looks')
  expect(firstKey.key).toMatch(/^jp_[0-9a-f]{48}$/)
  expect(firstKey.prefix).toBe(firstKey.key.slice(0, 6))
})

test.each([
  ['pk_live', /^pk_live_[0-9a-f]{64}$/, 12],
  ['pk_test', /^pk_test_[0-9a-f]{64}$/, 12],
  ['ak', /^ak_[0-9a-f]{48}$/, 6],
  ['hex', /^[0-9a-f]{64}$/, 6],
] as const)('D-2 a %s key has the look of its door and works as any other', async (keyLook, look, shown) => {
  const { firstKey, partyId } = await agentNamed(`door-${keyLook}`, { keyLook })
  expect(firstKey.key).toMatch(look)
  expect(firstKey.prefix).toBe(firstKey.key.slice(0, shown))
  expect(await authenticate(firstKey.key)).toMatchObject({ partyId })
})

test('JP-2 the key itself is nowhere in the database, only its SHA-256', async () => {
  const { firstKey } = await agentNamed('kept-as-hash')
  const rows = await db.store.read.rows<{ row: string; hash: Buffer }>(
    sql`select api_key::text as row, hash from api_key where id = ${firstKey.keyId}`,
  )
  expect(rows[0]?.row).not.toContain(firstKey.key)
  expect(rows[0]?.hash).toEqual(createHash('sha256').update(firstKey.key).digest())
})

test('JP-6 a unique name is taken whatever its case, while free names are not', async () => {
  await agentNamed('Twin')
  await expect(agentNamed('tWIN')).rejects.toMatchObject({ code: 'name_taken', kind: 'conflict' })
  const free = await agentNamed('Twin', { isUnique: false })
  expect(await profileOf(db.store.read, free.partyId)).toMatchObject({ name: 'Twin', handle: null })
})

test('JP-6 of many who register one name at once exactly one gets it', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => agentNamed('race-for-a-name')))
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('JP-1 a key is known to its caller; an unknown one is nobody', async () => {
  const { firstKey, partyId } = await agentNamed('caller')
  expect(await authenticate(firstKey.key)).toEqual({
    partyId,
    keyId: firstKey.keyId,
    name: 'caller',
    activated: false,
    scopes: SCOPES,
  })
  expect(await authenticate(`${firstKey.key}0`)).toBeUndefined()
  expect(await authenticate('')).toBeUndefined()
})

test('JP-1 many lookups at once each find their own caller, in few queries', async () => {
  const agents = await Promise.all(Array.from({ length: 20 }, (_, n) => agentNamed(`crowd-${n}`)))
  const rows = vi.fn(db.store.read.rows)
  const read = { ...db.store.read, rows: rows as typeof db.store.read.rows }
  const crowd = createAuthenticator({ ...db.store, read })
  const keys = [...agents, ...agents].map(({ firstKey }) => firstKey.key)
  const callers = await Promise.all([...keys, 'jp_nobody'].map(crowd))
  expect(callers.map((caller) => caller?.partyId)).toEqual([
    ...[...agents, ...agents].map(({ partyId }) => partyId),
    undefined,
  ])
  expect(rows.mock.calls.length).toBeLessThanOrEqual(2)
})

test('JP-12 a revoked key is dead at once in every process', async () => {
  const agent = await agentNamed('revoker')
  const second = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'second' }))
  const elsewhere = createAuthenticator(db.store)
  expect(await elsewhere(second.key)).toBeDefined()
  await db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: second.keyId }))
  expect(await elsewhere(second.key)).toBeUndefined()
  expect(await elsewhere(agent.firstKey.key)).toBeDefined()
})

test('JP-12 a key of somebody else, an unknown one and no id at all are not found', async () => {
  const agent = await agentNamed('digger')
  const other = await agentNamed('undug')
  for (const keyId of [other.firstKey.keyId, newId(), 'jp_abc', '']) {
    const revoked = db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId }))
    await expect(revoked).rejects.toMatchObject({ code: 'key_unknown', kind: 'missing' })
  }
})

test('JP-13 the last active key cannot be revoked, also when the others have expired', async () => {
  const agent = await agentNamed('last-key')
  const revoke = () => db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: agent.firstKey.keyId }))
  await expect(revoke()).rejects.toMatchObject({ code: 'last_key', kind: 'invalid' })
  const inAnHour = new Date((await db.store.now()).getTime() + 3_600_000)
  await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'short-lived', expiresAt: inAnHour }))
  await advance(DAY_SECONDS)
  await expect(revoke()).rejects.toMatchObject({ code: 'last_key' })
})

test('JP-13 two keys revoked at once leave one', async () => {
  const agent = await agentNamed('last-two')
  const second = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'second' }))
  const revoked = await Promise.allSettled(
    [agent.firstKey.keyId, second.keyId].map((keyId) =>
      db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId })),
    ),
  )
  expect(revoked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await listKeys(db.store.read, agent.partyId)).toHaveLength(1)
})

test('JP-14 an agent holds several keys at once, listed newest first and without their secrets', async () => {
  const agent = await agentNamed('several')
  const staging = await db.store.transact((tx) =>
    addKey(tx, { by: askerOf(agent), name: '<b>staging</b>', scopes: ['read', 'read'] }),
  )
  const keys = await listKeys(db.store.read, agent.partyId)
  expect(keys.map(({ name, scopes }) => ({ name, scopes }))).toEqual([
    { name: 'staging', scopes: ['read'] },
    { name: 'first key', scopes: SCOPES },
  ])
  expect(JSON.stringify(keys)).not.toContain(staging.key)
})

test('D-33 a key makes only keys with subsets of its scopes', async () => {
  const agent = await agentNamed('narrow')
  const trader = await db.store.transact((tx) =>
    addKey(tx, { by: askerOf(agent), name: 'trader', scopes: ['read', 'trade'] }),
  )
  const by = { partyId: agent.partyId, keyId: trader.keyId, scopes: trader.scopes }
  const widened = db.store.transact((tx) => addKey(tx, { by, name: 'wide', scopes: ['read', 'withdraw'] }))
  await expect(widened).rejects.toMatchObject({ code: 'scope_not_held', kind: 'forbidden' })
  const same = await db.store.transact((tx) => addKey(tx, { by, name: 'same' }))
  expect(same.scopes).toEqual(['read', 'trade'])
})

test('D-33 a key that expires makes no key that outlives it', async () => {
  const agent = await agentNamed('mortal')
  const at = new Date((await db.store.now()).getTime() + 60_000)
  const mortal = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'mortal', expiresAt: at }))
  const by = { partyId: agent.partyId, keyId: mortal.keyId, scopes: mortal.scopes }
  const child = await db.store.transact((tx) => addKey(tx, { by, name: 'child' }))
  expect(child.expiresAt).toEqual(at)
  for (const expiresAt of [new Date(at.getTime() + 1), new Date(0)]) {
    const made = db.store.transact((tx) => addKey(tx, { by, name: 'heir', expiresAt }))
    await expect(made).rejects.toMatchObject({ code: 'expiry_not_allowed' })
  }
  expect(await authenticate(child.key)).toBeDefined()
  await advance(2 * MINUTE_SECONDS)
  expect(await authenticate(child.key)).toBeUndefined()
  await expect(db.store.transact((tx) => addKey(tx, { by, name: 'late' }))).rejects.toMatchObject({ code: 'key_gone' })
})

test('D-33 a key revoked meanwhile makes no more keys, nor does one key for another party', async () => {
  const agent = await agentNamed('gone')
  const other = await agentNamed('gone-other')
  const second = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'second' }))
  await db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: second.keyId }))
  for (const keyId of [second.keyId, other.firstKey.keyId]) {
    const made = db.store.transact((tx) => addKey(tx, { by: { ...askerOf(agent), keyId }, name: 'never' }))
    await expect(made).rejects.toMatchObject({ code: 'key_gone' })
  }
})

test('D-33 a party has at most a hundred keys', async () => {
  const agent = await agentNamed('collector')
  await db.store.transact(async (tx) => {
    for (let made = 1; made < 100; made++) await addKey(tx, { by: askerOf(agent), name: 'more' })
  })
  const oneMore = db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'one more' }))
  await expect(oneMore).rejects.toMatchObject({ code: 'too_many_keys' })
})

test('a key remembers when it was last used, to the minute', async () => {
  const agent = await agentNamed('used')
  const lastUsed = async () => (await listKeys(db.store.read, agent.partyId))[0]?.lastUsedAt
  expect(await lastUsed()).toBeNull()
  await authenticate(agent.firstKey.key)
  await vi.waitFor(async () => expect(await lastUsed()).toBeInstanceOf(Date))
  const first = await lastUsed()
  await authenticate(agent.firstKey.key)
  await advance(2 * MINUTE_SECONDS)
  expect(await lastUsed()).toEqual(first)
  await authenticate(agent.firstKey.key)
  await vi.waitFor(async () => expect((await lastUsed())?.getTime()).toBeGreaterThan(first?.getTime() ?? 0))
})

test('D-35 a suspended party still is itself', async () => {
  const { partyId, firstKey } = await agentNamed('suspended')
  await db.store.transact((tx) => setSuspended(tx, { partyId, suspended: true }))
  expect(await authenticate(firstKey.key)).toMatchObject({ partyId })
  expect(await suspendedAmong(db.store.read, [partyId, newId()])).toEqual(new Set([partyId]))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ suspended: true })
  await db.store.transact((tx) => setSuspended(tx, { partyId, suspended: false }))
  expect(await profileOf(db.store.read, partyId)).toMatchObject({ suspended: false })
})

test('D-6 the operator gives and takes the badge; who is nobody cannot have it', async () => {
  const { partyId } = await agentNamed('badge')
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
  const { partyId, firstKey } = await agentNamed('activated')
  const firsts = await Promise.all(
    Array.from({ length: 5 }, () => db.store.transact((tx) => markActivated(tx, partyId))),
  )
  expect(firsts.filter(Boolean)).toHaveLength(1)
  expect(await authenticate(firstKey.key)).toMatchObject({ activated: true })
})

test('D-2 agents of doors without an activation fee are born activated', async () => {
  const { partyId, firstKey } = await agentNamed('born-activated', { isActivated: true })
  expect(await authenticate(firstKey.key)).toMatchObject({ activated: true })
  expect(await db.store.transact((tx) => markActivated(tx, partyId))).toBe(false)
})

test('D-32 an emergency address is set only while none is, and replaced only by naming it', async () => {
  const { partyId } = await agentNamed('emergency')
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
  const { partyId } = await agentNamed('named-emergency', { emergencyAddress: 'named' })
  const set = await db.store.transact((tx) => setEmergencyAddress(tx, { partyId, address: 'depositor' }))
  expect(set).toBe(false)
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({ emergencySource: 'registration' })
})

test('JP-18, JP-174 a profile changes where it is told to, without HTML', async () => {
  const { partyId } = await agentNamed('changing', { description: 'old', callbackUrl: 'https://a.example/hook' })
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
    const { partyId } = await agentNamed(`links-${newId().slice(-12)}`)
    for (const changes of [{ websiteUrl: url }, { avatarUrl: url }]) {
      const changed = db.store.transact((tx) => updateProfile(tx, { partyId, changes }))
      await expect(changed).rejects.toMatchObject({ code: 'url_not_web', kind: 'invalid' })
    }
  },
)

test('JP-20 the public profile holds nothing private, and nobody is nobody', async () => {
  const hidden = { email: 'me@a.example', callbackUrl: 'https://a.example/hook', emergencyAddress: 'secret' }
  const { partyId } = await agentNamed('public', hidden)
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
  const { partyId } = await agentNamed('With-Password', { passwordHash })
  await agentNamed('without-password')
  const login = (handle: string, password: string) => partyByPassword(db.store.read, { handle, password })
  expect(await login('with-password', 'correct ho\u0308rse')).toBe(partyId)
  expect(await login('with-password', 'wrong')).toBeUndefined()
  expect(await login('without-password', 'correct hörse')).toBeUndefined()
  expect(await login('nobody-at-all', 'correct hörse')).toBeUndefined()
})

test('D-25 after a rotation two webhook secrets sign for 24 hours, then one', async () => {
  const { partyId, webhookSecret } = await agentNamed('rotating')
  const secrets = async () => (await webhookSecretsOf(db.store.read, [partyId], sealingKey)).get(partyId)
  expect(Buffer.from(webhookSecret.replace(/^whsec_/, ''), 'base64')).toHaveLength(32)
  expect(await secrets()).toEqual([webhookSecret])
  const rotated = await db.store.transact((tx) => rotateWebhookSecret(tx, { partyId, sealingKey }))
  expect(await secrets()).toEqual([rotated.webhookSecret, webhookSecret])
  await advance(DAY_SECONDS + 1)
  expect(await secrets()).toEqual([rotated.webhookSecret])
})

test('a webhook secret is sealed, and bound to its party', async () => {
  const [mine, other] = [await agentNamed('sealed-mine'), await agentNamed('sealed-other')]
  const rows = await db.store.read.rows<{ row: string }>(sql`select webhook_secret::text as row from webhook_secret`)
  expect(JSON.stringify(rows)).not.toContain(mine.webhookSecret)
  await db.store.transact((tx) =>
    tx.run(sql`
      update webhook_secret set sealed = (select sealed from webhook_secret where party_id = ${mine.partyId})
      where party_id = ${other.partyId}`),
  )
  await expect(webhookSecretsOf(db.store.read, [other.partyId], sealingKey)).rejects.toThrow('does not open')
})
