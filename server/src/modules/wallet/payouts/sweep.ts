import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import type { Tx } from '#platform/db'
import type { DepositAddress } from '../deposits/store.ts'
import type { Rail } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { insertPayout } from './store.ts'

interface SweepContext {
  readonly rail: Pick<Rail, 'hotWallet'>
  readonly settings: Pick<WalletSettings, 'sweepMinimum'>
}

/**
 * Has a deposit address emptied into the hot wallet once it holds enough to be worth the fee. The money changes place,
 * not owner, so no ledger account moves; one sweep of an address at a time.
 */
export async function requestSweep(
  tx: Tx,
  { address, balance, credits }: { address: DepositAddress; balance: Micros; credits: SweepContext },
): Promise<void> {
  if (address.partyId === null || balance < credits.settings.sweepMinimum) return
  await insertPayout(tx, {
    id: newId(),
    kind: 'sweep',
    partyId: null,
    orderId: null,
    network: address.network,
    sourceIndex: address.index,
    destination: credits.rail.hotWallet.address,
    gross: balance,
    fee: 0n,
    net: balance,
    heldIn: null,
    returnTo: null,
  })
}
