import { createHash } from 'node:crypto'
import { newId } from '#kernel/id'
import { canonicalJson } from '#platform/canonical-json'
import type { Tx } from '#platform/db'
import type { ReceiptKey } from './key.ts'
import { type Circumstances, INSIDE, type Receipt, type Settlement } from './receipt.ts'
import { insertReceipts, lockHead } from './store.ts'

export type IssueReceipts = (tx: Tx, settlements: readonly Settlement[]) => Promise<void>

/** What is not said of a settlement. */
const UNSAID: Circumstances = {
  network: INSIDE,
  txHash: null,
  buyerWallet: null,
  listingId: null,
  offerId: null,
  requestId: null,
  externalResourceId: null,
  delivered: null,
  deliveryStatus: null,
  latencyMs: null,
}

/**
 * Signs and chains receipts inside the settling transaction. The head of the chain is locked last of all locks, and only
 * from here to the commit, so settlements of many processes queue for a moment and never in a circle.
 */
export function createReceiptIssuer({ key, issuer }: { key: ReceiptKey; issuer: string }): IssueReceipts {
  return async (tx, settlements) => {
    if (settlements.length === 0) return
    let { seq, hash } = await lockHead(tx)
    const receipts: Receipt[] = []
    for (const settlement of settlements) {
      const unsigned = { ...UNSAID, ...settlement, id: newId(), seq: seq + 1n, issuedAt: tx.now }
      const jws = key.signJws(receiptPayload(unsigned, { previous: hash, issuer }))
      seq += 1n
      hash = createHash('sha256').update(jws).digest()
      receipts.push({ ...unsigned, jws, hash })
    }
    tx.later(insertReceipts(tx, receipts))
  }
}

/** Canonical JSON (RFC 8785) of strings only, so that every language signs and reads the same bytes; nulls are left out. */
function receiptPayload(
  { type, issuedAt, ...facts }: Omit<Receipt, 'jws' | 'hash'>,
  { previous, issuer }: { previous: Buffer; issuer: string },
): string {
  const said = {
    ...facts,
    version: '1',
    settlementType: type,
    previous: previous.toString('hex'),
    issuer,
    issuedAt: issuedAt.toISOString(),
  }
  const texts = Object.entries(said).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]))
  return canonicalJson(Object.fromEntries(texts))
}
