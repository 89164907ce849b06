import { createHash } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#kernel/id'
import { DAY_SECONDS, MINUTE_SECONDS } from '#kernel/time'
import { SCOPES } from '#platform/http/caller'
import { type AgentWorld, askerOf, openAgentWorld } from '#tests/agent-world'
import { addKey, createAuthenticator, listKeys, revokeKey } from './index.ts'

let db: AgentWorld

beforeAll(async () => {
  db = await openAgentWorld()
})
afterAll(() => db.close())

test('JP-3, JP-4 a key is jp_ and 48 hex digits, and its prefix is its first six characters', async () => {
  const { firstKey } = await db.agentNamed('looks')
  expect(firstKey.key).toMatch(/^jp_[0-9a-f]{48}$/)
  expect(firstKey.prefix).toBe(firstKey.key.slice(0, 6))
})

test.each([
  ['pk_live', /^pk_live_[0-9a-f]{64}$/, 12],
  ['pk_test', /^pk_test_[0-9a-f]{64}$/, 12],
  ['ak', /^ak_[0-9a-f]{48}$/, 6],
  ['hex', /^[0-9a-f]{64}$/, 6],
] as const)('D-2 a %s key has the look of its door and works as any other', async (keyLook, look, shown) => {
  const { firstKey, partyId } = await db.agentNamed(`door-${keyLook}`, { keyLook })
  expect(firstKey.key).toMatch(look)
  expect(firstKey.prefix).toBe(firstKey.key.slice(0, shown))
  expect(await db.authenticate(firstKey.key)).toMatchObject({ partyId })
})

test('JP-2 the key itself is nowhere in the database, only its SHA-256', async () => {
  const { firstKey } = await db.agentNamed('kept-as-hash')
  const rows = await db.store.read.rows<{ row: string; hash: Buffer }>(
    sql`select api_key::text as row, hash from api_key where id = ${firstKey.keyId}`,
  )
  expect(rows[0]?.row).not.toContain(firstKey.key)
  expect(rows[0]?.hash).toEqual(createHash('sha256').update(firstKey.key).digest())
})

test('JP-1 a key is known to its caller; an unknown one is nobody', async () => {
  const { firstKey, partyId } = await db.agentNamed('caller')
  expect(await db.authenticate(firstKey.key)).toEqual({
    partyId,
    keyId: firstKey.keyId,
    name: 'caller',
    activated: false,
    scopes: SCOPES,
  })
  expect(await db.authenticate(`${firstKey.key}0`)).toBeUndefined()
  expect(await db.authenticate('')).toBeUndefined()
})

test('JP-1 many lookups at once each find their own caller, in few queries', async () => {
  const agents = await Promise.all(Array.from({ length: 20 }, (_, n) => db.agentNamed(`crowd-${n}`)))
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
  const agent = await db.agentNamed('revoker')
  const second = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'second' }))
  const elsewhere = createAuthenticator(db.store)
  expect(await elsewhere(second.key)).toBeDefined()
  await db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: second.keyId }))
  expect(await elsewhere(second.key)).toBeUndefined()
  expect(await elsewhere(agent.firstKey.key)).toBeDefined()
})

test('JP-12 a key of somebody else, an unknown one and no id at all are not found', async () => {
  const agent = await db.agentNamed('digger')
  const other = await db.agentNamed('undug')
  for (const keyId of [other.firstKey.keyId, newId(), 'jp_abc', '']) {
    const revoked = db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId }))
    await expect(revoked).rejects.toMatchObject({ code: 'key_unknown', kind: 'missing' })
  }
})

test('JP-13 nor can the last one that may manage keys, whatever else is left', async () => {
  const agent = await db.agentNamed('last-admin')
  await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'reader', scopes: ['read'] }))
  const revoke = () => db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: agent.firstKey.keyId }))
  await expect(revoke()).rejects.toMatchObject({ code: 'last_key' })
  await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'successor' }))
  await revoke()
})

test('JP-13 the last active key cannot be revoked, also when the others have expired', async () => {
  const agent = await db.agentNamed('last-key')
  const revoke = () => db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: agent.firstKey.keyId }))
  await expect(revoke()).rejects.toMatchObject({ code: 'last_key', kind: 'invalid' })
  const inAnHour = new Date((await db.store.now()).getTime() + 3_600_000)
  await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'short-lived', expiresAt: inAnHour }))
  await db.advance(DAY_SECONDS)
  await expect(revoke()).rejects.toMatchObject({ code: 'last_key' })
})

test('JP-13 two keys revoked at once leave one', async () => {
  const agent = await db.agentNamed('last-two')
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
  const agent = await db.agentNamed('several')
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
  const agent = await db.agentNamed('narrow')
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
  const agent = await db.agentNamed('mortal')
  const at = new Date((await db.store.now()).getTime() + 60_000)
  const mortal = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'mortal', expiresAt: at }))
  const by = { partyId: agent.partyId, keyId: mortal.keyId, scopes: mortal.scopes }
  const child = await db.store.transact((tx) => addKey(tx, { by, name: 'child' }))
  expect(child.expiresAt).toEqual(at)
  for (const expiresAt of [new Date(at.getTime() + 1), new Date(0), new Date('2030-06-30T23:59:60Z')]) {
    const made = db.store.transact((tx) => addKey(tx, { by, name: 'heir', expiresAt }))
    await expect(made).rejects.toMatchObject({ code: 'expiry_not_allowed' })
  }
  expect(await db.authenticate(child.key)).toBeDefined()
  await db.advance(2 * MINUTE_SECONDS)
  expect(await db.authenticate(child.key)).toBeUndefined()
  await expect(db.store.transact((tx) => addKey(tx, { by, name: 'late' }))).rejects.toMatchObject({ code: 'key_gone' })
})

test('D-33 a key revoked meanwhile makes no more keys, nor does one key for another party', async () => {
  const agent = await db.agentNamed('gone')
  const other = await db.agentNamed('gone-other')
  const second = await db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'second' }))
  await db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId: second.keyId }))
  for (const keyId of [second.keyId, other.firstKey.keyId]) {
    const made = db.store.transact((tx) => addKey(tx, { by: { ...askerOf(agent), keyId }, name: 'never' }))
    await expect(made).rejects.toMatchObject({ code: 'key_gone' })
  }
})

/** Makes a key with another one. */
const makeKey = (maker: { partyId: string; keyId: string }, name: string) =>
  db.store
    .transact((tx) => addKey(tx, { by: { ...maker, scopes: SCOPES }, name }))
    .then(({ keyId }) => ({ partyId: maker.partyId, keyId }))
const namesOf = async (partyId: string) => (await listKeys(db.store.read, partyId)).map(({ name }) => name)

test('D-33 a key remembers which key made it', async () => {
  const agent = await db.agentNamed('family')
  const child = await makeKey(askerOf(agent), 'child')
  const grandchild = await makeKey(child, 'grandchild')
  const keys = await listKeys(db.store.read, agent.partyId)
  expect(keys.map(({ keyId, madeBy }) => [keyId, madeBy])).toEqual([
    [grandchild.keyId, child.keyId],
    [child.keyId, agent.firstKey.keyId],
    [agent.firstKey.keyId, null],
  ])
})

test('D-33 a stolen key is revoked with all it made and they made, and nothing else', async () => {
  const agent = await db.agentNamed('robbed')
  const { partyId } = agent
  const stolen = await makeKey(askerOf(agent), 'stolen')
  const [thief, sister] = [await makeKey(stolen, 'thief'), await makeKey(askerOf(agent), 'sister')]
  const second = await makeKey(thief, 'second thief')
  const alone = await db.store.transact((tx) => revokeKey(tx, { partyId, keyId: thief.keyId }))
  expect(alone).toEqual([thief.keyId])
  expect(await namesOf(partyId)).toEqual(['second thief', 'sister', 'stolen', 'first key'])
  const revoked = await db.store.transact((tx) => revokeKey(tx, { partyId, keyId: stolen.keyId, andChildren: true }))
  expect(new Set(revoked)).toEqual(new Set([stolen.keyId, second.keyId]))
  expect(await namesOf(partyId)).toEqual(['sister', 'first key'])
  expect(sister.partyId).toBe(partyId)
})

test('D-33 what a revoked key made can still be revoked with it, once', async () => {
  const agent = await db.agentNamed('robbed-late')
  const { partyId } = agent
  const stolen = await makeKey(askerOf(agent), 'stolen')
  const thief = await makeKey(stolen, 'thief')
  await db.store.transact((tx) => revokeKey(tx, { partyId, keyId: stolen.keyId }))
  const family = () => db.store.transact((tx) => revokeKey(tx, { partyId, keyId: stolen.keyId, andChildren: true }))
  expect(await family()).toEqual([thief.keyId])
  await expect(family()).rejects.toMatchObject({ code: 'key_unknown' })
})

test('D-33 while a key is revoked with its children, no grandchild slips through', async () => {
  const agent = await db.agentNamed('robbed-in-haste')
  const { partyId } = agent
  const stolen = await makeKey(askerOf(agent), 'stolen')
  const thief = await makeKey(stolen, 'thief')
  const making = Array.from({ length: 6 }, (_, n) => makeKey(n % 2 ? thief : stolen, `made in haste ${n}`))
  const revoking = db.store.transact((tx) => revokeKey(tx, { partyId, keyId: stolen.keyId, andChildren: true }))
  await Promise.allSettled([...making, revoking])
  await revoking
  expect(await namesOf(partyId)).toEqual(['first key'])
})

test('JP-13 a family of keys without which nobody could manage keys is not revoked', async () => {
  const agent = await db.agentNamed('one-family')
  const { partyId, firstKey } = agent
  await makeKey(askerOf(agent), 'child')
  const whole = db.store.transact((tx) => revokeKey(tx, { partyId, keyId: firstKey.keyId, andChildren: true }))
  await expect(whole).rejects.toMatchObject({ code: 'last_key' })
  expect(await namesOf(partyId)).toEqual(['child', 'first key'])
})

test('D-33 nobody revokes the family of somebody else’s key', async () => {
  const [agent, other] = [await db.agentNamed('nosy'), await db.agentNamed('left-alone')]
  await makeKey(askerOf(other), 'child')
  const keyId = other.firstKey.keyId
  const revoked = db.store.transact((tx) => revokeKey(tx, { partyId: agent.partyId, keyId, andChildren: true }))
  await expect(revoked).rejects.toMatchObject({ code: 'key_unknown' })
  expect(await namesOf(other.partyId)).toHaveLength(2)
})

test('D-33 a party has at most a hundred keys', async () => {
  const agent = await db.agentNamed('collector')
  await db.store.transact(async (tx) => {
    for (let made = 1; made < 100; made++) await addKey(tx, { by: askerOf(agent), name: 'more' })
  })
  const oneMore = db.store.transact((tx) => addKey(tx, { by: askerOf(agent), name: 'one more' }))
  await expect(oneMore).rejects.toMatchObject({ code: 'too_many_keys' })
})

test('a key remembers when it was last used, to the minute', async () => {
  const agent = await db.agentNamed('used')
  const lastUsed = async () => (await listKeys(db.store.read, agent.partyId))[0]?.lastUsedAt
  expect(await lastUsed()).toBeNull()
  await db.authenticate(agent.firstKey.key)
  await vi.waitFor(async () => expect(await lastUsed()).toBeInstanceOf(Date))
  const first = await lastUsed()
  await db.authenticate(agent.firstKey.key)
  await db.advance(2 * MINUTE_SECONDS)
  expect(await lastUsed()).toEqual(first)
  await db.authenticate(agent.firstKey.key)
  await vi.waitFor(async () => expect((await lastUsed())?.getTime()).toBeGreaterThan(first?.getTime() ?? 0))
})
