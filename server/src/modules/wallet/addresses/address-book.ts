import { addSeconds } from '#kernel/time'
import type { Db, Tx } from '#platform/db'
import { asRefusal } from '../deposits/scan.ts'
import { ownAddressesAmong } from '../deposits/store.ts'
import { walletRefusals } from '../errors.ts'
import { emitWallet } from '../events.ts'
import type { DestinationProblem, Network, Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { addressBook, lockAddressBook, type SavedAddress, saveDefault } from './store.ts'

export interface AddressChange {
  readonly partyId: string
  readonly network: Network
  readonly address: string
  readonly settings: Pick<WalletSettings, 'addressCooldownSeconds'>
}

export interface ChangedAddress {
  readonly change: 'set' | 'changed' | 'unchanged'
  /** Until when it cannot be used; null when it can be now. */
  readonly cooldownUntil: Date | null
}

/**
 * Sets the address that withdrawals over a network go to. The party's very first, on whichever network, can be used at once;
 * every later one waits (JP-140, JP-141, D-34),
 * also a change back, so that a thief cannot use an owner's old address as a way around.
 */
export async function setDefaultAddress(tx: Tx, change: AddressChange): Promise<ChangedAddress> {
  const { partyId, network, address, settings } = change
  const saved = await lockAddressBook(tx, partyId)
  const current = saved.find((entry) => entry.isDefault && entry.network === network)
  if (current?.address === address)
    return { change: 'unchanged', cooldownUntil: current.usableAt > tx.now ? current.usableAt : null }
  const isFirst = saved.length === 0
  const usableAt = isFirst ? tx.now : addSeconds(tx.now, settings.addressCooldownSeconds)
  await saveDefault(tx, { partyId, network, address, usableAt })
  if (isFirst) return { change: 'set', cooldownUntil: null }
  emitWallet(tx, 'wallet.address_changed', { partyId, network, address, cooldownUntil: usableAt.toISOString() })
  return { change: 'changed', cooldownUntil: usableAt }
}

export async function defaultAddress(
  db: Db,
  { partyId, network }: { partyId: string; network: Network },
): Promise<SavedAddress | undefined> {
  return (await addressBook(db, { partyId, network })).find(({ isDefault }) => isDefault)
}

/**
 * Where a withdrawal goes: the default entry, or the one named. Throws `no_withdrawal_address`, `address_cooldown` or
 * `address_not_saved` (D-34).
 */
export async function usableAddress(
  db: Db,
  { partyId, network, named, now }: { partyId: string; network: Network; named?: string | undefined; now: Date },
): Promise<string> {
  const saved = await addressBook(db, { partyId, network })
  const entry = saved.find(({ address, isDefault }) => (named === undefined ? isDefault : address === named))
  if (named !== undefined && (!entry || entry.usableAt > now))
    throw walletRefusals.address_not_saved({ address: named })
  if (!entry) throw walletRefusals.no_withdrawal_address()
  if (entry.usableAt > now) throw walletRefusals.address_cooldown({ cooldown_until: entry.usableAt.toISOString() })
  return entry.address
}

/**
 * Asks the chain whether an address is a wallet of somebody else's, outside any unit of work. Throws `address_malformed`,
 * `address_not_a_wallet`, `address_is_ours` and `chain_unreachable`.
 */
export async function checkWallet(db: Db, { rail, address }: { rail: Rail; address: string }): Promise<void> {
  const problems = await rail.problemsOf([address]).catch(asRefusal)
  const problem = problems.get(address) ?? null
  if (problem !== null && !RECEIVING_PROBLEMS.includes(problem)) throw refusalOf(problem, address)
  const ours = await ownAddressesAmong(db, { network: rail.network, addresses: [address] })
  if (ours.size > 0) throw walletRefusals.address_is_ours({ address })
}

/** These pass: the account may still be opened before money is sent. */
const RECEIVING_PROBLEMS: readonly DestinationProblem[] = ['token_account_missing', 'token_account_frozen']

export function refusalOf(problem: DestinationProblem, address: string) {
  switch (problem) {
    case 'malformed':
      return walletRefusals.address_malformed({ address: address.slice(0, 100) })
    case 'off_curve':
    case 'not_a_wallet':
      return walletRefusals.address_not_a_wallet({ address })
    case 'reserved':
      return walletRefusals.address_is_ours({ address })
    case 'token_account_missing':
      return walletRefusals.recipient_token_account_missing({ address })
    case 'token_account_frozen':
      return walletRefusals.recipient_token_account_frozen({ address })
  }
}
