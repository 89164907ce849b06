import type { Micros } from '#kernel/money'
import { balances, fees, openAccounts, pending } from '#ledger'
import type { Db, Tx } from '#platform/db'
import { walletRefusals } from '../errors.ts'
import type { Network } from '../rail.ts'
import type { WalletSettings } from '../settings.ts'
import { requestPayout } from './request.ts'
import { lockRevenue } from './store.ts'

const SOURCES = ['jobs', 'activation', 'withdrawal', 'disputes', 'tasks', 'executions'].map((source) =>
  fees('USDC', source),
)

/** What can be paid out now. */
export async function revenueOf(db: Db): Promise<Micros> {
  return (await earnings(db)).reduce((sum, { amount }) => sum + amount, 0n)
}

/**
 * Pays all the platform has earned to an address of the operator's, which must have been checked before. Throws
 * `no_revenue`.
 */
export async function payOutRevenue(
  tx: Tx,
  { network, destination, settings }: { network: Network; destination: string; settings: WalletSettings },
): Promise<{ id: string; amount: Micros }> {
  await lockRevenue(tx)
  const from = await earnings(tx)
  const gross = from.reduce((sum, { amount }) => sum + amount, 0n)
  const minimum = settings.withdrawalMinimum
  if (gross < minimum) throw walletRefusals.no_revenue({ earned: String(gross), minimum: String(minimum) })
  const [heldIn, returnTo] = [pending('USDC', 'platform'), fees('USDC', 'withdrawal')]
  await openAccounts(tx, heldIn, returnTo)
  const request = { kind: 'fees', partyId: null, network, destination, gross, fee: 0n } as const
  const { id } = await requestPayout(tx, { ...request, from, heldIn, returnTo })
  return { id, amount: gross }
}

async function earnings(db: Db) {
  const held = await balances(db, SOURCES)
  return [...held].flatMap(([account, amount]) => (amount > 0n ? [{ account, amount }] : []))
}
