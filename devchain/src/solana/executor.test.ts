import { generateKeyPairSigner } from '@solana/kit'
import { expect, test, vi } from 'vitest'
import { Bank } from './bank.ts'
import { Executor } from './executor.ts'
import { Faucet } from './faucet.ts'
import { genesisOf, placeGenesisAccounts } from './genesis.ts'
import { settingsOf } from './settings.ts'
import { SlotClock } from './slots.ts'
import { ChainStore } from './store.ts'
import { MINT } from './test-world.ts'

test('a transaction the disk refuses did not happen: memory goes back to where it was', async () => {
  const settings = settingsOf({ dataDir: null, mint: MINT })
  const store = new ChainStore(null)
  const genesis = await genesisOf(store)
  const slots = new SlotClock(store, settings, genesis.seed)
  const bank = new Bank(store, slots)
  placeGenesisAccounts({ store, bank, genesis, settings })
  const faucet = new Faucet({ bank, slots, executor: new Executor(bank, slots, store), genesis, settings })
  const { address } = await generateKeyPairSigner()
  const before = bank.account(genesis.faucet.address)

  const full = vi.spyOn(store, 'saveTransaction').mockImplementation(() => {
    throw new Error('database or disk is full')
  })
  await expect(faucet.give(address, 100n)).rejects.toThrow('disk is full')
  expect(bank.account(address)).toBeNull()
  expect(bank.account(genesis.faucet.address)).toEqual(before)
  expect([...store.accounts()].find((account) => account.address === genesis.faucet.address)).toEqual(before)

  full.mockRestore()
  const signature = await faucet.give(address, 100n)
  expect(store.transaction(signature)).toMatchObject({ signature, meta: { err: null } })
  slots.close()
  store.close()
})
