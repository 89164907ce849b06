import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRpcProxy, type RpcProxy } from './rpc-proxy.ts'
import { startTestChain, type TestChain } from './solana-chain.ts'
import { openWorld, type World } from './world.ts'

let chain: TestChain
let proxy: RpcProxy
let world: World

beforeAll(async () => {
  chain = await startTestChain()
  proxy = await openRpcProxy(chain.rpcUrl)
  world = await openWorld({ chain: { ...chain, rpcUrl: proxy.rpcUrl } })
})
afterAll(async () => {
  await world.close()
  await proxy.close()
  await chain.close()
})

test('recipient_token_account_frozen: D-34 nothing is paid to an account that the issuer has frozen', async () => {
  const agent = await world.agent({ funds: 10_000_000n })
  await agent.put('/api/v1/wallet/withdrawal-address', { address: agent.wallet.address })
  proxy.freeze(agent.wallet.address)
  const refused = await agent.post('/api/v1/wallet/withdraw', { amount: 5_000_000 })
  expect(refused).toMatchObject({
    status: 400,
    body: { code: 'recipient_token_account_frozen', address: agent.wallet.address },
  })
  expect(await agent.available()).toBe(10_000_000n)
})

test('sandbox_chain: D-24 while the local chain does not answer the sandbox says so, and goes on when it does', async () => {
  const { address } = (await world.call('POST', '/sandbox/wallets', { body: { network: 'solana' } })).body
  const ask = () => world.call('POST', '/sandbox/faucet', { body: { network: 'solana', address, amount: '1000000' } })
  proxy.setDown(true)
  const refused = await ask()
  proxy.setDown(false)
  expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([503, 'sandbox_chain', '1'])
  expect((await ask()).status).toBe(200)
  expect(await chain.balance(address)).toBe(1_000_000n)
})
