import type { Micros } from '#kernel/money'
import type { Tx } from '#platform/db'
import type { Network } from './rail.ts'

/** News of the wallet; amounts leave as strings because events are JSON. */
interface WalletEvents {
  'wallet.deposited': { amount: Micros; network: Network; txHash: string; source: string | null }
  'wallet.address_changed': { network: Network; address: string; cooldownUntil: string }
  'wallet.withdrawal_requested': PayoutNews
  'wallet.withdrawal_queued': PayoutNews
  'wallet.withdrawal_confirmed': PayoutNews & { txHash: string }
  'wallet.withdrawal_failed': PayoutNews & { reason: string }
  'wallet.withdrawal_cancelled': PayoutNews
}

interface PayoutNews {
  payoutId: string
  kind: string
  network: Network
  destination: string
  amount: Micros
  fee: Micros
  netAmount: Micros
}

export function emitWallet<Name extends keyof WalletEvents>(
  tx: Tx,
  name: Name,
  { partyId, ...news }: WalletEvents[Name] & { partyId: string },
): void {
  const payload = Object.fromEntries(
    Object.entries({ partyId, ...news }).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  )
  tx.emit({ name, subject: partyId, payload })
}
