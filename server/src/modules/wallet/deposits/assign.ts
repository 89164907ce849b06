import { available, fees, openAccounts, pending, world } from '#ledger'
import type { Tx } from '#platform/db'
import type { Rail } from '../rail.ts'
import { addressAtIndex, addressOfParty, insertAddress, nextIndex } from './store.ts'

/** The hot wallet is watched like a deposit address; its index is below every one that can be drawn. */
export const HOT_WALLET_INDEX = 0

/** Gives a party its own deposit address and opens its USDC accounts; answers the address it has (JP-35). */
export async function assignDepositAddress(
  tx: Tx,
  { partyId, rail }: { partyId: string; rail: Pick<Rail, 'network' | 'addressAt'> },
): Promise<string> {
  const { network } = rail
  const existing = await addressOfParty(tx, { partyId, network })
  if (existing) return existing.address
  const index = await nextIndex(tx)
  const own = await rail.addressAt(index)
  if (!(await insertAddress(tx, { ...own, network, index, partyId }))) {
    const other = await addressOfParty(tx, { partyId, network })
    if (!other) throw new Error(`deposit address ${own.address} belongs to somebody else`)
    return other.address
  }
  await openAccounts(tx, available('USDC', partyId), pending('USDC', partyId), ...sharedAccounts(network))
  return own.address
}

/** Watches the hot wallet, and refuses a master secret that is not the one this database was made with. */
export async function registerHotWallet(tx: Tx, rail: Pick<Rail, 'network' | 'hotWallet'>): Promise<void> {
  const { network, hotWallet } = rail
  await insertAddress(tx, { ...hotWallet, network, index: HOT_WALLET_INDEX, partyId: null })
  const row = await addressAtIndex(tx, { network, index: HOT_WALLET_INDEX })
  if (row?.address !== hotWallet.address)
    throw new Error(`the master secret belongs to another installation: its ${network} wallet is ${hotWallet.address}`)
  await openAccounts(tx, ...sharedAccounts(network))
}

function sharedAccounts(network: string) {
  return [world('USDC', network), fees('USDC', 'activation'), fees('USDC', 'withdrawal')]
}
