import { afterAll, beforeAll, expect, test } from 'vitest'
import { withdraw } from '../index.ts'
import { type Agent, openWalletWorld, type WalletWorld } from '../test-world.ts'

let world: WalletWorld
beforeAll(async () => {
  world = await openWalletWorld()
})
afterAll(() => world.close())

const USDC = 1_000_000n

const ask = ({ id: partyId }: Agent, more: { named?: string; checked?: string }) =>
  world.store.transact((tx) => {
    const { rail, settings } = world.wallet
    return withdraw(tx, { partyId, network: rail.network, amount: 5n * USDC, settings, ...more })
  })

test('address_not_saved: D-34 money leaves only to a saved address, past its cooldown', async () => {
  const agent = await world.funded(10n * USDC)
  const stranger = await world.chain.wallet(0n)
  const refusal = { code: 'address_not_saved', kind: 'forbidden', details: { address: stranger.address } }
  await expect(ask(agent, { named: stranger.address })).rejects.toMatchObject(refusal)
  await world.setAddress(agent, stranger.address)
  await expect(ask(agent, { named: stranger.address })).rejects.toMatchObject(refusal)
  await expect(world.wallet.payableAddress(agent.id, stranger.address)).rejects.toMatchObject(refusal)
  // The one before is saved still, and was usable all along.
  expect(await ask(agent, { named: agent.outside.address })).toMatchObject({ destination: agent.outside.address })
})

test('address_changed_meanwhile: D-34 what was checked on the chain is what is paid, or nothing', async () => {
  const agent = await world.funded(10n * USDC)
  const checked = (await world.chain.wallet(0n)).address
  await expect(ask(agent, { checked })).rejects.toMatchObject({ code: 'address_changed_meanwhile', kind: 'conflict' })
  expect(await world.money(agent)).toEqual({ available: 10n * USDC, pending: 0n })
  expect(await ask(agent, { checked: agent.outside.address })).toMatchObject({ destination: agent.outside.address })
})
