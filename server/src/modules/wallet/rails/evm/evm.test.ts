import { inspect } from 'node:util'
import { encodeFunctionData, erc20Abi, type Hex, parseAbi, parseTransaction, slice } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { world as worldAccount } from '#ledger'
import { ChainUnreachable } from '#platform/chain-unreachable'
import { auditNetwork, createEvmRail, withdrawalsOf } from '../../index.ts'
import { type Agent, type EvmWorld, type Outside, openEvmWorld } from './test-world.ts'

let world: EvmWorld
beforeAll(async () => {
  world = await openEvmWorld()
})
afterAll(() => world.close())

const USDC = 1_000_000n

async function deposit(agent: Agent, amount: bigint, from?: Outside): Promise<Hex> {
  const source = from ?? (await world.chain.wallet(amount))
  return (await world.chain.send(source, agent.address, amount)) as Hex
}

async function until(done: () => Promise<boolean>, what: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    if (await done()) return
    await world.step()
  }
  throw new Error(`waited in vain for ${what}`)
}

const isSwept = (agent: Agent) => async () => (await world.chain.balance(agent.address)) === 0n
const settled = async () => {
  const { rows } = await rowsOf(`select 1 from payout where ended_at is null`)
  return rows === 0
}
async function rowsOf(text: string): Promise<{ rows: number }> {
  const { default: sql, raw } = await import('sql-template-tag')
  return { rows: (await world.store.read.rows(sql`${raw(text)}`)).length }
}
async function requireClean(): Promise<void> {
  await until(settled, 'payouts under way')
  expect(await auditNetwork(world.store.read, world.rail)).toMatchObject({
    network: 'base',
    covered: true,
    uncredited: 0n,
    differences: [],
  })
}

describe('D-17 deposits on Base', () => {
  test('are credited once final, never before, each once, and owed over their own network', async () => {
    const agent = await world.register()
    const owedBefore = await world.balance(worldAccount('USDC', 'base'))
    await deposit(agent, 3n * USDC)
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({
      found: 1,
      totalCredited: 3n * USDC,
      suggestedAddress: expect.any(String),
    })
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
    await deposit(agent, 2n * USDC)
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({ found: 1, totalCredited: 2n * USDC })
    expect(await world.money(agent)).toEqual({ available: 5n * USDC, pending: 0n })
    expect(await world.balance(worldAccount('USDC', 'base'))).toBe(owedBefore - 5n * USDC)
    expect(await world.balance(worldAccount('USDC', 'solana'))).toBe(0n)
    await requireClean()
  })

  test('nobody has to ask: they are found by their balance', async () => {
    const agent = await world.register()
    await deposit(agent, 4n * USDC)
    await world.chain.finalize()
    await until(async () => (await world.money(agent)).available === 4n * USDC, 'the credit')
  })

  test('several transfers to several agents in one transaction: one net credit each', async () => {
    const [payer, a, b] = [await world.chain.wallet(20n * USDC), await world.register(), await world.register()]
    const token = world.chain.token as Hex
    const splitter = await world.deploy(payer, 'Splitter')
    const allow = encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [splitter.address, 20n * USDC] })
    await world.send(payer, { to: token, data: allow })
    const parts = [
      [a, 2n * USDC],
      [b, 3n * USDC],
      [a, 4n * USDC],
      [b, 1n],
    ] as const
    const args = [token, parts.map(([{ address }]) => address), parts.map(([, value]) => value)]
    const data = encodeFunctionData({ abi: splitter.abi, functionName: 'pay', args })
    await world.send(payer, { to: splitter.address, data })
    await world.chain.finalize()
    expect(await world.confirm(a)).toMatchObject({
      found: 1,
      totalCredited: 6n * USDC,
      suggestedAddress: payer.address,
    })
    expect(await world.confirm(b)).toMatchObject({ found: 1, totalCredited: 3n * USDC + 1n })
  })

  test('dust is credited to the last micro-unit', async () => {
    const agent = await world.register()
    await deposit(agent, 1n)
    await world.chain.finalize()
    await world.confirm(agent)
    expect((await world.money(agent)).available).toBe(1n)
  })

  test('a token that only looks like USDC is nothing', async () => {
    const [payer, agent] = [await world.chain.wallet(0n), await world.register()]
    const spoof = await world.deploy(payer, 'Spoof')
    const data = encodeFunctionData({ abi: spoof.abi, functionName: 'give', args: [agent.address, 1000n * USDC] })
    await world.send(payer, { to: spoof.address, data })
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
  })

  test('what a reorganisation takes back was never credited', async () => {
    const [payer, agent] = [await world.chain.wallet(5n * USDC), await world.register()]
    await deposit(agent, 5n * USDC, payer)
    await world.confirm(agent)
    await world.chain.reorganize(1)
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({ found: 0 })
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
    await world.chain.send(payer, agent.address, 5n * USDC)
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({ found: 1 })
  })

  test('money minted out of nothing comes from nobody; money on the hot wallet is a finding', async () => {
    const agent = await world.register()
    await world.chain.give(agent.address, 2n * USDC)
    await world.chain.give(world.rail.hotWallet.address, 7n * USDC)
    await world.chain.finalize()
    expect(await world.confirm(agent)).toMatchObject({ found: 1, suggestedAddress: null })
    await until(async () => (await world.findings()).some(({ kind }) => kind === 'unattributed_deposit'), 'the finding')
  })
})

test('the URL of a node that does not answer is not told: keys are kept in it', async () => {
  const { token } = world.chain
  const rail = createEvmRail({
    ...{ rpcUrl: 'http://127.0.0.1:9/hunter2', token, chainId: 84_532, finality: 'finalized' },
    ...{ domain: { name: 'USDC', version: '2' }, masterSecret: new Uint8Array(32) },
  })
  const error = await rail.finalizedHeight().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ChainUnreachable)
  expect(inspect(error, { depth: 10 })).not.toContain('hunter2')
  expect((error as Error).message).toContain('base did not answer')
})

describe('sweeps', () => {
  test('deposits of 1 USDC and more are collected into the hot wallet; the address needs no gas', async () => {
    const agent = await world.register()
    await deposit(agent, 9n * USDC)
    await world.chain.finalize()
    await world.confirm(agent)
    const before = await world.chain.balance(world.rail.hotWallet.address)
    await until(isSwept(agent), 'the sweep')
    expect(await world.chain.balance(world.rail.hotWallet.address)).toBeGreaterThanOrEqual(before + 9n * USDC)
    expect(await world.chain.call('eth_getBalance', agent.address, 'latest')).toBe('0x0')
    await requireClean()
  })

  test('D-15 a broadcast that is lost, or whose answer is, moves the money once', async () => {
    for (const mode of ['drop', 'accept-then-error', 'error'] as const) {
      const agent = await world.register()
      await deposit(agent, 2n * USDC)
      await world.chain.finalize()
      await world.confirm(agent)
      await world.chain.fault(mode)
      await until(isSwept(agent), `the sweep after ${mode}`)
      expect(await world.money(agent)).toEqual({ available: 2n * USDC, pending: 0n })
    }
    await requireClean()
  })
})

describe('payouts on Base', () => {
  async function funded(amount: bigint): Promise<Agent & { outside: Outside }> {
    const [agent, outside] = [await world.register(), await world.chain.wallet(amount)]
    await deposit(agent, amount, outside)
    await world.chain.finalize()
    await world.confirm(agent)
    await until(isSwept(agent), 'the sweep')
    await world.setAddress(agent, outside.address)
    return { ...agent, outside }
  }
  const confirmed = (agent: Agent) => async () => {
    const { items } = await withdrawalsOf(world.store.read, { partyId: agent.id, page: { page: 1, limit: 10 } })
    return items.length > 0 && items.every(({ state }) => state === 'confirmed')
  }

  test('D-15 a withdrawal arrives once, whatever the network does', async () => {
    const agent = await funded(60n * USDC)
    for (const mode of ['drop', 'accept-then-error', 'error'] as const) {
      await world.withdraw(agent, 10n * USDC)
      await world.chain.fault(mode)
      await until(confirmed(agent), `the withdrawal after ${mode}`)
    }
    expect(await world.chain.balance(agent.outside.address)).toBe(3n * (10n * USDC - 100_000n))
    expect(await world.money(agent)).toEqual({ available: 30n * USDC, pending: 0n })
    await requireClean()
  })

  test('D-15 an authorization that a stranger carries in first pays once, and counts', async () => {
    const agent = await funded(20n * USDC)
    const stranger = await world.chain.wallet(0n)
    await world.withdraw(agent, 10n * USDC)
    await world.chain.fault('drop')
    const [, payouts] = world.wallet.sweeps
    await payouts?.run()
    const { default: sql } = await import('sql-template-tag')
    const live = await world.store.read.one<{ bytes: Buffer }>(sql`
      select bytes from payout_attempt where state = 'live' order by signed_at desc limit 1`)
    const { data = '0x' } = parseTransaction(`0x${live?.bytes.toString('hex')}`)
    await world.send(stranger, { to: world.chain.token as Hex, data: slice(data, 0, 4 + 9 * 32) })
    await until(confirmed(agent), 'the withdrawal')
    expect(await world.chain.balance(agent.outside.address)).toBe(10n * USDC - 100_000n)
    expect(await world.money(agent)).toEqual({ available: 10n * USDC, pending: 0n })
  })

  test('D-34 who is shut out of the token is not paid: amount and fee come back', async () => {
    const agent = await funded(20n * USDC)
    const { id } = await world.withdraw(agent, 10n * USDC)
    const abi = parseAbi(['function setBlacklisted(address account, bool isOut)'])
    const args = [agent.outside.address as Hex, true] as const
    const data = encodeFunctionData({ abi, functionName: 'setBlacklisted', args })
    await world.send(await world.chain.wallet(0n), { to: world.chain.token as Hex, data })
    await until(settled, 'the end of the withdrawal')
    const { items } = await withdrawalsOf(world.store.read, { partyId: agent.id, page: { page: 1, limit: 10 } })
    expect(items).toMatchObject([{ id, state: 'failed', failure: 'token_account_frozen' }])
    expect(await world.money(agent)).toEqual({ available: 20n * USDC, pending: 0n })
    await expect(world.wallet.payableAddress(agent.id)).rejects.toMatchObject({
      code: 'recipient_token_account_frozen',
    })
  })

  test('a payout sent before a backup was taken back is found on the chain by its reference', async () => {
    const agent = await funded(20n * USDC)
    const { id } = await world.withdraw(agent, 10n * USDC)
    await until(confirmed(agent), 'the withdrawal')
    const { carried } = await world.rail.referencesSince(new Date(Date.now() - 60_000))
    expect(carried).toContainEqual({ signature: expect.any(String), reference: `souk:${id}:1`, isFinal: true })
  })
})
