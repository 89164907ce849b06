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

  test('D-18 the audit covers every network by itself', async () => {
    const { body } = await world.call('GET', '/api/v1/admin/audit', { key: world.operatorKey })
    expect(body.ok).toBe(true)
    expect(body.networks.map(({ network }: { network: string }) => network)).toEqual(['solana', 'base'])
    const treasury = await world.call('GET', '/api/v1/admin/wallet', { key: world.operatorKey })
    expect(treasury.body.hotWallets).toMatchObject([{ network: 'solana' }, { network: 'base', canPayFees: true }])
    expect(body.networks[1]).toMatchObject({ covered: true, liabilities: String(8n * USDC) })
  })
})
