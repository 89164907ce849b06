import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seeds } from '#tests/crash/dice'
import type { Reply } from '#tests/crash/wire'
import { type Arena, openArena, type Racer, statuses, times, untilFinal } from './arena.ts'

const RACERS = 50
const FEE = 100_000n

let arena: Arena

beforeAll(async () => {
  arena = await openArena()
}, 90_000)

afterAll(async () => {
  await arena.rest()
  await arena.booksAreClean()
  await arena.close()
}, 120_000)

const paidTo = (address: string) => arena.market.chain.balance(address)
const rounds = seeds(1, 50)

describe.each(rounds)('money leaves once (seed %i)', () => {
  test('D-14 of fifty withdrawals of the whole balance one wins', { timeout: 60_000 }, async () => {
    const agent = await arena.agent(10_000_000n)
    const withdraw = () => agent.post('/api/v1/wallet/withdraw', { amount: 10_000_000 })
    const replies = await arena.atOnce(times(RACERS, () => withdraw))
    expect(statuses(replies)).toEqual({ 200: 1, 400: RACERS - 1 })
    expect(replies.filter(({ body }) => body.code === 'insufficient_funds')).toHaveLength(RACERS - 1)
    await arena.rest()
    expect(await paidTo(agent.payoutWallet.address)).toBe(10_000_000n - FEE)
    expect(await agent.available()).toBe(0n)
  })

  test('D-14 fifty copies of one withdrawal pay once, and get one answer fifty times', {
    timeout: 60_000,
  }, async () => {
    const agent = await arena.agent(30_000_000n)
    const headers = { 'idempotency-key': randomUUID() }
    const withdraw = () => agent.post('/api/v1/wallet/withdraw', { amount: '5000000' }, headers)
    const replies = await arena.atOnce(times(RACERS, () => withdraw))
    expect(statuses(replies)).toEqual({ 200: RACERS })
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    await arena.rest()
    expect(await paidTo(agent.payoutWallet.address)).toBe(5_000_000n - FEE)
    expect(await agent.available()).toBe(25_000_000n)
  })

  test('JP-148 D-32 of twenty panics one sends everything', { timeout: 60_000 }, async () => {
    const agent = await arena.agent(20_000_000n)
    const replies = await arena.atOnce(times(20, () => () => agent.post('/api/v1/wallet/panic')))
    expect(replies.filter(({ status }) => status === 200).map(({ body }) => body.amountWithdrawn)).toEqual(['20000000'])
    expect(replies.filter(({ status }) => ![200, 400, 429].includes(status))).toEqual([])
    await arena.rest()
    expect(await paidTo(agent.emergencyWallet.address)).toBe(20_000_000n)
  })

  test('D-32 however many panics ask at once, at most three a day are paid out', { timeout: 60_000 }, async () => {
    const agent = await arena.agent(1_000_000n)
    const [seller, buyer] = await Promise.all([agent, arena.agent(20_000_000n)])
    const serviceId = await arena.service(seller, { maxConcurrentJobs: 100 })
    const jobs = await Promise.all(times(10, () => arena.hire(buyer, serviceId)))
    for (const job of jobs) await seller.post(`/api/v1/jobs/${job}/deliver`, { output: {} })
    // Money comes in while panic after panic sends it away.
    const asks = jobs.flatMap((job) => [
      () => buyer.post(`/api/v1/jobs/${job}/accept-delivery`),
      ...times(4, () => () => agent.post('/api/v1/wallet/panic')),
    ])
    const replies = await arena.atOnce(asks)
    const paid = replies.filter(({ status, body }) => status === 200 && body.amountWithdrawn !== undefined)
    expect(paid.length).toBeLessThanOrEqual(3)
    await arena.rest()
    const sent = paid.reduce((sum, { body }) => sum + BigInt(body.amountWithdrawn), 0n)
    expect(await paidTo(agent.emergencyWallet.address)).toBe(sent)
    expect((await agent.available()) + sent).toBe(6_000_000n)
  })

  test('D-14 withdrawals, hires and a panic at once never spend a micro-unit twice', { timeout: 60_000 }, async () => {
    const [agent, seller] = await Promise.all([arena.agent(12_000_000n), arena.agent(0n)])
    const serviceId = await arena.service(seller, { maxConcurrentJobs: 100, pricePerJob: 1_000_000 })
    const replies = await arena.atOnce([
      ...times(16, () => () => agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })),
      ...times(24, () => () => agent.post('/api/v1/jobs', { type: 'direct', serviceId, input: {} })),
      ...times(4, () => () => agent.post('/api/v1/wallet/panic')),
    ])
    expect(Object.keys(statuses(replies)).every((status) => ['200', '201', '400', '429'].includes(status))).toBe(true)
    await arena.rest()
    const { available, escrowed, pending } = (await agent.get('/api/v1/wallet/balance')).body
    const paid = await paidTo(agent.payoutWallet.address)
    const withdrawals = replies.filter(({ body }) => body.netAmount !== undefined).length
    const rescued = await paidTo(agent.emergencyWallet.address)
    const left = BigInt(available) + BigInt(escrowed) + BigInt(pending)
    expect(left + paid + rescued + FEE * BigInt(withdrawals)).toBe(12_000_000n)
  })
})

describe.each(rounds)('money enters once (seed %i)', () => {
  test('JP-33 D-17 eight confirm-deposits at once credit a deposit once and report it once', {
    timeout: 60_000,
  }, async () => {
    const agent = await arena.agent(1_000_000n)
    await arena.market.chain.send(agent.personal, agent.depositAddress, 7_654_321n)
    await untilFinal(arena, agent.depositAddress, 7_654_321n)
    const confirm = () => agent.post('/api/v1/wallet/confirm-deposit')
    const replies: Reply[] = []
    while (replies.every(({ body }) => body.depositsFound === 0)) {
      replies.push(...(await arena.atOnce([...times(8, () => confirm), () => agent.get('/api/v1/wallet/balance')])))
    }
    const reports = replies.filter(({ body }) => body.depositsFound > 0)
    expect(reports.map(({ body }) => [body.depositsFound, body.totalCredited])).toEqual([[1, '7654321']])
    expect(await agent.available()).toBe(8_654_321n)
    expect(statuses(replies)).toEqual({ 200: replies.length })
  })

  test('JP-25 an activation fee is taken once, however many ask while the first deposit arrives', {
    timeout: 60_000,
  }, async () => {
    const agent = await arena.agent(3_000_000n)
    await Promise.all(times(8, () => agent.post('/api/v1/wallet/confirm-deposit')))
    expect(await agent.available()).toBe(3_000_000n)
    const { transactions } = (await agent.get('/api/v1/wallet/transactions?type=fee')).body
    expect(transactions).toHaveLength(1)
  })
})

describe.each(rounds)('keys (seed %i)', () => {
  const KEYS = 6

  test('JP-13 keys that revoke one another at once always leave one', { timeout: 60_000 }, async () => {
    const agent = await arena.agent(0n)
    const made = await Promise.all(times(KEYS - 1, (n) => agent.post('/api/v1/auth/keys', { name: `key ${n}` })))
    const keys = [agent.key, ...made.map(({ body }) => body.apiKey as string)]
    const ids = [agent.registered.body.keyId, ...made.map(({ body }) => body.keyId)]
    const revoke = (key: string, id: string) => () =>
      arena.market.ask({ method: 'DELETE', path: `/api/v1/auth/keys/${id}`, key })
    // Everybody revokes everybody, itself last.
    const asks = keys.flatMap((key, by) => times(KEYS, (n) => revoke(key, ids[(by + n + 1) % KEYS])))
    const replies = await arena.atOnce(asks)
    expect(Object.keys(statuses(replies)).filter((status) => !['200', '400', '401', '404'].includes(status))).toEqual(
      [],
    )
    const alive = await Promise.all(keys.map((key) => worksStill(agent, key)))
    expect(alive.filter(Boolean)).toHaveLength(1)
    expect(statuses(replies)[200]).toBe(KEYS - 1)
  })

  test('JP-6 of fifty registrations of one name one wins', { timeout: 60_000 }, async () => {
    const name = `wanted-${randomUUID().slice(0, 8)}`
    const register = (n: number) => () =>
      arena.market.ask({
        method: 'POST',
        path: '/api/v1/auth/register',
        body: { name: n % 2 === 0 ? name : name.toUpperCase() },
      })
    const replies = await arena.atOnce(times(RACERS, register))
    expect(statuses(replies)).toEqual({ 201: 1, 409: RACERS - 1 })
  })

  async function worksStill(agent: Racer, key: string): Promise<boolean> {
    const { status, body } = await arena.market.ask({ method: 'GET', path: '/api/v1/auth/verify', key })
    return status === 200 && body.agentId === agent.id
  }
})
