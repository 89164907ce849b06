import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import { PAYMENT_TYPES, type SettlementType } from './receipt.ts'

/** The asset that counts: credits cost nothing, so they prove nothing. */
export const COUNTED = 'USDC'

/** What the tally looks at of a receipt. */
export interface TalliedReceipt {
  readonly seq: bigint
  readonly type: SettlementType
  readonly buyerId: string
  readonly sellerId: string | null
  readonly asset: string
  readonly payout: Micros
  readonly fee: Micros
  readonly network: string
  /** What paid on a chain. */
  readonly buyerWallet: string | null
  readonly delivered: boolean | null
}

/** Claims the tally and reads what it has not counted; nothing when another process is at it. */
export async function claimUncounted(tx: Tx, limit: number): Promise<TalliedReceipt[]> {
  return tx.rows<TalliedReceipt>(sql`
    with tally as materialized (select seq from receipt_tally for update skip locked)
    select fresh.* from tally, lateral (
      select seq, settlement_type as type, buyer_id as "buyerId", seller_id as "sellerId", asset, payout, fee, network,
        buyer_wallet as "buyerWallet", delivered
      from receipt where receipt.seq > tally.seq order by receipt.seq limit ${limit}
    ) as fresh order by fresh.seq`)
}

/** Waits for whoever is counting: what is known of funding and the counts change one after the other. */
export async function lockTally(tx: Tx): Promise<void> {
  await tx.one(sql`select 1 from receipt_tally for update`)
}

export async function moveTally(tx: Tx, seq: bigint): Promise<void> {
  await tx.run(sql`update receipt_tally set seq = ${seq}`)
}

/** Whether there is anything to count, without a lock. */
export async function hasUncounted(db: Db): Promise<boolean> {
  return (
    (await db.one(sql`select 1 from receipt_tally as tally, receipt_head as head where head.seq > tally.seq`)) !==
    undefined
  )
}

export interface PartyGain {
  readonly partyId: string
  readonly bought: bigint
  readonly spent: Micros
  readonly sold: bigint
  readonly earned: Micros
  readonly sales: bigint
  readonly undelivered: bigint
}

export async function addGains(tx: Tx, gains: readonly PartyGain[]): Promise<void> {
  await tx.run(sql`
    insert into receipt_party as party (party_id, bought, spent, sold, earned, sales, undelivered)
    select * from unnest(
      ${gains.map(({ partyId }) => partyId)}::uuid[],
      ${gains.map(({ bought }) => bought)}::bigint[],
      ${gains.map(({ spent }) => spent)}::bigint[],
      ${gains.map(({ sold }) => sold)}::bigint[],
      ${gains.map(({ earned }) => earned)}::bigint[],
      ${gains.map(({ sales }) => sales)}::bigint[],
      ${gains.map(({ undelivered }) => undelivered)}::bigint[])
    on conflict (party_id) do update set
      bought = party.bought + excluded.bought, spent = party.spent + excluded.spent,
      sold = party.sold + excluded.sold, earned = party.earned + excluded.earned,
      sales = party.sales + excluded.sales, undelivered = party.undelivered + excluded.undelivered`)
}

export interface Pair {
  readonly sellerId: string
  readonly buyerId: string
}

export async function notePairs(tx: Tx, pairs: readonly Pair[]): Promise<void> {
  await tx.run(sql`
    insert into receipt_pair (seller_id, buyer_id)
    select * from unnest(${pairs.map(({ sellerId }) => sellerId)}::uuid[], ${pairs.map(({ buyerId }) => buyerId)}::uuid[])
    on conflict do nothing`)
}

export async function noteFunded(tx: Tx, partyIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    insert into receipt_funded (party_id) select unnest(${partyIds}::uuid[]) on conflict do nothing`)
}

/** Counts funded buyers in at the sellers they bought from, each pair once. */
export async function countFundedBuyers(tx: Tx, buyerIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    with fresh as (
      update receipt_pair set counted = true from receipt_funded as funded
      where receipt_pair.buyer_id = any(${buyerIds}::uuid[]) and not counted and funded.party_id = receipt_pair.buyer_id
      returning seller_id
    )
    update receipt_party as party set buyers = party.buyers + gained.buyers
    from (select seller_id, count(*) as buyers from fresh group by seller_id) as gained
    where party.party_id = gained.seller_id`)
}

/** A party's trades in USDC; deposits and refunds are none (PA-21). */
export interface Trades {
  readonly bought: bigint
  readonly spent: Micros
  readonly sold: bigint
  readonly earned: Micros
}

const NOTHING: Trades = { bought: 0n, spent: 0n, sold: 0n, earned: 0n }

/** Exact at any moment: what the tally has counted, and what has been settled since. */
export async function tradesOf(db: Db, partyIds: readonly string[]): Promise<Map<string, Trades>> {
  const rows = await db.rows<Trades & { partyId: string }>(sql`
    select asked.id as "partyId", coalesce(party.bought, 0) + fresh_buys.bought as bought,
      coalesce(party.spent, 0) + fresh_buys.spent as spent, coalesce(party.sold, 0) + fresh_sales.sold as sold,
      coalesce(party.earned, 0) + fresh_sales.earned as earned
    from unnest(${partyIds}::uuid[]) as asked (id) cross join receipt_tally as tally
      left join receipt_party as party on party.party_id = asked.id
      cross join lateral (
        select count(*) as bought, coalesce(sum(payout + fee), 0)::bigint as spent from receipt
        where buyer_id = asked.id and receipt.seq > tally.seq and asset = ${COUNTED}
          and settlement_type = any(${PAYMENT_TYPES})
      ) as fresh_buys
      cross join lateral (
        select count(*) as sold, coalesce(sum(payout), 0)::bigint as earned from receipt
        where seller_id = asked.id and receipt.seq > tally.seq and asset = ${COUNTED}
          and settlement_type = any(${PAYMENT_TYPES})
      ) as fresh_sales`)
  const found = new Map(rows.map(({ partyId, ...trades }) => [partyId, trades]))
  return new Map(partyIds.map((id) => [id, found.get(id) ?? NOTHING]))
}

/** What a seller's reputation is made of (PA-64). */
export interface Sales {
  /** To others than itself. */
  readonly sales: number
  /** Of these, paid for and not delivered. */
  readonly undelivered: number
  /** Distinct buyers that have brought money from outside. */
  readonly buyers: number
}

/** As of the last tally, a moment ago; sellers that never sold are left out. */
export async function salesOf(db: Db, partyIds: readonly string[]): Promise<Map<string, Sales>> {
  const rows = await db.rows<Sales & { partyId: string }>(sql`
    select party_id as "partyId", sales::float8 as sales, undelivered::float8 as undelivered, buyers::float8 as buyers
    from receipt_party where party_id = any(${partyIds}::uuid[])`)
  return new Map(rows.map(({ partyId, ...sales }) => [partyId, sales]))
}

/** Sellers with the most distinct buyers that have brought money from outside; none without any. */
export async function provenSellers(db: Db, limit: number): Promise<string[]> {
  const rows = await db.rows<{ partyId: string }>(sql`
    select party_id as "partyId" from receipt_party where buyers > 0 order by buyers desc, party_id limit ${limit}`)
  return rows.map(({ partyId }) => partyId)
}
