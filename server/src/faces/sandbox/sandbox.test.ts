import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from '#tests/world'
import { sandboxRoutes } from './index.ts'

let world: World
beforeAll(async () => {
  world = await openWorld({ evm: true })
})
afterAll(() => world.close())

const post = (path: string, body: object) => world.call('POST', `/sandbox${path}`, { body })

describe('D-24 personal wallets', () => {
  test('are made, filled, and pay a deposit address', async () => {
    const { status, body: wallet } = await post('/wallets', { network: 'solana' })
    expect({ status, wallet }).toMatchObject({ status: 201, wallet: { network: 'solana' } })
    const { address, secretKey } = wallet
    expect((await post('/faucet', { network: 'solana', address, amount: '5000000' })).status).toBe(200)
    const agent = await world.agent()
    const sent = await post('/send', { network: 'solana', secretKey, to: agent.depositAddress, amount: 3_000_000 })
    expect(sent).toMatchObject({ status: 200, body: { txHash: expect.any(String) } })
    const { body } = await agent.post('/api/v1/wallet/confirm-deposit')
    expect(body).toMatchObject({ depositsFound: 1, totalCredited: '2000000', emergencyAddress: address })
  })

  test('what cannot be done is said in words', async () => {
    const { body: wallet } = await post('/wallets', { network: 'solana' })
    const { secretKey, address } = wallet
    const bitcoin = await post('/wallets', { network: 'bitcoin' })
    expect(bitcoin).toMatchObject({ status: 400, body: { code: 'network_not_available', supported: 'solana, base' } })
    const poor = await post('/send', { network: 'solana', secretKey, to: address, amount: 1 })
    expect(poor).toMatchObject({
      status: 400,
      body: { code: 'sandbox_wallet', error: expect.stringContaining('holds 0') },
    })
    expect((await post('/send', { network: 'solana', secretKey: 'x', to: address, amount: 1 })).status).toBe(400)
    expect((await post('/faucet', { network: 'solana', address: 'nowhere', amount: 1 })).status).toBe(400)
    expect((await post('/faucet', { network: 'solana', address, amount: -1 })).status).toBe(400)
  })

  test('on Base they are made, filled, and pay one another', async () => {
    const [{ body: ann }, { body: bob }] = [
      await post('/wallets', { network: 'base' }),
      await post('/wallets', { network: 'base' }),
    ]
    expect(ann).toMatchObject({ network: 'base', address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) })
    const { address, secretKey } = ann
    const given = await post('/faucet', { network: 'base', address, amount: '5000000' })
    expect(given).toMatchObject({ status: 200, body: { txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) } })
    expect((await post('/faucet', { network: 'base', address, amount: 0 })).status).toBe(200)
    const sent = await post('/send', { network: 'base', secretKey, to: bob.address, amount: 3_000_000 })
    expect(sent).toMatchObject({ status: 200, body: { txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) } })
    expect(await world.evm?.balance(bob.address)).toBe(3_000_000n)
    const poor = await post('/send', { network: 'base', secretKey, to: bob.address, amount: 3_000_000 })
    expect(poor).toMatchObject({
      status: 400,
      body: { code: 'sandbox_wallet', error: expect.stringContaining('holds 2000000') },
    })
    expect((await post('/faucet', { network: 'base', address: '0x1', amount: 1 })).status).toBe(400)
    const ready = await world.call('GET', '/ready')
    expect(ready.body.parts).toMatchObject({ solana: { ok: true }, base: { ok: true } })
  })

  test('the chains say where they are', async () => {
    expect((await world.call('GET', '/sandbox/chains')).body).toMatchObject({
      solana: {
        rpcUrl: world.chain.rpcUrl,
        mint: world.chain.mint,
        faucet: expect.stringContaining('/sandbox/faucet'),
      },
      base: {
        rpcUrl: world.evm?.rpcUrl,
        chainId: 84_532,
        token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
        faucet: expect.stringContaining('/sandbox/faucet'),
      },
    })
  })
})

test('D-26 the clock moves, and what became due is done before it answers', async () => {
  const before = await world.call('GET', '/sandbox/clock')
  const after = await post('/clock', { advanceSecs: 3600 })
  expect(after.body.offsetSecs).toBe(before.body.offsetSecs + 3600)
  const moved = new Date(after.body.now).getTime() - new Date(before.body.now).getTime()
  expect(moved).toBeGreaterThanOrEqual(3_600_000)
  expect((await post('/clock', { advanceSecs: -1 })).status).toBe(400)
  expect((await post('/clock', { advanceSecs: 1.5 })).status).toBe(400)
})

test('the catch-all keeps what it is sent, as it came', async () => {
  const raw = '{"event": "job.created", "n": 9007199254740993}'
  const headers = { 'webhook-id': 'msg_1' }
  expect((await world.call('POST', '/sandbox/hooks/mine', { body: raw, headers })).status).toBe(200)
  await world.call('POST', '/sandbox/hooks/other', { body: '<xml/>', headers: { 'content-type': 'text/xml' } })
  const { body } = await world.call('GET', '/sandbox/webhooks?name=mine')
  expect(body.webhooks).toMatchObject([{ name: 'mine', raw, headers, body: { event: 'job.created' } }])
  expect((await world.call('GET', '/sandbox/webhooks')).body.webhooks).toMatchObject([
    { name: 'other', raw: '<xml/>', body: null },
    { name: 'mine' },
  ])
  expect((await world.call('GET', '/sandbox/outbox')).body).toEqual({ mails: [] })
})

test('where strangers can reach the server, every door needs the operator', async () => {
  const seen: (string | undefined)[] = []
  const app: FastifyInstance = Fastify()
  app.addHook('onRoute', (route) => {
    seen.push(route.config?.rules?.auth)
  })
  const { store, sweeper } = world.souk
  const options = { store, sweeper, publicUrl: '', solana: { rpcUrl: '', mint: '' }, base: null, loopback: false }
  await app.register(sandboxRoutes(options))
  await app.ready()
  expect(new Set(seen)).toEqual(new Set(['operator']))
})
