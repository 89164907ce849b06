import { randomBytes } from 'node:crypto'
import pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkService, listService, type Service } from '#catalog'
import { newId } from '#kernel/id'
import { available, fees, openAccounts, pending, post, rollUp, world } from '#ledger'
import { createEngine, type Move } from '#orders'
import type { Db } from '#platform/db'
import { createReceiptIssuer, fundingReader, receiptKeyFrom, tallySweep } from '#receipts'
import { bargain } from '#tests/bargains'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { fundedParty } from '#tests/money'
import { createAgreedSchemas, directForm, hireEach } from '#trades/direct'
import { requestPayout } from '#wallet'
import { type AuditDeps, type AuditReport, auditBooks, type NetworkHoldings } from './index.ts'

/** A busy machine, or a transaction of another database of the cluster, may hold things up. */
const PATIENCE = { timeout: 15_000 }

const key = receiptKeyFrom(randomBytes(32))
const engine = createEngine({ forms: [directForm], issueReceipts: createReceiptIssuer({ key, issuer: 'http://test' }) })
const trustsOf = async () => new Map()
const settings = { jobFeeBps: 300, jobAcceptSeconds: 300, jobReviewSeconds: 300, queueWaitSeconds: 600 }

let db: TestDatabase
let buyer: string
let seller: string
let jobs: string[]
beforeAll(async () => {
  db = await openTestDatabase()
  buyer = await fundedParty(db.store, 100_000_000n)
  seller = await fundedParty(db.store, 10_000_000n)
  jobs = await tradeABit()
  await rollUpFees()
  await tallyReceipts()
})
afterAll(() => db.close())

const audit = (deps: Partial<AuditDeps> = {}) => auditBooks(db.store, { receiptKeys: [key.jwk], ...deps })
const failed = ({ checks }: AuditReport) => checks.filter(({ ok }) => !ok).map(({ name }) => name)

/** Seven jobs in every state, a payout under way, and some credits: what a market looks like at any moment. */
async function tradeABit(): Promise<string[]> {
  const one = await listed()
  const hire = {
    buyerId: buyer,
    sellerId: seller,
    serviceId: one.id,
    serviceVersion: one.version,
    input: {},
    callbackUrl: null,
  }
  const schemas = createAgreedSchemas()
  const hired = await db.store.transact((tx) =>
    hireEach(tx, { engine, settings, schemas, trustsOf }, Array(7).fill(hire)),
  )
  const ids = hired.flatMap((outcome) => ('done' in outcome ? [outcome.done.id] : []))
  const moves: [number, Move][] = [
    [0, { do: 'deliver', by: seller }],
    [0, { do: 'approve', by: buyer }],
    [1, { do: 'deliver', by: seller }],
    [1, { do: 'approve', by: buyer }],
    [2, { do: 'deliver', by: seller }],
    [5, { do: 'cancel', by: buyer }],
  ]
  for (const [index, move] of moves) {
    await db.store.transact((tx) => engine.move(tx, { orderId: ids[index] as string, move, output: {} }))
  }
  await db.store.transact(async (tx) => {
    const account = available('USDC', seller)
    const facts = { kind: 'withdrawal', partyId: seller, network: 'solana', destination: 'somewhere' } as const
    await requestPayout(tx, {
      ...facts,
      gross: 5_000_000n,
      fee: 100_000n,
      from: account,
      heldIn: pending('USDC', seller),
      returnTo: account,
    })
  })
  await fundedParty(db.store, 100n, 'CREDIT')
  return ids
}

async function listed(): Promise<Service> {
  const draft = {
    ...{ name: 'Summaries', description: 'Summarises any text you send.', category: 'text', priceMicros: 333_333n },
    ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, maxConcurrentJobs: 2 },
  }
  const checked = await checkService(draft, { validator: { validate: async () => [] } })
  return db.store.transact((tx) => listService(tx, { ownerId: seller, service: checked }))
}

/** The buyer has brought money from outside. */
async function tallyReceipts(): Promise<void> {
  const news = { id: 1n, name: 'wallet.deposited', subject: buyer, payload: { partyId: buyer }, at: new Date() }
  await db.store.transact((tx) => fundingReader.handle(tx, [news]))
  expect(await tallySweep(db.store, async () => new Map()).run()).toBe(2)
}

/** Everything there is of fees, once nobody of the cluster holds the horizon back. */
async function rollUpFees(): Promise<void> {
  await vi.waitFor(async () => {
    await rollUp(db.store)
    const all = await db.store.read.rows(sql`
      select 1 from account_rollup as rollup join account on no = account_no
      where id = ${fees('USDC', 'jobs')} and rollup.balance > 0`)
    expect(all).toHaveLength(1)
  }, PATIENCE)
}

/** Audits books in which somebody did what nobody can do by any door: as a superuser, past triggers and constraints. */
async function auditAfter(statement: string, deps: Partial<AuditDeps> = {}): Promise<AuditReport> {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  const rows = async (query: Sql) => (await client.query(query.text, query.values)).rows
  const read = { rows, one: async (query: Sql) => (await rows(query))[0] } as Db
  try {
    await client.query(`begin; set local session_replication_role = 'replica'`)
    await client.query(statement)
    return await auditBooks({ read, snapshot: (work) => work(read) }, { receiptKeys: [key.jwk], ...deps })
  } finally {
    await client.end()
  }
}

test('D-18 the books of a market that trades are in order, and each check has looked at something', async () => {
  const report = await audit()
  expect(failed(report)).toEqual([])
  expect(report).toMatchObject({ ok: true, networks: [] })
  expect(report.at.getTime()).toBeGreaterThan(Date.now() - 60_000)
  expect(report.checks.filter(({ checked }) => checked === 0).map(({ name }) => name)).toEqual([])
  expect(report.checks.find(({ name }) => name === 'receipts_are_signed')?.checked).toBe(2)
})

test('an empty market is in order too', async () => {
  const empty = await openTestDatabase()
  expect(await auditBooks(empty.store, { receiptKeys: [] })).toMatchObject({ ok: true })
  await empty.close()
})

test('it reads one instant: what is settled while it looks makes no difference', async () => {
  let busy = true
  const trading = (async () => {
    while (busy) {
      const [order] = await db.store.transact((tx) =>
        engine.placeEach(tx, [{ bargain: bargain({ buyerId: buyer, sellerId: seller, price: 1000n }), input: null }]),
      )
      if (!order || !('done' in order)) throw new Error('not placed')
      await db.store.transact((tx) =>
        engine.moveEach(tx, [
          { orderId: order.done.id, move: { do: 'deliver', by: seller } },
          { orderId: order.done.id, move: { do: 'approve', by: buyer } },
        ]),
      )
      await rollUp(db.store)
    }
  })()
  for (let n = 0; n < 10; n++) expect(failed(await audit())).toEqual([])
  busy = false
  await trading
})

describe('what is wrong is found', () => {
  const account = (id: string) => `(select no from account where id = '${id}')`

  test.each([
    [
      'a balance that was raised',
      ['assets_sum_to_zero', 'balances_equal_entries'],
      () => `update account set balance = balance + 1 where id = '${available('USDC', buyer)}'`,
    ],
    [
      'an entry that was changed',
      ['balances_equal_entries'],
      () =>
        `update entry set amount = amount + 1 where transfer_id = (select min(transfer_id) from entry where from_no = ${account(available('USDC', buyer))})`,
    ],
    [
      'an entry of fees that was changed after it was rolled up',
      ['balances_equal_entries', 'rollups_equal_entries'],
      () => `update entry set amount = amount + 1 where to_no = ${account(fees('USDC', 'jobs'))}`,
    ],
    [
      'an entry that was removed',
      ['balances_equal_entries'],
      () =>
        `delete from entry where transfer_id = (select max(transfer_id) from entry where from_no = ${account(available('USDC', buyer))})`,
    ],
    ['a transfer that was removed', ['entries_are_sound'], () => `delete from transfer where key = 'deposit:${buyer}'`],
    [
      'a transfer without entries',
      ['transfers_have_entries'],
      () => `insert into transfer values (nextval('transfer_id'), 'odd', 'odd', 'odd', '2026-01-01')`,
    ],
    [
      'an account that was removed',
      ['assets_sum_to_zero', 'entries_are_sound'],
      () => `delete from account where id = '${available('USDC', buyer)}'`,
    ],
    [
      'an account below zero',
      ['no_account_below_floor'],
      () =>
        `alter table account drop constraint account_not_overdrawn; update account set balance = -1 where id = '${available('USDC', buyer)}'`,
    ],
    [
      'an entry that mixes assets',
      ['assets_sum_to_zero', 'entries_are_sound'],
      () =>
        `insert into entry select max(id), ${account(world('USDC', 'test'))}, ${account(world('CREDIT', 'test'))}, 1 from transfer`,
    ],
    [
      'a rolled-up balance that was raised',
      ['assets_sum_to_zero', 'rollups_equal_entries'],
      () => `update account_rollup set balance = balance + 1`,
    ],
    [
      'escrow that does not hold what its order says',
      ['escrow_equals_orders'],
      () => `update orders set held = held - 1 where id = '${jobs[2]}'`,
    ],
    [
      'escrow left behind by an ended order',
      ['escrow_equals_orders'],
      () => `update orders set closed_at = created_at, held = 0, due_at = null where id = '${jobs[3]}'`,
    ],
    [
      'a payout that forgot what it holds',
      ['pending_equals_payouts'],
      () => `update payout set gross = gross + 1, net = net + 1`,
    ],
    ['money set aside for no payout', ['pending_equals_payouts'], () => `delete from payout`],
    [
      'a receipt that was removed in the middle',
      ['completed_orders_have_receipts', 'receipts_are_chained'],
      () => `delete from receipt where seq = 1`,
    ],
    [
      'a receipt that was removed at the end',
      ['completed_orders_have_receipts', 'receipts_are_chained'],
      () => `delete from receipt where seq = (select max(seq) from receipt)`,
    ],
    [
      'a receipt with another text',
      ['receipts_are_chained', 'receipts_are_signed'],
      () => `update receipt set jws = replace(jws, '.', '.A') where seq = 1`,
    ],
    [
      'a receipt with another text and its hash',
      ['receipts_are_chained', 'receipts_are_signed'],
      () => `update receipt set jws = 'no receipt', hash = sha256('no receipt') where seq = 1`,
    ],
    [
      'a receipt given to another order',
      ['completed_orders_have_receipts', 'receipts_are_chained'],
      () => `update receipt set order_id = '${newId()}' where seq = 2`,
    ],
    ...[
      ...['payout = payout + 1', 'price = price + 1', 'fee = fee + 1', `asset = 'CREDIT'`, `form = 'open'`],
      ...[`settlement_type = 'direct'`, 'buyer_id = seller_id', 'seller_id = buyer_id', 'seller_id = null'],
    ].map((change): [string, string[], () => string] => [
      `a receipt whose columns were changed: ${change}`,
      ['receipts_are_chained'],
      () => `update receipt set ${change} where seq = 1`,
    ]),
    ['a head that was moved', ['receipts_are_chained'], () => `update receipt_head set seq = 7`],
    ['a head with another hash', ['receipts_are_chained'], () => `update receipt_head set hash = sha256('x')`],
    [
      'a completed order without a receipt',
      ['completed_orders_have_receipts'],
      () => `update orders set state = 'completed' where id = '${jobs[5]}'`,
    ],
    ...['sold = sold + 1', 'earned = earned + 1', 'buyers = buyers + 1'].map(
      (change): [string, string[], () => string] => [
        `a tally that was changed: ${change}`,
        ['tallies_equal_receipts'],
        () => `update receipt_party set ${change} where sold > 0`,
      ],
    ),
    ['a tally that is missing', ['tallies_equal_receipts'], () => `delete from receipt_party where bought > 0`],
    ['a tally that is behind what it counted', ['tallies_equal_receipts'], () => `update receipt_tally set seq = 1`],
    ['a buyer that was forgotten', ['tallies_equal_receipts'], () => `delete from receipt_pair`],
    ['a buyer that was never funded', ['tallies_equal_receipts'], () => `delete from receipt_funded`],
    ['slots that were miscounted', ['slots_equal_orders'], () => `update direct_slot set active = active + 1`],
    ['slots that are missing', ['slots_equal_orders'], () => `delete from direct_slot`],
  ])('%s', async (_, names, statement) => {
    const report = await auditAfter(statement())
    expect(report.ok).toBe(false)
    expect(failed(report)).toEqual(expect.arrayContaining(names))
    for (const { differences } of report.checks) {
      for (const { subject, expected, found } of differences)
        expect([subject, expected, found].every((text) => text !== '')).toBe(true)
    }
  })

  test('samples are few, however much is wrong', async () => {
    const parties = await Promise.all(Array.from({ length: 30 }, () => fundedParty(db.store, 5n)))
    const ids = parties.map((id) => `'${available('USDC', id)}'`)
    const { checks } = await auditAfter(`update account set balance = 7 where id in (${ids})`)
    const check = checks.find(({ name }) => name === 'balances_equal_entries')
    expect(check?.differences).toHaveLength(20)
    expect(check?.differences[0]).toMatchObject({ expected: '5', found: '7' })
  })

  test('a receipt signed by a key that is not ours', async () => {
    const report = await audit({ receiptKeys: [receiptKeyFrom(randomBytes(32)).jwk] })
    expect(failed(report)).toEqual(['receipts_are_signed'])
    expect(report.checks.at(-1)?.differences[0]).toMatchObject({
      subject: expect.stringMatching(/^receipt \d+$/),
      found: `key ${key.kid}`,
    })
    const forged = { ...receiptKeyFrom(randomBytes(32)).jwk, kid: key.kid }
    expect((await audit({ receiptKeys: [forged] })).checks.at(-1)?.differences[0]?.found).toBe('another signature')
  })
})

describe('networks', () => {
  const solana: NetworkHoldings = {
    network: 'solana',
    liabilities: 10n,
    holdings: 8n,
    inFlight: 2n,
    uncredited: 0n,
    covered: true,
  }

  test('covered liabilities are in order, uncovered ones are not, and the amounts are shown', async () => {
    expect(await audit({ chain: async () => [solana] })).toMatchObject({ ok: true, networks: [solana] })
    const short = { ...solana, holdings: 7n, covered: false }
    const report = await audit({ chain: async () => [short] })
    expect(failed(report)).toEqual(['holdings_cover_liabilities'])
    expect(report.checks.at(-1)?.differences).toEqual([
      { subject: 'solana', expected: '10 or more', found: '7 on the network, 2 in flight' },
    ])
  })

  test('a network that does not answer is a difference, not a failure of the audit', async () => {
    const report = await audit({ chain: async () => Promise.reject(new Error('solana did not answer')) })
    expect(failed(report)).toEqual(['holdings_cover_liabilities'])
    expect(report.checks.at(-1)?.differences[0]?.found).toBe('solana did not answer')
  })
})

test('money that came in and was never posted to anybody else keeps the books in order', async () => {
  const partyId = newId()
  await db.store.transact(async (tx) => {
    await openAccounts(tx, available('USDC', partyId), world('USDC', 'elsewhere'))
    const postings = [{ from: world('USDC', 'elsewhere'), to: available('USDC', partyId), amount: 2n ** 60n }]
    await post(tx, { key: newId(), reason: 'deposit', subject: partyId, postings })
  })
  expect(failed(await audit())).toEqual([])
})
