import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fees } from '#ledger'
import type { SignedTransaction } from '../rail.ts'
import { drive, openWalletWorld, until, type WalletWorld } from '../test-world.ts'
import { cancelWithdrawal } from './cancel.ts'
import { panic } from './panic.ts'
import { payOutRevenue } from './revenue.ts'
import { payoutOfParty } from './store.ts'

let world: WalletWorld
beforeAll(async () => {
  world = await openWalletWorld()
})
afterAll(async () => {
  await world.chain.finalize()
  expect(await world.wallet.audit()).toMatchObject({ covered: true, differences: [] })
  await world.close()
})

const USDC = 1_000_000n

const stateOf = async (partyId: string, id: string) =>
  (await payoutOfParty(world.store.read, { partyId, id })) as NonNullable<Awaited<ReturnType<typeof payoutOfParty>>>

const attemptsOf = (id: string) =>
  world.store.read.rows<{ signature: string; state: string; n: number }>(
    sql`select signature, state, n from payout_attempt where payout_id = ${id} order by n`,
  )

/** A party whose deposit lies on the hot wallet, with one withdrawal asked for. */
async function withdrawing(amount = 5n * USDC) {
  const agent = await world.funded(amount)
  await drive(world, world.wallet, {
    until: async () => {
      const open = await world.store.read.one(sql`select 1 from payout where kind = 'sweep' and ended_at is null`)
      return open === undefined
    },
  })
  const { id } = await world.withdraw(agent, amount)
  return { agent, id, is: async (state: string) => (await stateOf(agent.id, id)).state === state }
}

describe('D-15 a transaction is a row before it is sent', () => {
  test('JP-144, JP-146 the money waits in pending, arrives less the fee, and leaves the books', async () => {
    const { agent, id, is } = await withdrawing()
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 5n * USDC })
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
    expect(await attemptsOf(id)).toMatchObject([{ n: 1, state: 'landed' }])
  })

  test('a broadcast that was dropped is sent again as the same bytes', async () => {
    const { agent, id, is } = await withdrawing()
    await world.chain.fault('drop', 2)
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await attemptsOf(id)).toHaveLength(1)
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('D-28 a node that takes it and then fails is no failure: settled once', async () => {
    const { agent, id, is } = await withdrawing()
    await world.chain.fault('accept-then-error')
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await attemptsOf(id)).toHaveLength(1)
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('once its blockhash is dead and it was looked for twice, exactly one new transaction is signed', async () => {
    const { agent, id, is } = await withdrawing()
    const lossy = world.another({ rail: { broadcast: async () => {} } })
    await lossy.sweeps[1]?.run()
    expect(await is('sent')).toBe(true)
    await world.chain.advance(200)
    await until(async () => {
      await lossy.sweeps[1]?.run()
      return (await attemptsOf(id))[0]?.state === 'dead'
    }, 'the first transaction to be given up')
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await attemptsOf(id)).toMatchObject([
      { n: 1, state: 'dead' },
      { n: 2, state: 'landed' },
    ])
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('a node that does not find what has landed makes nobody pay twice', async () => {
    const { agent, id, is } = await withdrawing()
    const sent: SignedTransaction['signature'][] = []
    await world.wallet.sweeps[1]?.run()
    await world.chain.advance(200)
    let looks = 0
    const blind = world.another({
      rail: {
        statusesOf: async (signatures) => {
          sent.push(...signatures)
          looks++
          return looks < 3 ? new Map() : world.rail.statusesOf(signatures)
        },
      },
      settings: { deadAfterMs: 60_000 },
    })
    await drive(world, blind, { until: () => is('confirmed') })
    expect(looks).toBeGreaterThanOrEqual(3)
    expect(await attemptsOf(id)).toMatchObject([{ n: 1, state: 'landed' }])
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('a process that dies between keeping and sending is continued by another, with the same bytes', async () => {
    const { agent, id, is } = await withdrawing()
    const dying = world.another({ rail: { broadcast: () => new Promise(() => {}) }, settings: { leaseMs: 200 } })
    void dying.sweeps[1]?.run()
    await until(() => is('signed'), 'the kept transaction')
    const [kept] = await attemptsOf(id)
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await attemptsOf(id)).toMatchObject([{ n: 1, state: 'landed', signature: kept?.signature }])
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('a process that was asleep while another took over signs in vain', async () => {
    const { agent, id, is } = await withdrawing()
    let wake: () => void = () => {}
    const asleep = new Promise<void>((resolve) => {
      wake = resolve
    })
    const slow = world.another({
      rail: {
        sign: async (intents) => {
          const signed = await world.rail.sign(intents)
          await asleep
          return signed
        },
      },
      settings: { leaseMs: 200 },
    })
    const sleeping = slow.sweeps[1]?.run()
    await drive(world, world.wallet, { until: () => is('sent') })
    wake()
    await sleeping
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await attemptsOf(id)).toHaveLength(1)
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
  })

  test('three processes at work on twelve withdrawals pay each once', async () => {
    const agent = await world.funded(60n * USDC)
    const ids: string[] = []
    for (let i = 0; i < 12; i++) ids.push((await world.withdraw(agent, 5n * USDC)).id)
    const processes = [world.wallet, world.another({}), world.another({})]
    await Promise.all(
      processes.map((wallet) =>
        drive(world, wallet, {
          until: async () =>
            (await Promise.all(ids.map((id) => stateOf(agent.id, id)))).every(({ state }) => state === 'confirmed'),
        }),
      ),
    )
    expect(await world.chain.balance(agent.outside.address)).toBe(12n * 4_900_000n)
    expect(await world.money(agent)).toEqual({ available: 0n, pending: 0n })
  })
})

test('D-17 a transaction that lands although it was given up is a finding', async () => {
  await world.funded(10n * USDC)
  const { agent, id, is } = await withdrawing()
  const lying = world.another({ rail: { statusesOf: async () => new Map() } })
  await lying.sweeps[1]?.run()
  await world.chain.advance(200)
  await until(async () => {
    await lying.sweeps[1]?.run()
    return (await attemptsOf(id))[0]?.state === 'dead'
  }, 'the lie to be believed')
  await drive(world, world.wallet, { until: () => is('confirmed') })
  expect(await world.chain.balance(agent.outside.address)).toBe(9_800_000n)
  const [first] = await attemptsOf(id)
  const found = await until(async () => {
    await world.wallet.sweeps[0]?.run()
    return (await world.findings()).find(({ kind }) => kind === 'unexplained_outflow')
  }, 'the finding')
  expect(found.subject).toContain(first?.signature)
  expect(await world.wallet.audit()).toMatchObject({ covered: false })
  await world.chain.give(world.rail.hotWallet.address, 4_900_000n)
  await world.chain.finalize()
})

test('D-32 a panic that cannot be delivered comes back and freezes what goes out', async () => {
  const agent = await world.register()
  const owner = await world.chain.wallet(6n * USDC)
  await world.deposit(agent, 6n * USDC, owner)
  await world.confirm(agent)
  await world.setAddress(agent, owner.address)
  const settings = world.wallet.settings
  const asked = await world.store.transact((tx) => panic(tx, { partyId: agent.id, network: 'solana', settings }))
  expect(asked).toMatchObject({ amount: 5n * USDC, emergencyAddress: owner.address })
  const gone = world.another({
    rail: { problemsOf: async (all) => new Map(all.map((one) => [one, 'token_account_frozen'])) },
  })
  await drive(world, gone, { until: async () => (await stateOf(agent.id, asked.id)).state === 'failed' })
  expect(await world.money(agent)).toEqual({ available: 5n * USDC, pending: 0n })
  await expect(world.withdraw(agent, 5n * USDC)).rejects.toMatchObject({ code: 'outgoing_frozen' })
})

test('the platform’s revenue is paid out once, also when asked for twice at the same time', async () => {
  for (let i = 0; i < 5; i++) await world.deposit(await world.register(), USDC)
  await until(async () => {
    await world.wallet.sweeps[0]?.run()
    return (await world.balance(fees('USDC', 'activation'))) >= 5n * USDC
  }, 'the activation fees')
  const { address } = await world.chain.wallet(0n)
  const revenue = { network: 'solana', destination: address, settings: world.wallet.settings } as const
  const asked = await Promise.allSettled([
    world.store.transact((tx) => payOutRevenue(tx, revenue)),
    world.store.transact((tx) => payOutRevenue(tx, revenue)),
  ])
  const [paid, refused] = asked.toSorted((a, b) => a.status.localeCompare(b.status))
  expect(refused).toMatchObject({ reason: { code: 'no_revenue' } })
  const amount = paid?.status === 'fulfilled' ? paid.value.amount : 0n
  await drive(world, world.wallet, { until: async () => (await world.chain.balance(address)) === amount })
  expect(await world.balance(fees('USDC', 'activation'))).toBe(0n)
})

describe('D-34 what cannot be paid', () => {
  test('a recipient whose account is gone by then gets nothing; amount and fee come back', async () => {
    const { agent, id, is } = await withdrawing()
    const gone = world.another({
      rail: { problemsOf: async (all) => new Map(all.map((one) => [one, 'token_account_missing'])) },
    })
    await drive(world, gone, { until: () => is('failed') })
    expect(await world.money(agent)).toEqual({ available: 5n * USDC, pending: 0n })
    expect(await stateOf(agent.id, id)).toMatchObject({ failure: 'token_account_missing' })
    expect((await world.findings()).map(({ kind, subject }) => ({ kind, subject }))).toContainEqual({
      kind: 'payout_undeliverable',
      subject: id,
    })
  })

  test('a transaction that fails on the chain has failed: the money comes back once', async () => {
    const agent = await world.funded(5n * USDC)
    const { address } = await world.chain.emptyWallet()
    const stranger = await world.register({ activated: true })
    await world.deposit(stranger, 5n * USDC)
    await world.confirm(stranger)
    await world.setAddress(stranger, address)
    const { id } = await world.withdraw(stranger, 5n * USDC)
    const careless = world.another({ rail: { problemsOf: async (all) => new Map(all.map((one) => [one, null])) } })
    await drive(world, careless, { until: async () => (await stateOf(stranger.id, id)).state === 'failed' })
    expect(await world.money(stranger)).toEqual({ available: 5n * USDC, pending: 0n })
    expect(await attemptsOf(id)).toMatchObject([{ state: 'dead' }])
    expect(await world.money(agent)).toEqual({ available: 5n * USDC, pending: 0n })
  })

  test('a network short of money queues it, tells the operator, and lets it be cancelled', async () => {
    const { agent, id, is } = await withdrawing()
    const poor = world.another({ rail: { spendable: async () => 0n } })
    await drive(world, poor, { until: () => is('queued_liquidity') })
    expect((await world.findings()).map(({ kind }) => kind)).toContain('liquidity_short')
    const cancelled = await world.store.transact((tx) => cancelWithdrawal(tx, { partyId: agent.id, id }))
    expect(cancelled.state).toBe('cancelled')
    expect(await world.money(agent)).toEqual({ available: 5n * USDC, pending: 0n })
    await expect(world.store.transact((tx) => cancelWithdrawal(tx, { partyId: agent.id, id }))).rejects.toMatchObject({
      code: 'withdrawal_not_cancellable',
    })
    await world.wallet.sweeps[1]?.run()
    expect(await attemptsOf(id)).toEqual([])
  })

  test('D-32 a rescue that waits for money cannot be taken back by whoever stole the key', async () => {
    const agent = await world.funded(5n * USDC)
    const order = { partyId: agent.id, network: 'solana', settings: world.wallet.settings } as const
    const { id } = await world.store.transact((tx) => panic(tx, order))
    const poor = world.another({ rail: { spendable: async () => 0n } })
    await drive(world, poor, { until: async () => (await stateOf(agent.id, id)).state === 'queued_liquidity' })
    await expect(world.store.transact((tx) => cancelWithdrawal(tx, { partyId: agent.id, id }))).rejects.toMatchObject({
      code: 'rescue_not_cancellable',
    })
    await drive(world, world.wallet, { until: async () => (await stateOf(agent.id, id)).state === 'confirmed' })
    expect(await world.chain.balance(agent.outside.address)).toBe(5n * USDC)
  })

  test('a queued one is paid as soon as there is money again, and the finding mends', async () => {
    const { agent, is } = await withdrawing()
    const poor = world.another({ rail: { spendable: async () => 0n } })
    await drive(world, poor, { until: () => is('queued_liquidity') })
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect(await world.chain.balance(agent.outside.address)).toBe(4_900_000n)
    expect((await world.findings()).map(({ kind }) => kind)).not.toContain('liquidity_short')
  })

  test('without gas nothing is signed, and the operator hears of it', async () => {
    const { id, is } = await withdrawing()
    const dry = world.another({ rail: { canPayFees: async () => false } })
    await dry.sweeps[1]?.run()
    expect(await attemptsOf(id)).toEqual([])
    expect((await world.findings()).map(({ kind }) => kind)).toContain('fee_payer_empty')
    await drive(world, world.wallet, { until: () => is('confirmed') })
    expect((await world.findings()).map(({ kind }) => kind)).not.toContain('fee_payer_empty')
  })

  test('more than one payout may carry waits for the operator', async () => {
    const { id, is } = await withdrawing()
    const bounded = world.another({ rail: { maxPayment: 1_000_000n } })
    await drive(world, bounded, { until: () => is('queued_liquidity') })
    expect(await world.findings()).toContainEqual(expect.objectContaining({ kind: 'payout_over_cap', subject: id }))
    await drive(world, world.wallet, { until: () => is('confirmed') })
  })
})
