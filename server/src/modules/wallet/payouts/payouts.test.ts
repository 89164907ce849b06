import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWalletWorld, until, type WalletWorld } from '../test-world.ts'
import { payoutOfParty } from './store.ts'

let world: WalletWorld
beforeAll(async () => {
  world = await openWalletWorld()
  world.sweeper.start()
})
afterAll(() => world.close())

test('JP-144, JP-146 a withdrawal moves from available to pending, arrives less the fee, and leaves the books', async () => {
  const owner = await world.chain.wallet(20_000_000n)
  const agent = await world.register()
  await world.deposit(agent, 20_000_000n, owner)
  expect(await world.confirm(agent)).toMatchObject({ found: 1, totalCredited: 19_000_000n, activated: true })
  await world.setAddress(agent, owner.address)
  const { id, fee, net } = await world.withdraw(agent, 5_000_000n)
  expect({ fee, net }).toEqual({ fee: 100_000n, net: 4_900_000n })
  const done = await until(async () => {
    const payout = await payoutOfParty(world.store.read, { partyId: agent.id, id })
    return payout?.state === 'confirmed' && payout
  }, 'the withdrawal')
  expect(done.txHash).toBeTruthy()
  expect(await world.chain.balance(owner.address)).toBe(4_900_000n)
  expect(await world.money(agent)).toEqual({ available: 14_000_000n, pending: 0n })
})
