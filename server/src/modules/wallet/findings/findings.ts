import { isId, newId } from '#kernel/id'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import { defineRefusals } from '#kernel/refusal'
import type { Db, Tx } from '#platform/db'
import { closeFinding, closeFindingById, countFindings, type Finding, insertFinding, selectFindings } from './store.ts'

export const findingRefusals = defineRefusals({
  finding_unknown: [
    'missing',
    'There is no such open finding',
    'GET /api/v1/admin/findings lists those that are open.',
  ],
})

/** What an operator may be told of. `subject` is what it is about, so that finding it again changes nothing. */
export interface NewFinding {
  readonly kind:
    | 'unattributed_deposit'
    | 'deposit_before_assignment'
    | 'unexplained_outflow'
    | 'custody_difference'
    | 'liquidity_short'
    | 'fee_payer_empty'
    | 'payout_stuck'
    | 'payout_over_cap'
    | 'payout_refused'
    | 'payout_undeliverable'
    | 'payment_reversed'
  readonly subject: string
  readonly details: Readonly<Record<string, string | number | null>>
}

/** Opens a finding, or refreshes it while it is open. An event tells of it the first time. */
export async function openFinding(tx: Tx, { kind, subject, details }: NewFinding): Promise<void> {
  const id = newId()
  if (await insertFinding(tx, { id, kind, subject, details }))
    tx.emit({ name: 'finding.opened', subject: id, payload: { kind, subject, details } })
}

/** What was found has mended itself. */
export async function mendFinding(tx: Tx, { kind, subject }: Pick<NewFinding, 'kind' | 'subject'>): Promise<void> {
  await closeFinding(tx, { kind, subject, note: 'mended by itself' })
}

/** The operator has looked. Throws `finding_unknown`. */
export async function resolveFinding(tx: Tx, { id, note }: { id: string; note: string }): Promise<Finding> {
  const resolved = isId(id) ? await closeFindingById(tx, { id, note }) : undefined
  if (!resolved) throw findingRefusals.finding_unknown()
  return resolved
}

/** Newest first. */
export async function listFindings(
  db: Db,
  { openOnly, page }: { openOnly: boolean; page: PageRequest },
): Promise<Page<Finding>> {
  const [items, total] = await Promise.all([
    selectFindings(db, { openOnly, limit: page.limit, offset: offsetOf(page) }),
    countFindings(db, { openOnly }),
  ])
  return { items, total }
}
