import fc from 'fast-check'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { Refusal } from '#kernel/refusal'
import { openStore } from '#platform/db'
import { openTestDatabase, type TestDatabase } from '#tests/database'
import { balancesOf, fundedParty } from '#tests/money'
import {
  type AccountId,
  available,
  balanceOf,
  balances,
  createTransferBatcher,
  escrow,
  fees,
  openAccounts,
  openBook,
  post,
  postEach,
  type StatementLine,
  statement,
  type Transfer,
  world,
} from './index.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await openTestDatabase()
})
afterAll(() => db.close())

const BIG = 2n ** 53n + 1n
const purse = (partyId: string) => available('USDC', partyId)
const party = (amount: Micros) => fundedParty(db.store, amount)

function pay(from: AccountId, to: AccountId, amount: Micros, key = newId()): Transfer {
  return { key, reason: 'test', subject: 'test', postings: [{ from, to, amount }] }
}

const posting = (transfer: Transfer) => db.store.transact((tx) => post(tx, transfer))
const codeOf = (error: unknown) => (error instanceof Refusal ? error.code : String(error))
const failureOf = (work: Promise<unknown>) => work.then(() => 'done', codeOf)

describe('post', () => {
  test('money leaves one account and enters another, exactly, beyond what a float can hold', async () => {
    const [a, b] = [await party(BIG), await party(0n)]
    await posting(pay(purse(a), purse(b), BIG - 2n))
    expect(await balancesOf(db.store.read, [purse(a), purse(b)])).toEqual([2n, BIG - 2n])
  })

  test('several postings happen whole or not at all, and only their net must be covered', async () => {
    const [a, b, c] = [await party(10n), await party(0n), await party(0n)]
    const postings = [
      { from: purse(b), to: purse(c), amount: 7n },
      { from: purse(a), to: purse(b), amount: 10n },
    ]
    await posting({ key: newId(), reason: 'test', subject: 'test', postings })
    expect(await balancesOf(db.store.read, [purse(a), purse(b), purse(c)])).toEqual([0n, 3n, 7n])
    const short = { key: newId(), reason: 'test', subject: 'test', postings }
    expect(await failureOf(posting(short))).toBe('insufficient_funds')
    expect(await balancesOf(db.store.read, [purse(a), purse(b), purse(c)])).toEqual([0n, 3n, 7n])
  })

  test('D-14 a key moves money once, whoever asks and whatever it says the second time', async () => {
    const [a, b] = [await party(10n), await party(0n)]
    const key = newId()
    await posting(pay(purse(a), purse(b), 3n, key))
    expect(await failureOf(posting(pay(purse(a), purse(b), 3n, key)))).toBe('already_posted')
    expect(await failureOf(posting(pay(purse(b), purse(a), 1n, key)))).toBe('already_posted')
    const racing = Array.from({ length: 20 }, () => failureOf(posting(pay(purse(a), purse(b), 1n, `${key}:race`))))
    expect((await Promise.all(racing)).sort()).toEqual([...Array(19).fill('already_posted'), 'done'])
    expect(await balancesOf(db.store.read, [purse(a), purse(b)])).toEqual([6n, 4n])
  })

  test('nobody spends more than they have, not even fifty at once', async () => {
    const [a, b] = [await party(20n), await party(0n)]
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => failureOf(posting(pay(purse(a), purse(b), 1n)))),
    )
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(20)
    expect(outcomes.filter((outcome) => outcome === 'insufficient_funds')).toHaveLength(30)
    expect(await balancesOf(db.store.read, [purse(a), purse(b)])).toEqual([0n, 20n])
  })

  test('opposite transfers at once never deadlock', async () => {
    const [a, b] = [await party(1000n), await party(1000n)]
    let runs = 0
    const move = (transfer: Transfer) =>
      db.store.transact((tx) => {
        runs++
        return post(tx, transfer)
      })
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => move(n % 2 ? pay(purse(a), purse(b), 3n) : pay(purse(b), purse(a), 2n))),
    )
    expect(runs).toBe(60)
    expect(await balancesOf(db.store.read, [purse(a), purse(b)])).toEqual([970n, 1030n])
  })

  test('assets are never mixed, nothing negative or circular moves, and zero moves nothing', async () => {
    const a = await party(10n)
    await expect(posting(pay(purse(a), available('CREDIT', a), 1n))).rejects.toThrow(/mixes assets/)
    await expect(posting(pay(purse(a), escrow('USDC', a), -1n))).rejects.toThrow(/negative/)
    await expect(posting(pay(purse(a), purse(a), 1n))).rejects.toThrow(/to itself/)
    const nothing = pay(purse(a), escrow('USDC', 'nowhere'), 0n)
    await posting(nothing)
    expect(await db.store.read.rows(sql`select 1 from transfer where key = ${nothing.key}`)).toEqual([])
  })

  test('an account that was never opened takes nothing, and the whole unit is undone', async () => {
    const a = await party(10n)
    await expect(posting(pay(purse(a), escrow('USDC', newId()), 1n))).rejects.toThrow(/never opened/)
    await expect(posting(pay(escrow('USDC', newId()), purse(a), 1n))).rejects.toThrow(/never opened/)
    expect(await balanceOf(db.store.read, purse(a))).toBe(10n)
  })

  test('a transfer and what goes with it stand or fall together', async () => {
    const [a, b] = [await party(10n), await party(0n)]
    const failing = db.store.transact(async (tx) => {
      await post(tx, pay(purse(a), purse(b), 4n))
      throw new Error('later')
    })
    await expect(failing).rejects.toThrow('later')
    expect(await balancesOf(db.store.read, [purse(a), purse(b)])).toEqual([10n, 0n])
  })

  test('opening an account twice leaves it as it is; an account nobody opened holds nothing', async () => {
    const a = await party(5n)
    await db.store.transact((tx) => openAccounts(tx, purse(a), purse(a)))
    expect(await balanceOf(db.store.read, purse(a))).toBe(5n)
    expect(await balanceOf(db.store.read, purse(newId()))).toBe(0n)
    expect(await balances(db.store.read, [purse(newId())])).toEqual(new Map())
  })
})

describe('summed accounts', () => {
  test('many at once pay into one and out of one without waiting for each other, and nothing is lost', async () => {
    const source = `s${newId()}`
    const [fee, outside] = [fees('USDC', source), world('USDC', source)]
    await db.store.transact((tx) => openAccounts(tx, fee, outside))
    const parties = await Promise.all(Array.from({ length: 5 }, () => party(100n)))
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const own = purse(parties[n % 5] as string)
        return posting(n % 2 ? pay(own, fee, 3n) : pay(outside, own, 2n))
      }),
    )
    expect(await balancesOf(db.store.read, [fee, outside])).toEqual([75n, -50n])
  })

  test('a transfer between two of them needs no cover', async () => {
    const [fee, outside] = [fees('USDC', newId()), world('USDC', newId())]
    await db.store.transact((tx) => openAccounts(tx, fee, outside))
    await posting(pay(fee, outside, BIG))
    expect(await balancesOf(db.store.read, [fee, outside])).toEqual([-BIG, BIG])
  })

  test('a summed account is not held by a unit of work that posts to it', async () => {
    const fee = fees('USDC', newId())
    const [a, b] = [await party(10n), await party(10n)]
    await db.store.transact((tx) => openAccounts(tx, fee))
    await db.store.transact(async (tx) => {
      await post(tx, pay(purse(a), fee, 1n))
      // Waits for nobody: would it, this test would hang on itself.
      await posting(pay(purse(b), fee, 1n))
    })
    expect(await balanceOf(db.store.read, fee)).toBe(2n)
  })
})

/** The books as one would keep them by hand: each transfer judged alone, one after the other. */
function modelOf(start: ReadonlyMap<AccountId, Micros>) {
  const held = new Map(start)
  const keys = new Set<string>()
  return {
    held,
    post: ({ key, postings }: Transfer): string => {
      if (postings.every(({ amount }) => amount === 0n)) return 'done'
      if (keys.has(key)) return 'already_posted'
      const next = new Map(held)
      for (const { from, to, amount } of postings) {
        next.set(from, (next.get(from) ?? 0n) - amount)
        next.set(to, (next.get(to) ?? 0n) + amount)
      }
      const touched = new Set(postings.flatMap(({ from, to, amount }) => (amount > 0n ? [from, to] : [])))
      for (const id of touched) {
        const covered = (next.get(id) ?? 0n) >= 0n || id.startsWith('usdc:world') || id.startsWith('usdc:fees')
        if (!covered) return 'insufficient_funds'
      }
      for (const [id, balance] of next) held.set(id, balance)
      keys.add(key)
      return 'done'
    },
  }
}

/** Accounts of a small world by number: four parties, one escrow, two summed. */
async function smallWorld() {
  const tag = newId()
  const parties = await Promise.all([0n, 7n, 100n, BIG].map(party))
  const ids = [...parties.map(purse), escrow('USDC', tag), fees('USDC', tag), world('USDC', tag)]
  await db.store.transact((tx) => openAccounts(tx, ...ids))
  const start = await balancesOf(db.store.read, ids)
  return { ids, start: new Map(ids.map((id, index) => [id, start[index] ?? 0n])), tag }
}

const aTransfer = fc.record({
  key: fc.integer({ min: 0, max: 12 }),
  postings: fc.array(
    fc
      .record({
        from: fc.nat(6),
        step: fc.integer({ min: 1, max: 6 }),
        amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 60n }), fc.bigInt({ min: 0n, max: BIG + 50n })),
      })
      .map(({ from, step, amount }) => ({ from, to: (from + step) % 7, amount })),
    { minLength: 1, maxLength: 3 },
  ),
})

function toTransfer(
  { key, postings }: typeof aTransfer extends fc.Arbitrary<infer T> ? T : never,
  ids: AccountId[],
  tag: string,
) {
  return {
    key: `${tag}:${key}`,
    reason: 'test',
    subject: tag,
    postings: postings.map(({ from, to, amount }) => ({
      from: ids[from] as AccountId,
      to: ids[to] as AccountId,
      amount,
    })),
  }
}

describe('postEach', () => {
  test('its verdicts and balances are those of posting one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(aTransfer, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        async (batches) => {
          const { ids, start, tag } = await smallWorld()
          const model = modelOf(start)
          for (const batch of batches) {
            const transfers = batch.map((one) => toTransfer(one, ids, tag))
            const outcomes = await db.store.transact((tx) => postEach(tx, transfers))
            const verdicts = outcomes.map((outcome) => ('done' in outcome ? 'done' : codeOf(outcome.refused)))
            expect(verdicts).toEqual(transfers.map(model.post))
          }
          expect(await balancesOf(db.store.read, ids)).toEqual(ids.map((id) => model.held.get(id)))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('post itself says the same as the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aTransfer, { minLength: 1, maxLength: 8 }), async (moves) => {
        const { ids, start, tag } = await smallWorld()
        const model = modelOf(start)
        for (const one of moves) {
          const transfer = toTransfer(one, ids, tag)
          expect(await failureOf(posting(transfer))).toBe(model.post(transfer))
        }
        expect(await balancesOf(db.store.read, ids)).toEqual(ids.map((id) => model.held.get(id)))
      }),
      { numRuns: 60 },
    )
  })

  test('it says how much is missing', async () => {
    const [a, b] = [await party(10n), await party(0n)]
    const [outcome] = await db.store.transact((tx) => postEach(tx, [pay(purse(a), purse(b), 12n)]))
    const details = { balance: '10', balance_needed: '12', shortfall: '2' }
    expect(outcome).toMatchObject({ refused: { code: 'insufficient_funds', details } })
  })

  test('a key that another unit of work is just using is already posted, never a fault', async () => {
    const [a, b, c, d] = [await party(10n), await party(0n), await party(10n), await party(0n)]
    const key = newId()
    let commit = () => {}
    let isPosted = () => {}
    const posted = new Promise<void>((resolve) => (isPosted = resolve))
    const first = db.store.transact(async (tx) => {
      await post(tx, pay(purse(a), purse(b), 1n, key))
      isPosted()
      await new Promise<void>((resolve) => (commit = resolve))
    })
    await posted
    const second = failureOf(db.store.transact((tx) => postEach(tx, [pay(purse(c), purse(d), 1n, key)])))
    setTimeout(commit, 30)
    await first
    expect(await second).toBe('already_posted')
  })
})

describe('book', () => {
  test('accounts made in this very unit are written with what they hold, and only those that moved', async () => {
    const a = await party(10n)
    const [used, unused] = [escrow('USDC', newId()), escrow('USDC', newId())]
    await db.store.transact(async (tx) => {
      const book = await openBook(tx, [purse(a)])
      book.open(used)
      book.open(unused)
      expect(() => book.post(pay(purse(a), unused, 11n))).toThrow(Refusal)
      book.post(pay(purse(a), used, 4n))
      expect([book.balanceOf(purse(a)), book.balanceOf(used), book.balanceOf(unused)]).toEqual([6n, 4n, 0n])
      await book.close()
    })
    expect(await balances(db.store.read, [used, unused])).toEqual(new Map([[used, 4n]]))
  })

  test('many transfers through one new account in one unit: only its last balance is written', async () => {
    const [a, b] = [await party(10n), await party(0n)]
    const middle = escrow('USDC', newId())
    await db.store.transact(async (tx) => {
      const book = await openBook(tx, [purse(a), purse(b)])
      book.open(middle)
      book.post(pay(purse(a), middle, 10n))
      book.post(pay(middle, purse(b), 10n))
      await book.close()
    })
    expect(await balancesOf(db.store.read, [purse(a), middle, purse(b)])).toEqual([0n, 0n, 10n])
    expect((await statement(db.store.read, { account: middle, limit: 10 })).map(({ amount }) => amount)).toEqual([
      -10n,
      10n,
    ])
  })
})

describe('transfer batcher', () => {
  test('64 callers at once share commits and each succeeds or fails alone', async () => {
    const [rich, poor, other] = [await party(1000n), await party(0n), await party(0n)]
    const batch = createTransferBatcher(db.store)
    const key = newId()
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, n) => {
        if (n % 8 === 0) return failureOf(batch(pay(purse(poor), purse(other), 1n)))
        if (n % 8 === 1) return failureOf(batch(pay(purse(rich), purse(other), 1n, key)))
        return failureOf(batch(pay(purse(rich), purse(other), 10n)))
      }),
    )
    expect(outcomes.filter((outcome) => outcome === 'insufficient_funds')).toHaveLength(8)
    expect(outcomes.filter((outcome) => outcome === 'already_posted')).toHaveLength(7)
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(49)
    expect(await balancesOf(db.store.read, [purse(rich), purse(other)])).toEqual([519n, 481n])
    const units = await db.store.read.rows(sql`
      select distinct at from transfer where subject = 'test' and id in (select transfer_id from entry join account on no = from_no where account.id = ${purse(rich)})`)
    expect(units.length).toBeLessThan(4)
  })

  test('a bad item fails alone, even one that breaks the statement', async () => {
    const [a, b] = [await party(100n), await party(0n)]
    const batch = createTransferBatcher(db.store)
    const bad = [
      pay(purse(a), available('CREDIT', a), 1n),
      pay(purse(a), escrow('USDC', 'never opened'), 1n),
      pay(world('USDC', 'test'), purse(b), 2n ** 63n - 1n),
      { ...pay(purse(a), purse(b), 1n), subject: 'text with \u0000 in it' },
    ]
    const good = Array.from({ length: 10 }, () => pay(purse(a), purse(b), 1n))
    const outcomes = await Promise.all([...bad, ...good].map((transfer) => failureOf(batch(transfer))))
    // The huge one may come first and fit; then the small ones on top of it do not.
    expect(outcomes.slice(0, 2).every((outcome) => outcome !== 'done')).toBe(true)
    expect(outcomes[3]).toMatch(/invalid byte sequence/)
    expect(await balanceOf(db.store.read, purse(a))).toBe(
      100n - BigInt(outcomes.slice(4).filter((o) => o === 'done').length),
    )
    expect(outcomes.slice(4).filter((outcome) => outcome === 'done').length).toBeGreaterThanOrEqual(
      outcomes[2] === 'done' ? 0 : 10,
    )
  })

  test('two processes with opposite orders of accounts: no unit is run twice for a deadlock, nothing is lost', async () => {
    const parties = await Promise.all(Array.from({ length: 6 }, () => party(1000n)))
    const second = openStore({ url: db.url, maxConnections: 4 })
    let deadlocks = 0
    const counting = (store: typeof second) => ({
      ...store,
      transact: <T>(work: Parameters<typeof store.transact<T>>[0]) => {
        let tries = 0
        return store.transact<T>((tx) => {
          if (++tries > 1) deadlocks++
          return work(tx)
        })
      },
    })
    const [here, there] = [createTransferBatcher(counting(db.store)), createTransferBatcher(counting(second))]
    const steps = Array.from({ length: 120 }, (_, n) => n)
    await Promise.all([
      ...steps.map((n) => here(pay(purse(parties[n % 6] as string), purse(parties[(n + 1) % 6] as string), 1n))),
      ...steps.map((n) => there(pay(purse(parties[(n + 1) % 6] as string), purse(parties[n % 6] as string), 1n))),
    ])
    await second.close()
    expect(deadlocks).toBe(0)
    expect(await balancesOf(db.store.read, parties.map(purse))).toEqual(parties.map(() => 1000n))
  })
})

describe('statement', () => {
  test('pages without gaps or doubles, newest first, while money keeps moving', async () => {
    const [a, b] = [await party(10_000n), await party(0n)]
    const settled = (await statement(db.store.read, { account: purse(a), limit: 100 })).length
    for (let n = 1; n <= 25; n++) await posting(pay(purse(a), purse(b), BigInt(n)))
    const seen: StatementLine[] = []
    let before: bigint | undefined
    for (;;) {
      const page = await statement(db.store.read, {
        account: purse(a),
        limit: 7,
        ...(before === undefined ? {} : { before }),
      })
      if (page.length === 0) break
      seen.push(...page)
      before = page.at(-1)?.transferId
      await posting(pay(purse(a), purse(b), 1000n))
    }
    expect(seen).toHaveLength(25 + settled)
    expect(seen.slice(0, 25).map(({ amount }) => amount)).toEqual(Array.from({ length: 25 }, (_, n) => BigInt(n - 25)))
    expect(seen.map(({ transferId }) => transferId)).toEqual(
      [...new Set(seen.map(({ transferId }) => transferId))].sort((x, y) => (x < y ? 1 : -1)),
    )
  })

  test('a transfer is one line with its net, whatever it is made of', async () => {
    const [a, b] = [await party(100n), await party(0n)]
    const postings = [
      { from: purse(a), to: purse(b), amount: 10n },
      { from: purse(a), to: purse(b), amount: 5n },
      { from: purse(b), to: purse(a), amount: 2n },
    ]
    const transfer = { key: newId(), reason: 'swap', subject: 'thing', postings }
    await posting(transfer)
    const { key, reason, subject } = transfer
    expect((await statement(db.store.read, { account: purse(b), limit: 5 }))[0]).toMatchObject({
      key,
      reason,
      subject,
      amount: 13n,
    })
    expect((await statement(db.store.read, { account: purse(a), limit: 1 }))[0]).toMatchObject({ key, amount: -13n })
  })

  test('it agrees with the balance and with every page size, for any moves', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aTransfer, { minLength: 1, maxLength: 15 }),
        fc.integer({ min: 1, max: 6 }),
        async (moves, limit) => {
          const { ids, tag } = await smallWorld()
          await db.store.transact((tx) =>
            postEach(
              tx,
              moves.map((one, n) => ({ ...toTransfer(one, ids, tag), key: `${tag}:${n}` })),
            ),
          )
          for (const account of ids.slice(0, 5)) {
            const whole = await statement(db.store.read, { account, limit: 1000 })
            const paged: StatementLine[] = []
            for (let page = whole.slice(0, 0), before = 2n ** 62n; ; before = page.at(-1)?.transferId as bigint) {
              page = await statement(db.store.read, { account, limit, before })
              if (page.length === 0) break
              paged.push(...page)
            }
            expect(paged).toEqual(whole)
            expect(whole.reduce((sum, { amount }) => sum + amount, 0n)).toBe(await balanceOf(db.store.read, account))
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})

describe('immutability', () => {
  test('the database itself refuses to change or remove what was written', async () => {
    const [a, b] = [await party(10n), await party(0n)]
    await posting(pay(purse(a), purse(b), 1n))
    const forbidden = [
      sql`update transfer set reason = 'other'`,
      sql`update entry set amount = amount + 1`,
      sql`delete from transfer`,
      sql`delete from entry`,
      sql`truncate transfer`,
      sql`truncate entry`,
      sql`truncate transfer, entry cascade`,
      sql`insert into transfer (id, key, reason, subject, at) select id, key, 'other', subject, at from transfer on conflict (id) do update set reason = 'other'`,
    ]
    for (const statement of forbidden) {
      await expect(db.store.transact((tx) => tx.run(statement))).rejects.toThrow(/is append-only/)
    }
  })

  test('no account falls below its floor by any statement, and a summed one keeps no balance of its own', async () => {
    const a = await party(10n)
    const below = db.store.transact((tx) => tx.run(sql`update account set balance = -1 where id = ${purse(a)}`))
    await expect(below).rejects.toThrow(/account_not_overdrawn/)
    const kept = db.store.transact((tx) =>
      tx.run(sql`update account set balance = 1 where id = ${world('USDC', 'test')}`),
    )
    await expect(kept).rejects.toThrow(/summed_has_no_balance/)
  })
})
