import { createHash } from 'node:crypto'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import { canonicalJson } from '#platform/canonical-json'
import type { Tx } from '#platform/db'
import type { ReceiptKey } from './key.ts'
import { insertReceipts, lockHead, type Receipt } from './store.ts'

/** What was settled between whom; every trade form gives the same facts (D-19). */
export interface Settlement {
  readonly orderId: string
  readonly form: string
  readonly buyerId: string
  readonly sellerId: string
  readonly asset: string
  /** What the bargain cost without a fee on top. */
  readonly price: Micros
  /** What reached the seller. */
  readonly payout: Micros
  readonly fee: Micros
}

export type IssueReceipts = (tx: Tx, settlements: readonly Settlement[]) => Promise<void>

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
      const id = newId()
      const payload = receiptPayload({ id, seq: seq + 1n, previous: hash, issuer, issuedAt: tx.now, settlement })
      const jws = key.signJws(payload)
      seq += 1n
      hash = createHash('sha256').update(jws).digest()
      const { orderId, buyerId, sellerId } = settlement
      receipts.push({ seq, id, orderId, buyerId, sellerId, jws, hash, issuedAt: tx.now })
    }
    tx.later(insertReceipts(tx, receipts))
  }
}

interface ReceiptFacts {
  readonly id: string
  readonly seq: bigint
  readonly previous: Buffer
  readonly issuer: string
  readonly issuedAt: Date
  readonly settlement: Settlement
}

/** Canonical JSON (RFC 8785) of strings only, so that every language signs and reads the same bytes. */
export function receiptPayload({ id, seq, previous, issuer, issuedAt, settlement }: ReceiptFacts): string {
  return canonicalJson({
    version: '1',
    id,
    seq: String(seq),
    previous: previous.toString('hex'),
    issuer,
    issuedAt: issuedAt.toISOString(),
    orderId: settlement.orderId,
    form: settlement.form,
    buyerId: settlement.buyerId,
    sellerId: settlement.sellerId,
    asset: settlement.asset,
    price: String(settlement.price),
    payout: String(settlement.payout),
    fee: String(settlement.fee),
  })
}
