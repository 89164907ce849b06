import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'

export interface Receipt {
  readonly seq: bigint
  readonly id: string
  readonly orderId: string
  readonly buyerId: string
  readonly sellerId: string
  /** Compact JWS; its payload is the receipt. */
  readonly jws: string
  /** SHA-256 of the JWS: what the next receipt carries as `previous`. */
  readonly hash: Buffer
  readonly issuedAt: Date
}

export async function lockHead(tx: Tx): Promise<{ seq: bigint; hash: Buffer }> {
  const head = await tx.one<{ seq: bigint; hash: Buffer }>(sql`select seq, hash from receipt_head for no key update`)
  if (!head) throw new Error('the receipt chain has no head')
  return head
}

export async function insertReceipts(tx: Tx, receipts: readonly Receipt[]): Promise<void> {
  const last = receipts.at(-1)
  await tx.run(sql`
    with moved as (update receipt_head set seq = ${last?.seq}::bigint, hash = ${last?.hash}::bytea)
    insert into receipt (seq, id, order_id, buyer_id, seller_id, jws, hash, issued_at)
    select * from unnest(
      ${receipts.map(({ seq }) => seq)}::bigint[],
      ${receipts.map(({ id }) => id)}::uuid[],
      ${receipts.map(({ orderId }) => orderId)}::uuid[],
      ${receipts.map(({ buyerId }) => buyerId)}::uuid[],
      ${receipts.map(({ sellerId }) => sellerId)}::uuid[],
      ${receipts.map(({ jws }) => jws)}::text[],
      ${receipts.map(({ hash }) => hash)}::bytea[],
      ${receipts.map(({ issuedAt }) => issuedAt)}::timestamptz[])`)
}

export async function receiptOf(db: Db, orderId: string): Promise<Receipt | undefined> {
  return db.one<Receipt>(sql`
    select seq, id, order_id as "orderId", buyer_id as "buyerId", seller_id as "sellerId", jws, hash, issued_at as "issuedAt"
    from receipt where order_id = ${orderId}`)
}

/** A stretch of the chain in order, for checking it. */
export async function receiptsAfter(db: Db, seq: bigint, limit: number): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`
    select seq, id, order_id as "orderId", buyer_id as "buyerId", seller_id as "sellerId", jws, hash, issued_at as "issuedAt"
    from receipt where seq > ${seq} order by seq limit ${limit}`)
}

/** How many settlements each party had as the buyer; parties without any are left out. */
export async function completedAsBuyer(db: Db, partyIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.rows<{ buyerId: string; completed: bigint }>(sql`
    select buyer_id as "buyerId", count(*) as completed from receipt
    where buyer_id = any(${partyIds}::uuid[]) group by buyer_id`)
  return new Map(rows.map(({ buyerId, completed }) => [buyerId, Number(completed)]))
}

/** What a buyer's bargains ended with, newest first. */
export async function receiptsOfBuyer(
  db: Db,
  { buyerId, limit }: { buyerId: string; limit: number },
): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`
    select seq, id, order_id as "orderId", buyer_id as "buyerId", seller_id as "sellerId", jws, hash, issued_at as "issuedAt"
    from receipt where buyer_id = ${buyerId} order by seq desc limit ${limit}`)
}
