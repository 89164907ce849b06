import sql, { join, type Sql } from 'sql-template-tag'
import type { Db } from '#platform/db'
import { type Difference, MAX_SAMPLES } from './report.ts'

/*
 * The audit reads every table that says anything about money, and writes none. It shares no statement with the modules
 * whose work it checks. Every query is a few passes over whole tables, however many rows they have.
 */

/**
 * Gives the snapshot room to hash whole tables in memory, on one core: the market goes on meanwhile. Never row by row: with
 * statistics that are young, or a restore's that are not there yet, the planner takes large tables for empty ones.
 */
export async function makeRoom(db: Db): Promise<Date> {
  const row = await db.one<{ at: Date }>(sql`
    select set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true),
      set_config('enable_nestloop', 'off', true),
      set_config('jit', 'off', true), transaction_timestamp() as at`)
  return row?.at as Date
}

export interface Counts {
  readonly accounts: bigint
  readonly escrows: bigint
  readonly transfers: bigint
  readonly entries: bigint
  readonly openPayouts: bigint
  readonly receipts: bigint
  readonly completed: bigint
  readonly slots: bigint
}

/** How much there is to check. */
export async function countAll(db: Db): Promise<Counts> {
  return (await db.one<Counts>(sql`
    select account.*, entry.*, transfer.*, receipt.*, orders.*, slot.*, payout.* from
      (select count(*) as accounts, count(*) filter (where id like '%:escrow:%') as escrows from account) as account,
      (select count(*) as entries from entry) as entry,
      (select count(*) as transfers from transfer) as transfer,
      (select count(*) as receipts from receipt) as receipt,
      (select (select count(*) from orders where state = 'completed') + (select count(*) from purchase where state = 'settled' and order_id is null)
        as completed) as orders,
      (select count(*) as slots from direct_slot) as slot,
      (select count(*) as "openPayouts" from payout where ended_at is null) as payout`)) as Counts
}

function differencesBy(query: Sql): (db: Db) => Promise<Difference[]> {
  return (db) =>
    db.rows<Difference>(sql`
    select subject, coalesce(expected::text, 'nothing') as expected, coalesce(found::text, 'nothing') as found
    from (${query}) as difference limit ${MAX_SAMPLES}`)
}

/** What every account gained and lost by its entries. */
const MOVED = sql`
  select no, sum(amount) as total
  from (select to_no as no, amount from entry union all select from_no, -amount from entry) as side group by no`

/** Per asset, what all accounts hold together: kept balances, and what summed accounts have rolled up and gained since. */
export const assetsNotBalanced = differencesBy(sql`
  select split_part(id, ':', 1) as subject, '0' as expected, sum(holds) as found from (
    select id, balance as holds from account where not summed
    union all
    select account.id, coalesce(rollup.balance, 0)
      + coalesce((select sum(amount) from entry where to_no = account.no and transfer_id > coalesce(rollup.upto_transfer_id, 0)), 0)
      - coalesce((select sum(amount) from entry where from_no = account.no and transfer_id > coalesce(rollup.upto_transfer_id, 0)), 0)
    from account left join account_rollup as rollup on rollup.account_no = account.no where account.summed
  ) as held group by 1 having sum(holds) <> 0`)

export const balancesNotEntries = differencesBy(sql`
  select account.id as subject, coalesce(moved.total, 0) as expected, account.balance as found
  from account left join (${MOVED}) as moved using (no)
  where not account.summed and account.balance <> coalesce(moved.total, 0)`)

/** Rolled-up balances against the entries they stand for. */
export const rollupsNotEntries = differencesBy(sql`
  select account.id as subject, moved.total as expected, rollup.balance as found
  from account_rollup as rollup join account on account.no = rollup.account_no
  cross join lateral (
    select coalesce((select sum(amount) from entry where to_no = account.no and transfer_id <= rollup.upto_transfer_id), 0)
      - coalesce((select sum(amount) from entry where from_no = account.no and transfer_id <= rollup.upto_transfer_id), 0) as total
  ) as moved
  where rollup.balance <> moved.total or not account.summed`)

export const accountsBelowFloor = differencesBy(sql`
  select id as subject, '0 or more' as expected, balance as found from account where not summed and balance < 0`)

/** Every entry has its transfer and both accounts, and those are of one asset. */
export const entriesUnsound = differencesBy(sql`
  with home as materialized (select no, split_part(id, ':', 1) as asset from account)
  select 'an entry of transfer ' || entry.transfer_id as subject, 'its transfer, and two accounts of one asset' as expected,
    concat_ws(', ', case when transfer.id is null then 'no transfer' end,
      coalesce(source.asset, 'no account ' || entry.from_no), coalesce(target.asset, 'no account ' || entry.to_no)) as found
  from entry left join transfer on transfer.id = entry.transfer_id
    left join home as source on source.no = entry.from_no left join home as target on target.no = entry.to_no
  where transfer.id is null or source.asset is distinct from target.asset or source.asset is null`)

export const transfersWithoutEntries = differencesBy(sql`
  select key as subject, 'one entry or more' as expected, 'none' as found
  from transfer where not exists (select 1 from entry where entry.transfer_id = transfer.id)`)

/** D-27: escrow is what the open order of the same id holds, and nothing where there is none. */
export const escrowsNotHeld = differencesBy(sql`
  select id as subject, coalesce(wanted.held, 0) as expected, coalesce(account.balance, 0) as found
  from (select id, balance from account where balance <> 0 and id like '%:escrow:%') as account
  full join (
    select lower(asset) || ':escrow:' || id as id, held from orders where closed_at is null and held <> 0
  ) as wanted using (id)
  where account.balance is distinct from wanted.held`)

/** What is set aside for withdrawals is what the payouts under way will need. */
export const pendingNotPayouts = differencesBy(sql`
  select id as subject, coalesce(wanted.gross, 0) as expected, coalesce(account.balance, 0) as found
  from (
    select id, balance from account
    where balance <> 0 and id not like '%:escrow:%'
      and (id like '%:pending:%' or id in (select held_in from payout where ended_at is null))
  ) as account
  full join (
    select held_in as id, sum(gross) as gross from payout where ended_at is null and held_in not like '%:escrow:%' group by held_in
  ) as wanted using (id)
  where coalesce(account.balance, 0) <> coalesce(wanted.gross, 0)`)

/** An order whose money is under way over a chain has one payout that has not landed, of what it holds or less; no other has one. */
export const orderPayoutsNotOrders = differencesBy(sql`
  select 'order ' || coalesce(wanted.id, payout.order_id) as subject,
    case when wanted.id is null then 'no payout' else 'one payout of ' || wanted.held || ' or less' end as expected,
    payout.count || ' of ' || payout.gross as found
  from (select id, held from orders where state = 'completing' and held > 0) as wanted
  full join (
    select order_id, count(*) as count, sum(gross) as gross from payout
    where order_id is not null and ended_at is null and landed_at is null and held_in like '%:escrow:%' group by order_id
  ) as payout on payout.order_id = wanted.id
  where payout.count is distinct from 1 or wanted.id is null or payout.gross > wanted.held`)

/**
 * Whether a signed text holds a fragment of its payload, found without decoding: in base64 a run of bytes has three looks,
 * by where it begins. Cut to the characters that belong to it alone. The fragments here are plain ASCII, so that they look
 * the same in base64url.
 */
function payloadHolds(fragment: Sql): Sql {
  const looks = [0, 1, 2].map((shift) => {
    const bytes = sql`convert_to(${'x'.repeat(shift)}::text || ${fragment}, 'UTF8')`
    const first = Math.ceil((shift * 8) / 6)
    return sql`strpos(jws, substr(replace(encode(${bytes}, 'base64'), chr(10), ''), ${first}::int + 1,
      octet_length(${bytes}) * 8 / 6 - ${first}::int)) > 0`
  })
  return sql`(${join(looks, ' or ')})`
}

/**
 * Each receipt follows the one before without a gap, has the hash of its own text, and carries in its signed payload
 * what stands in its columns and the hash before (D-19). The payload is canonical JSON: its members come in the order of
 * their names, so that neighbours are found together, and `"previous":"…"` can only be that member.
 */
export const receiptsOutOfChain = differencesBy(sql`
  select 'receipt ' || seq as subject, told[1] as expected, told[2] as found from (
    select receipt.seq, case
      when before.seq is null and receipt.seq <> 1 then array['a receipt numbered ' || receipt.seq - 1 || ' before it', null]
      when receipt.hash <> sha256(convert_to(jws, 'UTF8')) then array['the hash of its text', 'another hash']
      when not ${payloadHolds(sql`'"orderId":"' || order_id || '","payout":"' || payout || '","previous":"'
          || coalesce(encode(before.hash, 'hex'), repeat('00', 32)) || '","price":"' || price || '"'`)}
        or not ${payloadHolds(sql`'"asset":"' || asset || '","buyerId":"' || buyer_id || '"'`)}
        or not ${payloadHolds(sql`'"fee":"' || fee || '","form":"' || form || '","id":"' || id || '"'`)}
        or not ${payloadHolds(sql`coalesce('"sellerId":"' || seller_id, '"requestId":"' || request_id, '"price":"' || price)
          || '","seq":"' || receipt.seq || '","settlementType":"' || settlement_type || '"'`)}
        then array['the hash of the receipt before and what its columns say, of order ' || order_id, 'another payload']
    end as told
    from receipt left join (select seq, hash from receipt) as before on before.seq = receipt.seq - 1
  ) as judged
  where told is not null
  union all
  select 'head of the receipts', coalesce(last.seq, 0)::text, head.seq::text || case when head.seq = last.seq then ' with another hash' else '' end
  from receipt_head as head left join lateral (select seq, hash from receipt order by seq desc limit 1) as last on true
  where head.seq <> coalesce(last.seq, 0) or head.hash <> coalesce(last.hash, ${Buffer.alloc(32)}::bytea)`)

/** Every completed order and every settled purchase of no order has one receipt by which its seller was paid, and nothing else has one. */
export const ordersNotReceipted = differencesBy(sql`
  select 'order ' || coalesce(done.id, receipt.order_id) as subject,
    case when done.id is null then 'a completed order' else 'a receipt' end as expected,
    case when done.id is null then 'receipt ' || receipt.seq end as found
  from (
    select id from orders where state = 'completed' union all select id from purchase where state = 'settled' and order_id is null
  ) as done
  full join (
    select order_id, seq from receipt where settlement_type in ('direct', 'escrow_release', 'external')
  ) as receipt on receipt.order_id = done.id
  where done.id is null or receipt.order_id is null`)

/** Sums of every party's trades against the receipts up to where they were tallied, and distinct buyers against the pairs. */
export const talliesNotReceipts = differencesBy(sql`
  with payment as (
    select receipt.* from receipt join receipt_tally as tally on receipt.seq <= tally.seq
    where asset = 'USDC' and seller_id is not null and settlement_type in ('direct', 'escrow_release', 'external')
  ),
  counted as (
    select id, sum(bought) as bought, sum(spent) as spent, sum(sold) as sold, sum(earned) as earned from (
      select buyer_id as id, 1 as bought, payout + fee as spent, 0 as sold, 0 as earned from payment
      union all select seller_id, 0, 0, 1, payout from payment
    ) as side group by id
  )
  select 'trades of ' || coalesce(counted.id, party.party_id) as subject,
    nullif(concat_ws(', ', counted.bought, counted.spent, counted.sold, counted.earned), '') as expected,
    nullif(concat_ws(', ', party.bought, party.spent, party.sold, party.earned), '') as found
  from counted full join receipt_party as party on party.party_id = counted.id
  where (counted.bought, counted.spent, counted.sold, counted.earned)
    is distinct from (party.bought, party.spent, party.sold, party.earned)
  union all
  select 'buyers of ' || party_id, coalesce(pairs.buyers, 0)::text, party.buyers::text
  from receipt_party as party left join (
    select seller_id as party_id, count(*) as buyers from receipt_pair join receipt_funded as funded
      on funded.party_id = receipt_pair.buyer_id group by seller_id
  ) as pairs using (party_id)
  where party.buyers <> coalesce(pairs.buyers, 0)`)

/** Slots of direct jobs against the jobs themselves. */
export const slotsNotOrders = differencesBy(sql`
  select 'service ' || service_id as subject,
    coalesce(counted.active, 0) || ' at work, ' || coalesce(counted.queued, 0) || ' waiting' as expected,
    coalesce(slot.active, 0) || ' at work, ' || coalesce(slot.queued, 0) || ' waiting' as found
  from direct_slot as slot full join (
    select service_id, sum(active) as active, sum(queued) as queued from (
      select listing_id as service_id, (state in ('pending', 'assigned'))::int as active, (state = 'queued')::int as queued
      from orders where closed_at is null and form = 'direct' and listing_id is not null
      union all
      select service_id, (not waits)::int, waits::int from direct_reservation
    ) as taken group by service_id
  ) as counted using (service_id)
  where coalesce(slot.active, 0) <> coalesce(counted.active, 0) or coalesce(slot.queued, 0) <> coalesce(counted.queued, 0)`)

export interface SignedReceipt {
  readonly seq: bigint
  readonly jws: string
}

/** Newest first. */
export async function receiptsBefore(db: Db, { seq, limit }: { seq: bigint; limit: number }): Promise<SignedReceipt[]> {
  return db.rows(sql`select seq, jws from receipt where seq < ${seq} order by seq desc limit ${limit}`)
}
