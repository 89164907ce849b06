import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#kernel/id'
import { openWorld, type TestAgent, type World } from './world.ts'

let world: World
let agent: TestAgent
beforeAll(async () => {
  world = await openWorld()
  agent = await world.agent({ funds: 10_000_000n })
})
afterAll(() => world.close())

const admin = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) =>
  world.call(method, `/api/v1/admin${path}`, { key: world.operatorKey, ...(body === undefined ? {} : { body }) })

describe('the operator', () => {
  test("alone may enter: no key is 401, an agent's key is 403", async () => {
    const paths = ['/findings', '/payouts', '/webhooks/deliveries']
    for (const path of paths) {
      expect((await world.call('GET', `/api/v1/admin${path}`)).status).toBe(401)
      expect((await agent.get(`/api/v1/admin${path}`)).status).toBe(403)
      expect((await admin('GET', path)).status).toBe(200)
    }
  })

  test('D-35 suspends an agent: it strikes no new bargain in either role, its open jobs run on', async () => {
    const [buyer, seller] = [await world.agent({ funds: 5_000_000n }), await world.agent({ funds: 0n })]
    const serviceId = await world.service(seller)
    const job = { type: 'direct', serviceId, input: { text: 'x' } }
    const open = (await buyer.post('/api/v1/jobs', job)).body
    const suspended = await admin('PATCH', `/agents/${seller.id}`, { suspended: true })
    expect(suspended.body).toEqual({
      agentId: seller.id,
      verified: false,
      suspended: true,
      payoutWallet: null,
      solanaWallet: null,
    })
    const refused = await buyer.post('/api/v1/jobs', job)
    expect([refused.status, refused.body.code]).toEqual([403, 'party_suspended'])
    const output = { bullets: [] }
    expect((await seller.post(`/api/v1/jobs/${open.id}/deliver`, { output })).status).toBe(200)
    expect((await buyer.post(`/api/v1/jobs/${open.id}/accept-delivery`)).status).toBe(200)
    await admin('PATCH', `/agents/${seller.id}`, { suspended: false })
    expect((await buyer.post('/api/v1/jobs', job)).status).toBe(201)
  })

  test('JP-103 verifies an agent: the badge counts in its score', async () => {
    const before = (await agent.get(`/api/v1/agents/${agent.id}`)).body.trustScore
    expect((await admin('PATCH', `/agents/${agent.id}`, { verified: true })).body.verified).toBe(true)
    const after = (await agent.get(`/api/v1/agents/${agent.id}`)).body.trustScore
    expect(after - before).toBeCloseTo(0.1)
  })

  test('cannot change an agent that does not exist, nor nothing at all', async () => {
    expect((await admin('PATCH', `/agents/${newId()}`, { verified: true })).status).toBe(404)
    expect((await admin('PATCH', '/agents/no-id', { verified: true })).status).toBe(404)
    expect((await admin('PATCH', `/agents/${agent.id}`, {})).status).toBe(400)
  })

  test('D-2, PA-19 frees a wallet that was named by somebody whose it is not', async () => {
    const walletAddress = `0x${'7b'.repeat(20)}`
    const register = () =>
      world.call('POST', '/api/v1/agents', { body: { name: 'Seller', description: 'Sells', walletAddress } })
    const squatter = (await register()).body.agentId
    expect((await register()).body.code).toBe('wallet_taken')
    const taken = await admin('PATCH', `/agents/${agent.id}`, { payoutWallet: `0x${'7B'.repeat(20)}` })
    expect([taken.status, taken.body.code]).toEqual([409, 'wallet_taken'])
    expect((await admin('PATCH', `/agents/${squatter}`, { payoutWallet: 'mine' })).body.code).toBe('wallet_invalid')
    expect((await admin('PATCH', `/agents/${squatter}`, { payoutWallet: null })).body.payoutWallet).toBeNull()
    const owner = (await register()).body.agentId
    expect((await world.call('GET', `/api/v1/agents/${owner}`)).body.walletAddress).toBe(walletAddress)
    const lost = await admin('PATCH', `/agents/${owner}`, { payoutWallet: `0x${'8c'.repeat(20)}` })
    expect(lost.body).toMatchObject({ agentId: owner, payoutWallet: `0x${'8c'.repeat(20)}` })
  })

  test('sees payouts under way and ended, and findings', async () => {
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    const open = (await admin('GET', '/payouts')).body
    const mine = { partyId: agent.id, kind: 'withdrawal', amount: '5000000', netAmount: '4900000' }
    expect(open.payouts[0]).toMatchObject(mine)
    expect((await admin('POST', `/payouts/${open.payouts[0].id}/retry`)).status).toBe(200)
    expect((await admin('POST', `/payouts/${newId()}/retry`)).status).toBe(404)
    expect((await admin('GET', '/findings?all=true')).body.pagination.page).toBe(1)
    expect((await admin('POST', `/findings/${newId()}/resolve`, { note: 'seen' })).status).toBe(404)
  })
})

describe("the operator's money", () => {
  const MARKET = JSON.stringify({ withdrawalMinMicros: 2_000_000 })
  let bank: World
  beforeAll(async () => {
    bank = await openWorld({ market: MARKET })
  })
  afterAll(() => bank.close())

  const treasury = async () => (await bank.call('GET', '/api/v1/admin/wallet', { key: bank.operatorKey })).body
  const payOut = (address: string, headers: Record<string, string> = {}) =>
    bank.call('POST', '/api/v1/admin/fees/payout', { key: bank.operatorKey, body: { address }, headers })

  test('D-34 the hot wallet is shown with what it holds, its gas and what was earned', async () => {
    await bank.agent({ funds: 5_000_000n })
    await bank.settle()
    const collected = async () => ((await treasury()).hotWallets[0].spendable === '6000000' ? treasury() : undefined)
    const { hotWallets, revenue } = await bank.until(collected)
    const { rail } = bank.souk.wallet.wallet
    expect(revenue).toBe('1000000')
    expect(hotWallets).toEqual([
      {
        network: 'solana',
        ...rail.hotWallet,
        spendable: '6000000',
        feePayer: rail.feePayer,
        feeBalance: expect.stringMatching(/^[1-9]\d+$/),
        canPayFees: true,
      },
    ])
    for (const [key, status] of [
      [undefined, 401],
      [(await bank.agent()).key, 403],
    ] as const)
      for (const path of ['/wallet', '/fees/payout']) {
        const method = path === '/wallet' ? 'GET' : 'POST'
        expect((await bank.call(method, `/api/v1/admin${path}`, key === undefined ? {} : { key })).status).toBe(status)
      }
  })

  test('fees are paid out to a wallet that can receive them, all of them and once', async () => {
    const mine = (await bank.chain.wallet(0n)).address
    expect((await payOut(mine)).body).toMatchObject({ code: 'no_revenue', earned: '1000000' })
    await bank.agent({ funds: 0n })
    const { hotWallets } = await treasury()
    const wrong: [address: string, code: string][] = [
      ['nowhere', 'address_malformed'],
      [hotWallets[0].address, 'address_is_ours'],
      [(await bank.agent()).depositAddress, 'address_is_ours'],
    ]
    for (const [address, code] of wrong) expect((await payOut(address)).body).toMatchObject({ status: 400, code })
    const headers = { 'idempotency-key': newId() }
    const paid = await payOut(mine, headers)
    expect(paid).toMatchObject({ status: 201, body: { network: 'solana', address: mine, amount: '2000000' } })
    expect((await payOut(mine, headers)).body).toEqual(paid.body)
    expect((await payOut(mine)).body.code).toBe('no_revenue')
    await bank.settle()
    expect(await bank.until(async () => ((await bank.chain.balance(mine)) === 2_000_000n ? true : undefined))).toBe(
      true,
    )
    expect((await treasury()).revenue).toBe('0')
    const { payouts } = (await bank.call('GET', '/api/v1/admin/payouts?all=true', { key: bank.operatorKey })).body
    const fees = payouts.filter(({ kind }: { kind: string }) => kind === 'fees')
    expect(fees).toMatchObject([{ id: paid.body.payoutId, partyId: null, amount: '2000000' }])
  })
})
