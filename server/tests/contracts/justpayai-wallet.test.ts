import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type TestAgent, type World } from '#tests/world'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const USDC = 1_000_000n

/** Pays from a wallet of its own and waits for finality; answers the wallet. */
async function deposit(agent: TestAgent, amount: bigint, from?: { address: string; secretKey: string }) {
  const wallet = from ?? (await world.chain.wallet(amount))
  await world.chain.send(wallet, agent.depositAddress, amount)
  await world.chain.finalize()
  return wallet
}

/** Runs the background until a withdrawal has reached one of these states. */
async function follow(agent: TestAgent, id: string, states = ['confirmed', 'failed', 'cancelled']) {
  const end = Date.now() + 15_000
  for (;;) {
    await world.settle()
    const { body } = await agent.get(`/api/v1/wallet/withdrawals/${id}`)
    if (states.includes(body.status)) return body
    if (Date.now() > end) throw new Error(`the withdrawal is still ${JSON.stringify(body)}`)
    await world.chain.finalize()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function balanceOf(agent: TestAgent) {
  return (await agent.get('/api/v1/wallet/balance')).body
}

describe('activation', () => {
  test('JP-24, JP-25, JP-26, JP-30, JP-32 a first deposit of 10 USDC activates and credits 9', async () => {
    const agent = await world.agent()
    const source = await deposit(agent, 10n * USDC)
    const { status, body } = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(status).toBe(200)
    expect(body).toEqual({
      message: '1 deposit(s) credited to your account',
      depositsFound: 1,
      totalCredited: '9000000',
      activationFee: '1000000',
      activated: true,
      emergencyAddress: source.address,
      action: {
        type: 'set_withdrawal_address',
        suggestedAddress: source.address,
        message: expect.stringContaining('Set your withdrawal address to receive funds'),
      },
    })
    expect(await balanceOf(agent)).toMatchObject({ available: '9000000', total: '9000000' })
    expect((await agent.get('/api/v1/agents/me')).body).toMatchObject({ activated: true })
  })

  test('JP-24 smaller deposits add up to an activation', async () => {
    const agent = await world.agent()
    await deposit(agent, 600_000n)
    const first = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(first.body).toMatchObject({ depositsFound: 1, totalCredited: '600000', activated: false })
    await deposit(agent, 700_000n)
    const second = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(second.body).toMatchObject({ depositsFound: 1, totalCredited: '0', activated: true })
    expect(await balanceOf(agent)).toMatchObject({ available: '300000' })
  })

  test('JP-27 the fee is taken once and never again', async () => {
    const agent = await world.agent({ funds: 5n * USDC })
    await deposit(agent, 2n * USDC)
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({
      totalCredited: '2000000',
      activationFee: '0',
    })
    expect(await balanceOf(agent)).toMatchObject({ available: '7000000' })
  })
})

describe('deposits', () => {
  test('JP-31 nothing new is said in the documented words', async () => {
    const agent = await world.agent()
    expect((await agent.post('/api/v1/wallet/confirm-deposit', {})).body).toEqual({
      message: 'No new deposits found. Make sure your USDC transfer is confirmed on-chain before retrying.',
      depositsFound: 0,
    })
  })

  test('JP-33 eight confirmations at once credit and report a deposit once', async () => {
    const agent = await world.agent()
    await deposit(agent, 3n * USDC)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        i % 2 === 0 ? agent.post('/api/v1/wallet/confirm-deposit') : agent.get('/api/v1/wallet/balance'),
      ),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const reported = answers.reduce((sum, { body }) => sum + (body.depositsFound ?? 0), 0)
    const late = (await agent.post('/api/v1/wallet/confirm-deposit')).body.depositsFound
    expect(reported + late).toBe(1)
    expect(await balanceOf(agent)).toMatchObject({ available: '2000000' })
  })

  test('JP-34 asking for the balance credits too, and confirm-deposit still tells of it once', async () => {
    const agent = await world.agent()
    await deposit(agent, 4n * USDC)
    expect(await balanceOf(agent)).toMatchObject({ available: '3000000' })
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({ depositsFound: 1 })
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({ depositsFound: 0 })
  })

  test('the background credits without anybody asking', async () => {
    const agent = await world.agent()
    await deposit(agent, 2n * USDC)
    const end = Date.now() + 10_000
    while ((await agent.available()) === 0n && Date.now() < end) {
      await world.settle()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(await agent.available()).toBe(USDC)
  })

  test('JP-35 the deposit address is the one registration answered', async () => {
    const agent = await world.agent()
    expect((await agent.get('/api/v1/wallet/deposit-address')).body).toEqual({
      address: agent.depositAddress,
      network: 'solana',
      token: 'USDC',
    })
  })

  test('JP-32 the action is gone once a withdrawal address is set', async () => {
    const agent = await world.agent({ funds: USDC })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    await deposit(agent, USDC)
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body.action).toBeUndefined()
  })
})

describe('the emergency address', () => {
  test('JP-28, D-32 the first source of at least 1 USDC stays it for ever', async () => {
    const agent = await world.agent()
    const owner = await deposit(agent, 2n * USDC)
    await deposit(agent, 50n * USDC)
    await agent.post('/api/v1/wallet/confirm-deposit')
    expect((await agent.get('/api/v1/agents/me')).body.emergencyAddress).toBe(owner.address)
  })

  test("D-32 a stranger's dust before the owner's deposit changes nothing", async () => {
    const agent = await world.agent()
    await deposit(agent, 900_000n)
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({
      depositsFound: 1,
      emergencyAddress: null,
    })
    const owner = await deposit(agent, 5n * USDC)
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body.emergencyAddress).toBe(owner.address)
  })
})

describe('the withdrawal address', () => {
  test('JP-140, JP-141, JP-138 the first has no cooldown, a change a day, with a warning', async () => {
    const agent = await world.agent({ funds: 20n * USDC })
    const [first, second] = [await world.chain.wallet(0n), await world.chain.wallet(0n)]
    expect((await agent.put('/api/v1/wallet/withdrawal-address', { address: first.address })).body).toEqual({
      message: 'Withdrawal address set',
      cooldownUntil: null,
    })
    expect((await balanceOf(agent)).warnings).toBeUndefined()
    const changed = await agent.put('/api/v1/wallet/withdrawal-address', { address: second.address })
    expect(changed.body.message).toBe('Withdrawal address changed. 24h security cooldown started.')
    const now = await world.souk.store.now()
    const until = new Date(changed.body.cooldownUntil).getTime()
    expect(Math.abs(until - now.getTime() - 86_400_000)).toBeLessThan(5000)
    expect(await balanceOf(agent)).toMatchObject({
      withdrawalAddress: second.address,
      warnings: [expect.stringContaining('Security alert: Withdrawal address was changed')],
    })
    const early = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    expect(early).toMatchObject({ status: 403, body: { code: 'address_cooldown' } })
    await world.pass(86_400)
    expect((await balanceOf(agent)).warnings).toBeUndefined()
    expect((await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })).status).toBe(200)
  })

  test('D-34 changing back waits just as long', async () => {
    const agent = await world.agent()
    const [first, second] = [await world.chain.wallet(0n), await world.chain.wallet(0n)]
    for (const { address } of [first, second, first]) await agent.put('/api/v1/wallet/withdrawal-address', { address })
    expect((await balanceOf(agent)).warnings).toHaveLength(1)
  })

  test('D-34 two first addresses at once: one of them waits', async () => {
    const agent = await world.agent()
    const wallets = await Promise.all([world.chain.wallet(0n), world.chain.wallet(0n)])
    const answers = await Promise.all(
      wallets.map(({ address }) => agent.put('/api/v1/wallet/withdrawal-address', { address })),
    )
    expect(answers.filter(({ body }) => body.cooldownUntil === null)).toHaveLength(1)
  })

  test('D-34 only a wallet of somebody else will do', async () => {
    const agent = await world.agent({ funds: USDC })
    const set = async (address: string) => (await agent.put('/api/v1/wallet/withdrawal-address', { address })).body.code
    const { value } = await world.chain.call<{ value: { pubkey: string }[] }>(
      'getTokenAccountsByOwner',
      agent.wallet.address,
      { mint: world.chain.mint },
      { encoding: 'base64' },
    )
    expect(await set('nonsense')).toBe('address_malformed')
    expect(await set('0x52908400098527886E0F7030069857D2E4169EE7')).toBe('address_malformed')
    expect(await set(value[0]?.pubkey ?? '')).toBe('address_not_a_wallet')
    expect(await set(world.chain.mint)).toBe('address_not_a_wallet')
    expect(await set('11111111111111111111111111111111')).toBe('address_not_a_wallet')
    expect(await set('Vote111111111111111111111111111111111111111')).toBe('address_not_a_wallet')
    expect(await set(agent.depositAddress)).toBe('address_is_ours')
    expect(await set((await world.agent()).depositAddress)).toBe('address_is_ours')
  })
})

describe('withdrawals', () => {
  test('JP-137, JP-139, JP-144, JP-146, JP-147 5 USDC go pending, 4.90 arrive, within seconds', async () => {
    const agent = await world.agent({ funds: 9n * USDC })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    const before = Date.now()
    const { status, body } = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        message: 'Withdrawal queued for processing',
        transactionId: expect.any(String),
        fee: '100000',
        netAmount: '4900000',
      },
    })
    expect(await balanceOf(agent)).toMatchObject({ available: '4000000', pending: '5000000', total: '9000000' })
    const done = await follow(agent, body.transactionId)
    expect(Date.now() - before).toBeLessThan(10_000)
    expect(done).toMatchObject({ status: 'confirmed', netAmount: '4900000', address: agent.wallet.address })
    expect(await world.chain.balance(agent.wallet.address)).toBe(4_900_000n)
    expect(await balanceOf(agent)).toMatchObject({ available: '4000000', pending: '0', total: '4000000' })
    expect((await agent.get('/api/v1/wallet/withdrawals')).body).toMatchObject({
      withdrawals: [{ id: body.transactionId, txHash: done.txHash }],
      pagination: { total: 1 },
    })
  })

  test('JP-143 the documentation’s example of 1 USDC is below the minimum', async () => {
    const agent = await world.agent({ funds: 9n * USDC })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    const refused = await agent.post('/api/v1/wallet/withdraw', { amount: 1_000_000 })
    expect(refused).toMatchObject({ status: 400, body: { code: 'below_minimum' } })
    expect((await agent.post('/api/v1/wallet/withdraw', { amount: 4_999_999 })).status).toBe(400)
  })

  test('without an address, without the money, with a destination of its own: refused', async () => {
    const agent = await world.agent({ funds: 9n * USDC })
    const withdraw = (body: object) => agent.post('/api/v1/wallet/withdraw', body)
    expect(await withdraw({ amount: 5_000_000 })).toMatchObject({
      status: 400,
      body: { code: 'no_withdrawal_address' },
    })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    expect(await withdraw({ amount: '9000001' })).toMatchObject({ status: 400, body: { code: 'insufficient_funds' } })
    expect((await withdraw({ amount: 5_000_000, address: agent.wallet.address })).status).toBe(400)
    for (const amount of [true, null, '5e6', [5_000_000], 5_000_000.5, -5_000_000, '5000000.0'])
      expect((await withdraw({ amount })).status).toBe(400)
    expect(await balanceOf(agent)).toMatchObject({ available: '9000000', pending: '0' })
  })

  test('D-34 a wallet without a USDC account is told how to open one', async () => {
    const agent = await world.agent({ funds: 9n * USDC })
    const { address } = await world.chain.emptyWallet()
    expect((await agent.put('/api/v1/wallet/withdrawal-address', { address })).status).toBe(200)
    const refused = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    expect(refused).toMatchObject({ status: 400, body: { code: 'recipient_token_account_missing' } })
  })

  test('D-14 a retry with the same key is the same withdrawal', async () => {
    const agent = await world.agent({ funds: 20n * USDC })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    const headers = { 'idempotency-key': 'withdraw-once-0001' }
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 }, headers)),
    )
    expect(new Set(answers.map(({ body }) => body.transactionId)).size).toBe(1)
    expect(await balanceOf(agent)).toMatchObject({ available: '15000000', pending: '5000000' })
  })

  test('nobody sees or cancels a withdrawal of somebody else', async () => {
    const agent = await world.agent({ funds: 9n * USDC })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    const { body } = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    const other = await world.agent()
    expect((await other.get(`/api/v1/wallet/withdrawals/${body.transactionId}`)).status).toBe(404)
    expect((await other.post(`/api/v1/wallet/withdrawals/${body.transactionId}/cancel`)).status).toBe(404)
    const own = await agent.post(`/api/v1/wallet/withdrawals/${body.transactionId}/cancel`)
    expect(own).toMatchObject({ status: 409, body: { code: 'withdrawal_not_cancellable' } })
  })
})

describe('panic', () => {
  test('JP-148, JP-149, JP-150 everything available goes to the emergency address, past any cooldown', async () => {
    const agent = await world.agent({ funds: 4_500_000n })
    const [mine, thief] = [await world.chain.wallet(0n), await world.chain.wallet(0n)]
    for (const { address } of [mine, thief]) await agent.put('/api/v1/wallet/withdrawal-address', { address })
    const { status, body } = await agent.post('/api/v1/wallet/panic')
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        message: expect.stringMatching(/^Your funds have been sent to your original deposit wallet\./),
        emergencyAddress: agent.wallet.address,
        amountWithdrawn: '4500000',
        transactionId: expect.any(String),
      },
    })
    expect(await follow(agent, body.transactionId)).toMatchObject({ status: 'confirmed', fee: '0' })
    expect(await world.chain.balance(agent.wallet.address)).toBe(4_500_000n)
    expect((await agent.get('/api/v1/auth/verify')).body).toMatchObject({ valid: true })
    await deposit(agent, 2n * USDC)
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({ totalCredited: '2000000' })
  })

  test('D-32 without an emergency address outgoing money is frozen for a day', async () => {
    const agent = await world.agent()
    await world.chain.give(agent.depositAddress, 9n * USDC)
    await world.chain.finalize()
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({ emergencyAddress: null })
    await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
    const frozen = await agent.post('/api/v1/wallet/panic')
    expect(frozen).toMatchObject({ status: 409, body: { code: 'no_emergency_address', until: expect.any(String) } })
    const withdrawal = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    expect(withdrawal).toMatchObject({ status: 409, body: { code: 'outgoing_frozen' } })
    await world.pass(86_400)
    expect((await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })).status).toBe(200)
  })

  test('D-32 at least 0.10 USDC, at most three a day', async () => {
    const agent = await world.agent({ funds: 99_999n })
    expect(await agent.post('/api/v1/wallet/panic')).toMatchObject({ status: 400, body: { code: 'nothing_to_rescue' } })
    for (let i = 0; i < 3; i++) {
      await deposit(agent, 200_000n)
      await agent.post('/api/v1/wallet/confirm-deposit')
      expect((await agent.post('/api/v1/wallet/panic')).status).toBe(200)
    }
    await deposit(agent, 200_000n)
    await agent.post('/api/v1/wallet/confirm-deposit')
    expect(await agent.post('/api/v1/wallet/panic')).toMatchObject({ status: 429, body: { code: 'too_many_panics' } })
    await world.pass(86_400)
    expect((await agent.post('/api/v1/wallet/panic')).status).toBe(200)
  })

  test('D-32 cancelOrders first takes undelivered orders back', async () => {
    const [buyer, seller] = [await world.agent({ funds: 5n * USDC }), await world.agent({ funds: USDC })]
    const serviceId = await world.service(seller)
    const job = await buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } })
    expect(job.status).toBe(201)
    expect(await balanceOf(buyer)).toMatchObject({ available: '4485000', escrowed: '515000', total: '5000000' })
    const { body } = await buyer.post('/api/v1/wallet/panic', { cancelOrders: true })
    expect(body.amountWithdrawn).toBe('5000000')
  })
})

describe('history', () => {
  test('JP-151, JP-152 every kind of movement, filtered and paged', async () => {
    const [buyer, seller] = [await world.agent({ funds: 9n * USDC }), await world.agent({ funds: USDC })]
    const serviceId = await world.service(seller)
    const { body: job } = await buyer.post('/api/v1/jobs', { type: 'direct', serviceId, input: { text: 'x' } })
    await seller.post(`/api/v1/jobs/${job.id}/deliver`, { output: { bullets: ['y'] } })
    await buyer.post(`/api/v1/jobs/${job.id}/accept-delivery`)
    await buyer.put('/api/v1/wallet/withdrawal-address', { address: buyer.wallet.address })
    const { body: withdrawal } = await buyer.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
    const { txHash } = await follow(buyer, withdrawal.transactionId)

    const list = async (agent: TestAgent, query = '') => (await agent.get(`/api/v1/wallet/transactions${query}`)).body
    const all = await list(buyer)
    expect(all.transactions.map((line: { type: string }) => line.type)).toEqual([
      'withdrawal',
      'spent',
      'escrow_lock',
      'fee',
      'deposit',
    ])
    expect(all.pagination).toEqual({ page: 1, limit: 20, total: 5, totalPages: 1 })
    expect(all.transactions).toMatchObject([
      { id: withdrawal.transactionId, amount: '5000000', balanceChange: '-5000000', status: 'completed', txHash },
      { amount: '515000', direction: 'none', balanceChange: '0', jobId: job.id },
      { amount: '515000', direction: 'out', jobId: job.id },
      { amount: '1000000', direction: 'out' },
      { amount: '10000000', direction: 'in', txHash: expect.any(String) },
    ])
    expect((await list(seller, '?type=earned')).transactions).toMatchObject([{ amount: '500000', jobId: job.id }])
    expect((await list(buyer, '?type=spent')).transactions).toHaveLength(1)
    expect((await list(buyer, '?type=deposit')).pagination.total).toBe(1)
    const second = await list(buyer, '?page=2&limit=2')
    expect(second.transactions.map((line: { type: string }) => line.type)).toEqual(['escrow_lock', 'fee'])
    expect(second.pagination).toEqual({ page: 2, limit: 2, total: 5, totalPages: 3 })
    expect((await buyer.get('/api/v1/wallet/transactions?type=theft')).status).toBe(400)
  })
})

test('D-18 afterwards the chain covers the books', async () => {
  await world.chain.finalize()
  const audit = await world.souk.wallet.wallet.audit()
  expect(audit).toMatchObject({ covered: true, differences: [] })
})
