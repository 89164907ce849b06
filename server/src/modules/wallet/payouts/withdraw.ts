import type { Micros } from '#kernel/money'
import { available, pending } from '#ledger'
import type { Tx } from '#platform/db'
import { authorize } from '#spending'
import { usableAddress } from '../addresses/address-book.ts'
import { walletRefusals } from '../errors.ts'
import { emitWallet } from '../events.ts'
import type { Network } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { requestPayout } from './request.ts'

export interface Withdrawal {
  readonly partyId: string
  readonly keyId?: string
  readonly network: Network
  /** What leaves the balance; the fee is part of it (JP-144). */
  readonly amount: Micros
  /** A saved address other than the default one. */
  readonly named?: string
  /** The address that was checked on the chain a moment ago; a change since then is refused. */
  readonly checked?: string
  readonly settings: WalletSettings
}

export interface RequestedWithdrawal {
  readonly id: string
  readonly destination: string
  readonly fee: Micros
  readonly net: Micros
}

/**
 * Takes the amount out of the available balance and queues it for sending (JP-146). Throws `below_minimum`,
 * `no_withdrawal_address`, `address_cooldown`, `address_not_saved`, `insufficient_funds`, and what spending rules say.
 */
export async function withdraw(tx: Tx, withdrawal: Withdrawal): Promise<RequestedWithdrawal> {
  const { partyId, keyId, network, amount, named, checked, settings } = withdrawal
  requireMinimum(amount, settings)
  const destination = await usableAddress(tx, { partyId, network, named, now: tx.now })
  if (checked !== undefined && checked !== destination) throw walletRefusals.address_changed_meanwhile()
  const payment = { partyId, amount, payeeId: null, purpose: 'withdrawal', ...(keyId === undefined ? {} : { keyId }) }
  const [refused] = await authorize(tx, [payment])
  if (refused) throw refused
  const [from, heldIn] = [available('USDC', partyId), pending('USDC', partyId)]
  const fee = settings.withdrawalFee
  const request = { kind: 'withdrawal', partyId, network, destination, gross: amount, fee } as const
  const { id, net } = await requestPayout(tx, { ...request, from, heldIn, returnTo: from })
  const news = { partyId, payoutId: id, kind: 'withdrawal', network, destination, amount, fee, netAmount: net }
  emitWallet(tx, 'wallet.withdrawal_requested', news)
  return { id, destination, fee, net }
}

/** JP-143; also asked before the chain is, which would be in vain. */
export function requireMinimum(amount: Micros, { withdrawalMinimum }: Pick<WalletSettings, 'withdrawalMinimum'>): void {
  if (amount < withdrawalMinimum) throw walletRefusals.below_minimum({ minimum: String(withdrawalMinimum) })
}
