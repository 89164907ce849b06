import { ownProfileOf, profileOf } from '#identity'
import type { Micros } from '#kernel/money'
import { addSeconds, DAY_SECONDS } from '#kernel/time'
import { available, openBook, pending } from '#ledger'
import type { Db, Tx } from '#platform/db'
import { freezeOutgoing } from '#spending'
import { walletRefusals } from '../errors.ts'
import { emitWallet } from '../events.ts'
import type { Network } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { requestPayout } from './request.ts'
import { countPanicsSince } from './store.ts'

export interface Panic {
  readonly partyId: string
  readonly network: Network
  readonly settings: WalletSettings
}

export interface PaidPanic {
  readonly id: string
  readonly emergencyAddress: string
  readonly amount: Micros
}

/** Where panic pays to; null when none is known. */
export async function emergencyAddressOf(db: Db, partyId: string): Promise<string | null> {
  const isAgent = (await profileOf(db, partyId)) !== undefined
  return isAgent ? (await ownProfileOf(db, partyId)).emergencyAddress : null
}

/**
 * Sends the whole available balance to the emergency address, past every cooldown and freeze: a proven address of the
 * owner's is the one place a thief gains nothing by (JP-148, JP-150). Throws `nothing_to_rescue`, `too_many_panics` and
 * `no_emergency_address`.
 */
export async function panic(tx: Tx, { partyId, network, settings }: Panic): Promise<PaidPanic> {
  const emergencyAddress = await emergencyAddressOf(tx, partyId)
  if (emergencyAddress === null) throw walletRefusals.no_emergency_address({ until: tx.now.toISOString() })
  const [from, heldIn] = [available('USDC', partyId), pending('USDC', partyId)]
  // Locked before it is read and before panics are counted, so that of many at once each one sees those before it.
  const amount = (await openBook(tx, [from, heldIn])).balanceOf(from)
  if (amount < settings.panicMinimum) throw walletRefusals.nothing_to_rescue({ minimum: String(settings.panicMinimum) })
  const since = addSeconds(tx.now, -DAY_SECONDS)
  if ((await countPanicsSince(tx, { partyId, since })) >= settings.panicsPerDay)
    throw walletRefusals.too_many_panics({ limit: settings.panicsPerDay })
  const request = { kind: 'panic', partyId, network, destination: emergencyAddress, gross: amount, fee: 0n } as const
  const { id } = await requestPayout(tx, { ...request, from, heldIn, returnTo: from })
  const news = {
    payoutId: id,
    kind: 'panic',
    network,
    destination: emergencyAddress,
    amount,
    fee: 0n,
    netAmount: amount,
  }
  emitWallet(tx, 'wallet.withdrawal_requested', { partyId, ...news })
  return { id, emergencyAddress, amount }
}

/** Nowhere to send it: then at least nothing leaves for a day (D-32). Answers until when. */
export async function freezeInstead(tx: Tx, { partyId, settings }: Omit<Panic, 'network'>): Promise<Date> {
  const until = addSeconds(tx.now, settings.panicFreezeSeconds)
  await freezeOutgoing(tx, { partyId, until, reason: 'panic was called and no emergency address is known' })
  return until
}
