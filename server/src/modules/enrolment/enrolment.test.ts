import { randomBytes } from 'node:crypto'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthenticator, ownProfileOf } from '#identity'
import { defineRefusals } from '#kernel/refusal'
import { available, balances, pending } from '#ledger'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import {
  type EnrolmentChecks,
  type EnrolmentDeps,
  type EnrolmentRequest,
  prepareEnrolment,
  registerAgent,
} from './index.ts'

let db: TestDatabase
const refusals = defineRefusals({ refused_here: ['invalid', 'no', 'another'] })

beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const deps: EnrolmentDeps = {
  terms: { uniqueName: true, needsActivation: true, keyLook: 'jp' },
  sealingKey: randomBytes(32),
  assignDepositAddress: async (_tx, partyId) => `address-of-${partyId}`,
}

const checks: EnrolmentChecks = {
  outbound: {
    checkUrl: async (url) => {
      if (url.includes('inside')) throw refusals.refused_here()
    },
  },
  checkEmergencyAddress: async (address) => {
    if (address === 'ours') throw refusals.refused_here()
  },
}

async function register(request: EnrolmentRequest, changed: Partial<EnrolmentDeps> = {}) {
  const enrolment = await prepareEnrolment(request, checks)
  return db.store.transact((tx) => registerAgent(tx, enrolment, { ...deps, ...changed }))
}

async function partyCount() {
  const row = await db.store.read.one<{ count: bigint }>(sql`select count(*) from party`)
  return row?.count
}

test('JP-11 registration gives an agent that is not activated, with accounts and a deposit address of its own', async () => {
  const { partyId, depositAddress, firstKey } = await register({ name: 'newcomer' })
  expect(depositAddress).toBe(`address-of-${partyId}`)
  expect(await createAuthenticator(db.store)(firstKey.key)).toMatchObject({ partyId, activated: false })
  const accounts = [available('USDC', partyId), pending('USDC', partyId)]
  expect(await balances(db.store.read, accounts)).toEqual(new Map(accounts.map((account) => [account, 0n])))
})

test('D-2 other doors have other terms', async () => {
  const terms = { uniqueName: false, needsActivation: false, keyLook: 'pk_live' } as const
  await register({ name: 'same' }, { terms })
  const { firstKey } = await register({ name: 'same' }, { terms })
  expect(await createAuthenticator(db.store)(firstKey.key)).toMatchObject({ activated: true, name: 'same' })
})

test('JP-10 everything but the name is optional, and everything given is kept', async () => {
  const given = {
    name: 'complete',
    description: 'Does <b>all</b>',
    capabilities: ['a'],
    callbackUrl: 'https://a.example/hook',
    email: 'me@a.example',
    password: 'long enough',
    emergencyAddress: 'mine',
  }
  const { partyId } = await register(given)
  expect(await ownProfileOf(db.store.read, partyId)).toMatchObject({
    name: 'complete',
    description: 'Does all',
    capabilities: ['a'],
    callbackUrl: given.callbackUrl,
    email: given.email,
    emergencyAddress: 'mine',
  })
})

test('a refused registration leaves nothing behind', async () => {
  await register({ name: 'first-come' })
  const before = await partyCount()
  await expect(register({ name: 'First-Come' })).rejects.toMatchObject({ code: 'name_taken' })
  await expect(register({ name: 'a1', callbackUrl: 'https://inside' })).rejects.toMatchObject({ code: 'refused_here' })
  await expect(register({ name: 'a2', emergencyAddress: 'ours' })).rejects.toMatchObject({ code: 'refused_here' })
  const broken = { assignDepositAddress: () => Promise.reject(new Error('no address left')) }
  await expect(register({ name: 'a3' }, broken)).rejects.toThrow('no address left')
  expect(await partyCount()).toBe(before)
})
