import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'
import { PAYMENT_TYPES, type Receipt } from './receipt.ts'

const COLUMNS = sql`
  seq, id, order_id as "orderId", settlement_type as type, form, buyer_id as "buyerId", seller_id as "sellerId", asset,
  price, payout, fee, network, tx_hash as "txHash", buyer_wallet as "buyerWallet", listing_id as "listingId",
  offer_id as "offerId", request_id as "requestId", external_resource_id as "externalResourceId", delivered,
  delivery_status as "deliveryStatus", latency_ms::float8 as "latencyMs", jws, hash, issued_at as "issuedAt"`

export async function lockHead(tx: Tx): Promise<{ seq: bigint; hash: Buffer }> {
  const head = await tx.one<{ seq: bigint; hash: Buffer }>(sql`select seq, hash from receipt_head for no key update`)
  if (!head) throw new Error('the receipt chain has no head')
  return head
}

export async function insertReceipts(tx: Tx, receipts: readonly Receipt[]): Promise<void> {
  const last = receipts.at(-1)
  await tx.run(sql`
    with moved as (update receipt_head set seq = ${last?.seq}::bigint, hash = ${last?.hash}::bytea)
    insert into receipt (seq, id, order_id, settlement_type, form, buyer_id, seller_id, asset, price, payout, fee, network,
      tx_hash, buyer_wallet, listing_id, offer_id, request_id, external_resource_id, delivered, delivery_status, latency_ms,
      jws, hash, issued_at)
    select * from unnest(
      ${receipts.map(({ seq }) => seq)}::bigint[],
      ${receipts.map(({ id }) => id)}::uuid[],
      ${receipts.map(({ orderId }) => orderId)}::uuid[],
      ${receipts.map(({ type }) => type)}::text[],
      ${receipts.map(({ form }) => form)}::text[],
      ${receipts.map(({ buyerId }) => buyerId)}::uuid[],
      ${receipts.map(({ sellerId }) => sellerId)}::uuid[],
      ${receipts.map(({ asset }) => asset)}::text[],
      ${receipts.map(({ price }) => price)}::bigint[],
      ${receipts.map(({ payout }) => payout)}::bigint[],
      ${receipts.map(({ fee }) => fee)}::bigint[],
      ${receipts.map(({ network }) => network)}::text[],
      ${receipts.map(({ txHash }) => txHash)}::text[],
      ${receipts.map(({ buyerWallet }) => buyerWallet)}::text[],
      ${receipts.map(({ listingId }) => listingId)}::uuid[],
      ${receipts.map(({ offerId }) => offerId)}::uuid[],
      ${receipts.map(({ requestId }) => requestId)}::uuid[],
      ${receipts.map(({ externalResourceId }) => externalResourceId)}::text[],
      ${receipts.map(({ delivered }) => delivered)}::boolean[],
      ${receipts.map(({ deliveryStatus }) => deliveryStatus)}::integer[],
      ${receipts.map(({ latencyMs }) => latencyMs)}::bigint[],
      ${receipts.map(({ jws }) => jws)}::text[],
      ${receipts.map(({ hash }) => hash)}::bytea[],
      ${receipts.map(({ issuedAt }) => issuedAt)}::timestamptz[])`)
}

/** The receipt by which the seller of an order was paid. */
export async function receiptOf(db: Db, orderId: string): Promise<Receipt | undefined> {
  return db.one<Receipt>(sql`
    select ${COLUMNS} from receipt where order_id = ${orderId} and settlement_type = any(${PAYMENT_TYPES})`)
}

/** All of an order's, in the order of their issue. */
export async function receiptsOfOrder(db: Db, orderId: string): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`select ${COLUMNS} from receipt where order_id = ${orderId} order by seq`)
}

/** The ids of the receipts by which sellers were paid, by order or purchase. */
export async function receiptIdsOf(db: Db, orderIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.rows<{ orderId: string; id: string }>(sql`
    select order_id as "orderId", id from receipt
    where order_id = any(${listed(orderIds, 'uuid')}) and settlement_type = any(${PAYMENT_TYPES})`)
  return new Map(rows.map(({ orderId, id }) => [orderId, id]))
}

export async function receiptById(db: Db, id: string): Promise<Receipt | undefined> {
  return db.one<Receipt>(sql`select ${COLUMNS} from receipt where id = ${id}`)
}

/** A stretch of the chain in order, for checking it. */
export async function receiptsAfter(db: Db, seq: bigint, limit: number): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`select ${COLUMNS} from receipt where seq > ${seq} order by seq limit ${limit}`)
}

/** What a list goes on from: it shows what is older than `before`. */
export interface Stretch {
  readonly before?: bigint | undefined
  readonly limit: number
}

const ABOVE_ALL = 2n ** 63n - 1n

/** Everybody's, newest first (PA-57). */
export async function newestReceipts(db: Db, { before = ABOVE_ALL, limit }: Stretch): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`select ${COLUMNS} from receipt where seq < ${before} order by seq desc limit ${limit}`)
}

export type Side = 'buyer' | 'seller' | 'both'

/** A party's on one side of the trade or on both, newest first (PA-20). */
export async function receiptsOfParty(
  db: Db,
  { partyId, side, before = ABOVE_ALL, limit }: Stretch & { partyId: string; side: Side },
): Promise<Receipt[]> {
  // Each side follows its own index; the few rows of both are sorted together.
  return db.rows<Receipt>(sql`
    select ${COLUMNS} from (
      (select * from receipt where buyer_id = ${partyId} and seq < ${before} and ${side} <> 'seller'
        order by seq desc limit ${limit})
      union all
      (select * from receipt where seller_id = ${partyId} and buyer_id <> ${partyId} and seq < ${before} and ${side} <> 'buyer'
        order by seq desc limit ${limit})
    ) as found order by seq desc limit ${limit}`)
}

/** What a buyer's bargains in an asset ended with, newest first; deposits and refunds are left out. */
export async function paymentsBy(
  db: Db,
  { buyerId, asset, limit }: { buyerId: string; asset: string; limit: number },
): Promise<Receipt[]> {
  return db.rows<Receipt>(sql`
    select ${COLUMNS} from receipt
    where buyer_id = ${buyerId} and asset = ${asset} and settlement_type = any(${PAYMENT_TYPES})
    order by seq desc limit ${limit}`)
}
