import type { Db, Store } from '#platform/db'
import { type AuditCheck, type AuditReport, type ChainReport, checkOf, type Difference } from './report.ts'
import { checkSignatures, type VerifyingKey } from './signatures.ts'
import * as books from './store.ts'

export interface AuditDeps {
  /** Every key that signs or has signed receipts. */
  readonly receiptKeys: readonly VerifyingKey[]
  /** What lies on the networks; left out where there are none. */
  readonly chain?: () => Promise<ChainReport>
}

/** name → what is looked at, and what finds the differences. */
const CHECKS = {
  assets_sum_to_zero: ['accounts', books.assetsNotBalanced],
  balances_equal_entries: ['accounts', books.balancesNotEntries],
  rollups_equal_entries: ['transfers', books.rollupsNotEntries],
  no_account_below_floor: ['accounts', books.accountsBelowFloor],
  entries_are_sound: ['entries', books.entriesUnsound],
  transfers_have_entries: ['transfers', books.transfersWithoutEntries],
  escrow_equals_orders: ['escrows', books.escrowsNotHeld],
  pending_equals_payouts: ['openPayouts', books.pendingNotPayouts],
  order_payouts_equal_orders: ['openPayouts', books.orderPayoutsNotOrders],
  receipts_are_chained: ['receipts', books.receiptsOutOfChain],
  completed_orders_have_receipts: ['completed', books.ordersNotReceipted],
  tallies_equal_receipts: ['receipts', books.talliesNotReceipts],
  slots_equal_orders: ['slots', books.slotsNotOrders],
} as const satisfies Record<string, readonly [keyof books.Counts, (db: Db) => Promise<Difference[]>]>

/**
 * Checks the books (D-18): everything in the database at one instant, while the market goes on; then signatures, and what
 * lies on the networks. Finds differences and never throws for one; what it cannot see counts as a difference.
 */
export async function auditBooks(
  store: Pick<Store, 'snapshot' | 'read'>,
  { receiptKeys, chain }: AuditDeps,
): Promise<AuditReport> {
  const started = performance.now()
  const { at, checks } = await store.snapshot(async (frozen) => {
    const at = await books.makeRoom(frozen)
    const counts = await books.countAll(frozen)
    const checks: AuditCheck[] = []
    for (const [name, [counted, differencesIn]] of Object.entries(CHECKS)) {
      checks.push(checkOf(name, Number(counts[counted]), await differencesIn(frozen)))
    }
    return { at, checks }
  })
  const signed = await checkSignatures(store.read, receiptKeys)
  checks.push(checkOf('receipts_are_signed', signed.checked, signed.differences))
  const { networks, check } = await checkNetworks(chain)
  if (check) checks.push(check)
  return { ok: checks.every(({ ok }) => ok), at, durationMs: Math.round(performance.now() - started), checks, networks }
}

async function checkNetworks(chain: AuditDeps['chain']): Promise<{ networks: ChainReport; check?: AuditCheck }> {
  const name = 'holdings_cover_liabilities'
  if (!chain) return { networks: [] }
  try {
    const networks = await chain()
    const differences = networks
      .filter(({ covered }) => !covered)
      .map(({ network, liabilities, holdings, inFlight }) => ({
        subject: network,
        expected: `${liabilities} or more`,
        found: `${holdings} on the network, ${inFlight} in flight`,
      }))
    return { networks, check: checkOf(name, networks.length, differences) }
  } catch (error) {
    const unseen = { subject: 'networks', expected: 'an answer', found: (error as Error).message }
    return { networks: [], check: checkOf(name, 0, [unseen]) }
  }
}
