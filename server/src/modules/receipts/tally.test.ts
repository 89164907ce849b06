import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { openStore } from '#platform/db'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import {
  createReceiptIssuer,
  fundingReader,
  type OwnersOf,
  paymentsBy,
  receiptKeyFrom,
  type Settlement,
  salesOf,
  tallySweep,
  tradesOf,
} from './index.ts'

const issue = createReceiptIssuer({ key: receiptKeyFrom(randomBytes(32)), issuer: 'https://souk.example' })
const nobody: OwnersOf = async () => new Map()

let db: TestDatabase
let seller: string
beforeEach(async () => {
  db = await openTestDatabase()
  seller = newId()
})
afterEach(() => db.close())

const count = async (ownersOf: OwnersOf = nobody, store = db.store) => {
  while ((await tallySweep(store, ownersOf).run()) > 0);
}
const sales = async (partyId = seller) => (await salesOf(db.store.read, [partyId])).get(partyId)
const trades = async (partyId: string) => (await tradesOf(db.store.read, [partyId])).get(partyId)

/** Each settlement is of an order of its own unless it says otherwise. */
function sell(...settlements: Partial<Settlement>[]): Promise<void> {
  return db.store.transact((tx) =>
    issue(
      tx,
      settlements.map((facts) => ({
        ...{ orderId: newId(), form: 'direct', type: 'escrow_release', buyerId: newId(), sellerId: seller },
        ...{ asset: 'USDC', price: 100n, payout: 100n, fee: 3n, delivered: true },
        ...facts,
      })),
    ),
  )
}
const fund = (...partyIds: string[]) =>
  db.store.transact((tx) => {
    const news = { id: 1n, name: 'wallet.deposited', subject: '', at: new Date() }
    return fundingReader.handle(
      tx,
      partyIds.map((partyId) => ({ ...news, payload: { partyId } })),
    )
  })

describe('what a party traded', () => {
  test('PA-21 is exact before, while and after it is counted', async () => {
    const buyer = newId()
    const expected = { bought: 0n, spent: 0n, sold: 0n, earned: 0n }
    for (const counting of [false, true, false, true]) {
      expect(await trades(buyer)).toEqual(expected)
      await sell({ buyerId: buyer }, { buyerId: buyer, sellerId: newId() }, { buyerId: newId(), sellerId: buyer })
      Object.assign(expected, {
        bought: expected.bought + 2n,
        spent: expected.spent + 206n,
        sold: expected.sold + 1n,
        earned: expected.earned + 100n,
      })
      if (counting) await count()
    }
    expect(await trades(buyer)).toEqual(expected)
  })

  test('PA-21 deposits, refunds and credits are no trades', async () => {
    const buyer = newId()
    const orderId = newId()
    await sell(
      { buyerId: buyer, orderId, type: 'escrow_deposit' },
      { buyerId: buyer, orderId, type: 'escrow_release', fee: 0n },
      { buyerId: buyer, orderId, type: 'escrow_refund' },
      { buyerId: buyer, asset: 'CREDIT' },
    )
    const once = { bought: 1n, spent: 100n, sold: 0n, earned: 0n }
    expect(await trades(buyer)).toEqual(once)
    expect(await paymentsBy(db.store.read, { buyerId: buyer, asset: 'USDC', limit: 10 })).toHaveLength(1)
    await count()
    expect(await trades(buyer)).toEqual(once)
    expect(await trades(seller)).toEqual({ bought: 0n, spent: 0n, sold: 1n, earned: 100n })
    expect(await sales()).toMatchObject({ sales: 1 })
  })

  test('each receipt is counted once, however many processes count', async () => {
    const second = openStore({ url: db.url, maxConnections: 4 })
    const buyers = [newId(), newId(), newId()]
    const selling = Promise.all(
      Array.from({ length: 30 }, () => sell(...buyers.map((buyerId) => ({ buyerId, delivered: false })))),
    )
    const counting = Array.from({ length: 10 }, (_, n) => count(nobody, n % 2 ? second : db.store))
    await Promise.all([selling, ...counting])
    await count()
    await second.close()
    expect(await sales()).toEqual({ sales: 90, undelivered: 90, buyers: 0 })
    expect(await trades(seller)).toMatchObject({ sold: 90n, earned: 9000n })
    expect(await tallySweep(db.store, nobody).run()).toBe(0)
  })
})

describe('what a reputation is made of', () => {
  test('PA-64 sales, and those marked undelivered', async () => {
    await sell({}, { delivered: false }, { delivered: null }, { type: 'external' }, { type: 'direct' })
    await count()
    expect(await sales()).toEqual({ sales: 5, undelivered: 1, buyers: 0 })
  })

  test('PA-64 a buyer counts once, and only when it has deposited, whenever that was', async () => {
    const [early, late, never] = [newId(), newId(), newId()]
    await fund(early)
    await sell({ buyerId: early }, { buyerId: late }, { buyerId: never }, { buyerId: early })
    await count()
    expect(await sales()).toEqual({ sales: 4, undelivered: 0, buyers: 1 })
    await fund(late, early)
    expect(await sales()).toMatchObject({ buyers: 2 })
    await sell({ buyerId: late }, { buyerId: early, sellerId: never })
    await count()
    await fund(late)
    expect(await sales()).toEqual({ sales: 5, undelivered: 0, buyers: 2 })
    expect(await sales(never)).toMatchObject({ buyers: 1 })
  })

  test('PA-64 a payment on a chain is money from outside, also for what was bought before', async () => {
    const buyer = newId()
    await sell({ buyerId: buyer })
    await count()
    expect(await sales()).toMatchObject({ buyers: 0 })
    const elsewhere = newId()
    const onChain = { type: 'direct', network: 'eip155:84532', txHash: '0x01', buyerWallet: '0x02' } as const
    await sell({ buyerId: buyer, sellerId: elsewhere, ...onChain })
    await count()
    expect([await sales(), await sales(elsewhere)]).toMatchObject([{ buyers: 1 }, { buyers: 1 }])
  })

  test('PA-64 trades with oneself, or between parties of one owner, prove nothing', async () => {
    const [sibling, stranger, owner] = [newId(), newId(), newId()]
    await fund(sibling, stranger, seller)
    await sell({ buyerId: sibling }, { buyerId: seller }, { buyerId: stranger })
    await count(async () => new Map([sibling, seller].map((id) => [id, owner])))
    expect(await sales()).toEqual({ sales: 1, undelivered: 0, buyers: 1 })
    expect(await trades(seller)).toMatchObject({ sold: 3n, bought: 1n })
  })

  test('PA-12 PA-64 what was paid from the wallet the seller is paid at proves nothing, whoever signed', async () => {
    const wallet = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
    const onChain = { type: 'direct', network: 'eip155:84532', txHash: '0x01' } as const
    await sell({ ...onChain, buyerWallet: wallet }, { ...onChain, buyerWallet: '0x02' })
    await count(async () => new Map([[seller, wallet.toLowerCase()]]))
    expect(await sales()).toEqual({ sales: 1, undelivered: 0, buyers: 1 })
  })

  test('a seller nobody bought from has none', async () => {
    expect((await salesOf(db.store.read, [newId()])).size).toBe(0)
  })
})

const TYPES = ['direct', 'escrow_deposit', 'escrow_release', 'escrow_refund', 'external'] as const
const anyStep = fc.oneof(
  fc.record({
    ...{ buyer: fc.nat(4), seller: fc.nat(4), type: fc.constantFrom(...TYPES), payout: fc.bigInt(0n, 1000n) },
    ...{ fee: fc.bigInt(0n, 9n), asset: fc.constantFrom('USDC', 'USDC', 'CREDIT'), onChain: fc.boolean() },
    delivered: fc.constantFrom(true, false, null),
  }),
  fc.record({ fund: fc.nat(4) }),
  fc.constant('count' as const),
)

test('PA-21 PA-64 whatever is settled, funded and counted in whatever order, the sums are those of a plain recount', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
      const ids = Array.from({ length: 5 }, newId)
      const id = (n: number) => ids[n] as string
      // The first two are one owner's.
      const ownersOf: OwnersOf = async () => new Map([0, 1].map((n) => [id(n), 'one']))
      const isRelated = (a: number, b: number) => a === b || a + b === 1
      const funded = new Set<number>()
      const paid = []
      for (const step of steps) {
        if (step === 'count') await count(ownersOf)
        else if ('fund' in step) {
          await fund(id(step.fund))
          funded.add(step.fund)
        } else {
          const { buyer, seller, onChain, ...facts } = step
          const place = onChain ? { network: 'eip155:84532', txHash: '0x01', buyerWallet: '0x02' } : {}
          await sell({ ...facts, ...place, buyerId: id(buyer), sellerId: id(seller) })
          if (facts.asset !== 'USDC' || ['escrow_deposit', 'escrow_refund'].includes(facts.type)) continue
          paid.push(step)
          if (onChain) funded.add(buyer)
        }
      }
      const early = await tradesOf(db.store.read, ids)
      await count(ownersOf)
      expect(await tradesOf(db.store.read, ids)).toEqual(early)
      const known = await salesOf(db.store.read, ids)
      for (const n of [0, 1, 2, 3, 4]) {
        const [bought, sold] = [paid.filter(({ buyer }) => buyer === n), paid.filter(({ seller }) => seller === n)]
        const real = sold.filter(({ buyer }) => !isRelated(buyer, n))
        const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
        expect(early.get(id(n))).toEqual({
          bought: BigInt(bought.length),
          spent: sum(bought.map(({ payout, fee }) => payout + fee)),
          sold: BigInt(sold.length),
          earned: sum(sold.map(({ payout }) => payout)),
        })
        expect(known.get(id(n)) ?? { sales: 0, undelivered: 0, buyers: 0 }).toEqual({
          sales: real.length,
          undelivered: real.filter(({ delivered }) => delivered === false).length,
          buyers: new Set(real.map(({ buyer }) => buyer).filter((buyer) => funded.has(buyer))).size,
        })
      }
    }),
    { numRuns: 30 },
  )
}, 60_000)
