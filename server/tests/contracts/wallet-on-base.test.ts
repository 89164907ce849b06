import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type TestAgent, type World } from '#tests/world'

const USDC = 1_000_000n

let world: World
beforeAll(async () => {
  world = await openWorld({ evm: true })
})
afterAll(() => world.close())

function evm() {
  if (world.evm === null) throw new Error('this world has no EVM chain')
  return world.evm
}

async function placeOf(agent: TestAgent): Promise<{ address: string }> {
  return (await agent.get('/api/v1/wallet/deposit-address')).body.others[0]
}

describe('D-3 one wallet, over Base too', () => {
  test('D-17 the deposit address on Base stands beside that on Solana, and stays', async () => {
    const agent = await world.agent()
    const { body } = await agent.get('/api/v1/wallet/deposit-address')
    expect(body).toEqual({
      address: agent.depositAddress,
      network: 'solana',
      token: 'USDC',
      others: [
        {
          address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/),
          network: 'base',
          token: 'USDC',
          chain: 'eip155:84532',
          contract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
        },
      ],
    })
    expect((await agent.get('/api/v1/wallet/deposit-address')).body).toEqual(body)
    expect(await placeOf(await world.agent())).not.toEqual(body.others[0])
  })

  test('D-2 the first USDC activates on whichever rail it comes', async () => {
    const agent = await world.agent()
    const { address } = await placeOf(agent)
    await evm().send(await evm().wallet(5n * USDC), address, 5n * USDC)
    await evm().finalize()
    const { body } = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(body).toMatchObject({
      depositsFound: 1,
      totalCredited: String(4n * USDC),
      activated: true,
      emergencyAddress: null,
    })
    expect(await agent.available()).toBe(4n * USDC)
  })

  test('deposits over both networks are one balance, each found once by one question', async () => {
    const agent = await world.agent({ funds: 2n * USDC })
    const { address } = await placeOf(agent)
    await evm().send(await evm().wallet(3n * USDC), address, 3n * USDC)
    await evm().finalize()
    await world.chain.send(await world.chain.wallet(USDC), agent.depositAddress, USDC)
    await world.chain.finalize()
    const { body } = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(body).toMatchObject({ depositsFound: 2, totalCredited: String(4n * USDC) })
    expect((await agent.post('/api/v1/wallet/confirm-deposit')).body).toMatchObject({ depositsFound: 0 })
    expect(await agent.available()).toBe(6n * USDC)
  })

  test('D-34 a withdrawal leaves over Base to the address saved there, and arrives', async () => {
    const [agent, outside] = [await world.agent(), await evm().wallet(21n * USDC)]
    await evm().send(outside, (await placeOf(agent)).address, 21n * USDC)
    await evm().finalize()
    await agent.post('/api/v1/wallet/confirm-deposit')
    const saved = await agent.put('/api/v1/wallet/withdrawal-address', { address: outside.address.toLowerCase() })
    expect(saved).toMatchObject({ status: 200, body: { cooldownUntil: null } })
    const elsewhere = await agent.post('/api/v1/wallet/withdraw', { amount: String(8n * USDC) })
    expect(elsewhere).toMatchObject({ status: 400, body: { code: 'no_withdrawal_address' } })
    const unknown = await agent.post('/api/v1/wallet/withdraw', { amount: String(8n * USDC), network: 'bitcoin' })
    expect(unknown).toMatchObject({ status: 400, body: { code: 'network_not_served', networks: 'solana, base' } })
    const queued = await agent.post('/api/v1/wallet/withdraw', { amount: String(8n * USDC), network: 'base' })
    expect(queued).toMatchObject({ status: 200, body: { fee: '100000', netAmount: '7900000' } })
    const { status, txHash } = await world.until(async () => {
      await world.settle()
      await evm().finalize()
      const { body } = await agent.get(`/api/v1/wallet/withdrawals/${queued.body.transactionId}`)
      return body.status === 'confirmed' ? body : undefined
    })
    expect({ status, txHash }).toEqual({ status: 'confirmed', txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
    expect(await evm().balance(outside.address)).toBe(7_900_000n)
    expect(await agent.available()).toBe(12n * USDC)
  })

  test('D-34 one address book for all networks: the first entry anywhere needs no cooldown, every later one does', async () => {
    const [agent, outside] = [await world.agent({ funds: 30n * USDC }), await evm().wallet(0n)]
    const set = async (address: string) =>
      (await agent.put('/api/v1/wallet/withdrawal-address', { address })).body.cooldownUntil
    expect(await set(agent.wallet.address)).toBeNull()
    expect(await set(outside.address)).not.toBeNull()
    const refused = await agent.post('/api/v1/wallet/withdraw', { amount: String(8n * USDC), network: 'base' })
    expect(refused).toMatchObject({ status: 403, body: { code: 'address_cooldown' } })
    expect((await agent.post('/api/v1/wallet/withdraw', { amount: String(8n * USDC) })).status).toBe(200)
    const ours = await agent.put('/api/v1/wallet/withdrawal-address', { address: (await placeOf(agent)).address })
    expect(ours).toMatchObject({ status: 400, body: { code: 'address_is_ours' } })
    await world.settle()
  })

  test('D-18 the audit covers every network by itself', async () => {
    const { body } = await world.call('GET', '/api/v1/admin/audit', { key: world.operatorKey })
    expect(body.ok).toBe(true)
    expect(body.networks.map(({ network }: { network: string }) => network)).toEqual(['solana', 'base'])
    const treasury = await world.call('GET', '/api/v1/admin/wallet', { key: world.operatorKey })
    expect(treasury.body.hotWallets).toMatchObject([{ network: 'solana' }, { network: 'base', canPayFees: true }])
    expect(body.networks[1]).toMatchObject({ covered: true, liabilities: String(21n * USDC + 100_000n) })
  })
})
