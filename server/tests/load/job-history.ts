import sql from 'sql-template-tag'
import { available, escrow, fees } from '#ledger'
import type { Store } from '#platform/db'
import { FEE, type Market, PRICE } from './market.ts'

export interface JobHistory {
  readonly market: Market
  /** How many completed jobs there shall have been. */
  readonly jobs: number
}

const CHUNK = 50_000
/** About as long as a signed receipt. */
const JWS_LENGTH = 1040

/**
 * Completed jobs of the past: orders, work, receipts, escrow accounts and both transfers of each, written by the
 * database itself. Only the signatures are missing.
 */
export async function fillJobs(store: Store, history: JobHistory): Promise<void> {
  const from = performance.now()
  for (let first = 1; first <= history.jobs; first += CHUNK) {
    await fillChunk(store, history.market, { first, last: Math.min(first + CHUNK - 1, history.jobs) })
  }
  const seconds = (performance.now() - from) / 1000
  console.log(`filled ${history.jobs} completed jobs in ${seconds.toFixed(1)} s`)
}

async function fillChunk(
  store: Store,
  { seller, buyers, serviceId }: Market,
  { first, last }: { first: number; last: number },
): Promise<void> {
  const buyerIds = buyers.map(({ agentId }) => agentId)
  const purses = buyerIds.map((id) => available('USDC', id))
  const escrowOf = escrow('USDC', '')
  const past = sql`
    past as materialized (
      select n, '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') as id, n % ${buyerIds.length}::int + 1 as buyer
      from generate_series(${first}::int, ${last}::int) as n
    )`
  await store.transact(async (tx) => {
    await tx.run(sql`insert into account (id, summed) values (${fees('USDC', 'jobs')}, true) on conflict do nothing`)
    await tx.run(sql`with ${past} insert into account (id) select ${escrowOf}::text || id from past order by n`)
    await tx.run(sql`
      with ${past},
      purse as materialized (
        select buyer, account.no from unnest(${purses}::text[]) with ordinality as p (id, buyer) join account using (id)
      ),
      party as materialized (
        select (select no from account where id = ${available('USDC', seller.agentId)}) as seller_no,
          (select no from account where id = ${fees('USDC', 'jobs')}) as fees_no
      ),
      job as materialized (
        select past.id, purse.no as purse_no, held.no as escrow_no, nextval('transfer_id') as placed, nextval('transfer_id') as closed
        from past join purse using (buyer) join account as held on held.id = ${escrowOf}::text || past.id order by n
      ),
      transfers as (
        insert into transfer (id, key, reason, subject, at)
        select placed, 'order:' || id || ':place', 'escrow_lock', id, ${tx.now}::timestamptz from job
        union all select closed, 'order:' || id || ':close', 'earned', id, ${tx.now}::timestamptz from job order by 1
      ),
      entries as (
        insert into entry (transfer_id, from_no, to_no, amount)
        select placed, purse_no, escrow_no, ${PRICE + FEE}::bigint from job
        union all select closed, escrow_no, seller_no, ${PRICE}::bigint from job, party
        union all select closed, escrow_no, fees_no, ${FEE}::bigint from job, party order by 1
      ),
      net as (
        select purse_no as no, -count(*) * ${PRICE + FEE}::bigint as amount from job group by purse_no
        union all select seller_no, (select count(*) from job) * ${PRICE}::bigint from party
      )
      update account set balance = account.balance + net.amount from net where account.no = net.no`)
    await tx.run(sql`
      with ${past},
      work as (
        insert into order_work (order_id, input, output)
        select id::uuid, '{"text": "The quick brown fox jumps over the lazy dog."}', '{"bullets": ["A fox jumps."]}'
        from past order by n
      )
      insert into orders (id, form, state, buyer_id, seller_id, listing_id, asset, price, fee, held, purse, terms,
        created_at, assigned_at, delivered_at, closed_at)
      select id::uuid, 'direct', 'completed', (${buyerIds}::uuid[])[buyer], ${seller.agentId}, ${serviceId}, 'USDC',
        ${PRICE}, ${FEE}, 0, (${purses}::text[])[buyer], '{}', ${tx.now}::timestamptz, ${tx.now}::timestamptz,
        ${tx.now}::timestamptz, ${tx.now}::timestamptz
      from past order by n`)
    await tx.run(sql`
      with ${past},
      head as (update receipt_head set seq = ${last}),
      tally as (update receipt_tally set seq = ${last})
      insert into receipt (seq, id, order_id, settlement_type, form, buyer_id, seller_id, asset, price, payout, fee,
        network, listing_id, delivered, latency_ms, jws, hash, issued_at)
      select n, md5(id)::uuid, id::uuid, 'escrow_release', 'direct', (${buyerIds}::uuid[])[buyer], ${seller.agentId},
        'USDC', ${PRICE}, ${PRICE}, ${FEE}, 'souk', ${serviceId}, true, 0,
        rpad(md5(id), ${JWS_LENGTH}::int, md5(reverse(id))), sha256(id::bytea), ${tx.now}::timestamptz
      from past order by n`)
    await tx.run(sql`
      with ${past}
      insert into receipt_party as party (party_id, bought, spent, sold, earned)
      select (${buyerIds}::uuid[])[buyer], count(*), count(*) * ${PRICE + FEE}::bigint, 0, 0 from past group by buyer
      union all select ${seller.agentId}::uuid, 0, 0, count(*), count(*) * ${PRICE}::bigint from past
      on conflict (party_id) do update set bought = party.bought + excluded.bought, spent = party.spent + excluded.spent,
        sold = party.sold + excluded.sold, earned = party.earned + excluded.earned`)
  })
}
