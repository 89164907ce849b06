import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChainReport } from '#audit'
import { available } from '#ledger'
import { buildHttp, type Http } from '#platform/http/app'
import { receiptKeyFrom } from '#receipts'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { fundedParty } from '#tests/money'
import { operatorAuditRoutes } from './audit.ts'

const networks: ChainReport = [
  { network: 'solana', liabilities: 2n ** 60n, holdings: 2n ** 60n, inFlight: 0n, uncredited: 3n, covered: true },
]
let db: TestDatabase
let app: Http
let looks = 0

beforeAll(async () => {
  db = await openTestDatabase()
  app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl: 'http://localhost',
    version: '0',
    authenticate: async () => undefined,
    operatorKey: 'op_test',
    limits: 'off',
    trustProxy: false,
  })
  const chain = async () => {
    looks++
    return networks
  }
  const deps = { store: db.store, receiptKeys: [receiptKeyFrom(randomBytes(32)).jwk], chain }
  await app.register(operatorAuditRoutes(deps), { prefix: '/api/v1/admin' })
  await app.ready()
})
afterAll(async () => {
  await app.close()
  await db.close()
})

const ask = (key?: string) =>
  app.inject({ url: '/api/v1/admin/audit', headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })

test('D-18 the operator gets the report, money as strings', async () => {
  const reply = await ask('op_test')
  expect(reply.statusCode).toBe(200)
  const { ok, at, durationMs, checks, networks } = reply.json()
  expect(ok).toBe(true)
  expect(Number.isInteger(durationMs) && !Number.isNaN(Date.parse(at))).toBe(true)
  expect(checks).toContainEqual({ name: 'balances_equal_entries', ok: true, checked: 0, differences: [] })
  const money = { liabilities: '1152921504606846976', holdings: '1152921504606846976', inFlight: '0', uncredited: '3' }
  expect(networks).toEqual([{ network: 'solana', ...money, covered: true }])
})

test('nobody else does', async () => {
  expect((await ask()).statusCode).toBe(401)
  expect((await ask('jp_somebody')).statusCode).toBe(403)
})

test('differences are an answer: 200 with ok false', async () => {
  const party = await fundedParty(db.store, 10n)
  await db.store.transact((tx) => tx.run(sql`update account set balance = 11 where id = ${available('USDC', party)}`))
  const reply = await ask('op_test')
  expect(reply.statusCode).toBe(200)
  expect(reply.json()).toMatchObject({ ok: false })
  const difference = { subject: available('USDC', party), expected: '10', found: '11' }
  expect(reply.json().checks).toContainEqual({
    name: 'balances_equal_entries',
    ok: false,
    checked: 3,
    differences: [difference],
  })
})

test('who asks while an audit is at work shares it', async () => {
  looks = 0
  const replies = await Promise.all([ask('op_test'), ask('op_test'), ask('op_test')])
  expect(new Set(replies.map(({ body }) => body)).size).toBe(1)
  expect(looks).toBe(1)
})
