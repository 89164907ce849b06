import sql, { raw, type Sql } from 'sql-template-tag'
import { type SearchQuery, searchText } from '#kernel/search'
import type { Db, Tx } from '#platform/db'
import { fitOf, tsqueryOf, tsvectorOf } from '#platform/db/full-text'
import type { Bid, RequestStatus, WorkRequest } from './request.ts'

const COLUMNS =
  raw(`id, buyer_id as "buyerId", title, description, budget, escrow, status, consented_at as "consentedAt",
  reason, told_at as "toldAt", created_at as "createdAt", updated_at as "updatedAt"`)
const BID = raw(`id, request_id as "requestId", bidder_id as "bidderId", price,
  estimated_duration_seconds as "estimatedDurationSeconds", message, status, created_at as "createdAt"`)

type NewRequest = Pick<WorkRequest, 'id' | 'buyerId' | 'title' | 'description' | 'budget' | 'escrow' | 'status'>

export async function insertRequest(tx: Tx, request: NewRequest): Promise<void> {
  const { id, buyerId, title, description, budget, escrow, status } = request
  const search = tsvectorOf(searchText({ title, topics: [], body: description }))
  await tx.run(sql`
    insert into request (id, buyer_id, title, description, budget, escrow, status, search, created_at, updated_at)
    values (${id}, ${buyerId}, ${title}, ${description}, ${budget}, ${escrow}, ${status}, ${search}, ${tx.now}, ${tx.now})`)
}

/** In the commits that move their orders. */
export async function saveStatuses(
  tx: Tx,
  requests: readonly { readonly id: string; readonly status: RequestStatus }[],
): Promise<void> {
  await tx.run(sql`
    update request set status = next.status, updated_at = ${tx.now}
    from unnest(${requests.map(({ id }) => id)}::uuid[], ${requests.map(({ status }) => status)}::text[]) as next (id, status)
    where request.id = next.id`)
}

export async function requestById(db: Db, id: string): Promise<WorkRequest | undefined> {
  return db.one<WorkRequest>(sql`select ${COLUMNS} from request where id = ${id}`)
}

/** Open ones, newest first (PA-34). */
export async function openRequests(db: Db, limit: number): Promise<WorkRequest[]> {
  return db.rows<WorkRequest>(sql`
    select ${COLUMNS} from request where status = 'open' order by id desc limit ${limit}`)
}

/** Those in a status that have all the words, the best first. */
export async function selectRequests(
  db: Db,
  { query, status, limit }: { query: SearchQuery; status: RequestStatus; limit: number },
): Promise<WorkRequest[]> {
  const fit: Sql = fitOf({ search: sql`search`, title: sql`title` }, query)
  return db.rows<WorkRequest>(sql`
    select ${COLUMNS} from request where status = ${status} and search @@ (${tsqueryOf(query)})
    order by ${fit} desc, id desc limit ${limit}`)
}

export async function saveReason(tx: Tx, { id, reason }: { id: string; reason: string | null }): Promise<void> {
  await tx.run(sql`update request set reason = ${reason} where id = ${id}`)
}

export async function saveConsent(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update request set consented_at = coalesce(consented_at, ${tx.now}) where id = ${id}`)
}

/** Whoever waits for money that is under way waits alone; false while somebody else does. */
export async function claimWait(tx: Tx, { id, forMs }: { id: string; forMs: number }): Promise<boolean> {
  const rows = await tx.run(sql`
    update request set waited_until = clock_timestamp() + ${forMs} * interval '1 ms'
    where id = ${id} and (waited_until is null or waited_until < clock_timestamp())`)
  return rows > 0
}

export async function renewWait(tx: Tx, { id, forMs }: { id: string; forMs: number }): Promise<void> {
  await tx.run(sql`
    update request set waited_until = clock_timestamp() + ${forMs} * interval '1 ms' where id = ${id} and waited_until is not null`)
}

export async function endWait(tx: Tx, id: string): Promise<void> {
  await tx.run(sql`update request set waited_until = null where id = ${id}`)
}

/** The buyer hears what came of the money. True the first time. */
export async function markTold(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.run(sql`
    update request set told_at = ${tx.now}, waited_until = null where id = ${id} and told_at is null`)
  return rows > 0
}

export async function insertBid(tx: Tx, bid: Omit<Bid, 'status' | 'createdAt'>): Promise<void> {
  await tx.run(sql`
    insert into bid (id, request_id, bidder_id, price, estimated_duration_seconds, message, status, created_at)
    values (${bid.id}, ${bid.requestId}, ${bid.bidderId}, ${bid.price}, ${bid.estimatedDurationSeconds}, ${bid.message},
      'pending', ${tx.now})`)
}

/** What a bidder offered before makes room for what it offers now. */
export async function withdrawBids(
  tx: Tx,
  { requestId, bidderId }: Pick<Bid, 'requestId' | 'bidderId'>,
): Promise<void> {
  await tx.run(sql`
    update bid set status = 'withdrawn'
    where request_id = ${requestId} and bidder_id = ${bidderId} and status = 'pending'`)
}

export async function bidById(db: Db, id: string): Promise<Bid | undefined> {
  return db.one<Bid>(sql`select ${BID} from bid where id = ${id}`)
}

/** The pending bid becomes the accepted one and all others rejected; false when it is not pending any more. */
export async function chooseBid(tx: Tx, { id, requestId }: Pick<Bid, 'id' | 'requestId'>): Promise<boolean> {
  const chosen = await tx.run(sql`update bid set status = 'accepted' where id = ${id} and status = 'pending'`)
  await tx.run(sql`update bid set status = 'rejected' where request_id = ${requestId} and status = 'pending'`)
  return chosen > 0
}

/** Oldest first. */
export async function bidsOf(db: Db, { requestId, limit }: { requestId: string; limit: number }): Promise<Bid[]> {
  return db.rows<Bid>(sql`select ${BID} from bid where request_id = ${requestId} order by id limit ${limit}`)
}
