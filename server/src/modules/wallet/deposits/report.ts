import { profileOf } from '#identity'
import type { Micros } from '#kernel/money'
import type { Tx } from '#platform/db'
import { defaultAddress } from '../addresses/address-book.ts'
import { emergencyAddressOf } from '../payouts/panic.ts'
import type { Network } from '../rail.ts'
import { takeUnreported } from './store.ts'

export interface DepositReport {
  readonly found: number
  /** What the balance grew by: the deposits less the activation fee, never below zero (JP-26). */
  readonly totalCredited: Micros
  readonly activationFee: Micros
  readonly activated: boolean
  readonly emergencyAddress: string | null
  /** Where the newest deposit came from, while no withdrawal address is set (JP-32). */
  readonly suggestedAddress: string | null
  readonly withdrawalAddressSet: boolean
}

/** Tells a party of the deposits credited since it last asked, each once, whoever found them (JP-30, JP-33). */
export async function reportDeposits(
  tx: Tx,
  { partyId, network }: { partyId: string; network: Network },
): Promise<DepositReport> {
  const deposits = (await takeUnreported(tx, partyId)).toSorted((a, b) => Number(a.slot - b.slot))
  const amount = deposits.reduce((sum, deposit) => sum + deposit.amount, 0n)
  const activationFee = deposits.reduce((sum, deposit) => sum + deposit.fee, 0n)
  const profile = await profileOf(tx, partyId)
  const saved = await defaultAddress(tx, { partyId, network })
  // Only a wallet on the network that withdrawals leave over can be proposed.
  const sources = deposits.flatMap((one) => (one.source === null || one.network !== network ? [] : [one.source]))
  return {
    found: deposits.length,
    totalCredited: amount > activationFee ? amount - activationFee : 0n,
    activationFee,
    activated: profile?.activated ?? true,
    emergencyAddress: await emergencyAddressOf(tx, partyId),
    suggestedAddress: saved ? null : (sources.at(-1) ?? null),
    withdrawalAddressSet: saved !== undefined,
  }
}
