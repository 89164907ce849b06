import sql from 'sql-template-tag'
import { expect } from 'vitest'
import type { Market } from './market.ts'

/** D-18, by the market's own audit and by sums made here that share no line of code with it. */
export async function booksAreClean(market: Pick<Market, 'insist' | 'operatorKey' | 'store'>): Promise<void> {
  const { store, insist, operatorKey } = market
  const violations = await store.snapshot((db) =>
    db.rows(sql`
      select 'balance is not the sum of its entries' as violation, a.id, a.balance::text as is, sums.total::text as should_be
      from account a cross join lateral (
        select coalesce((select sum(amount) from entry where to_no = a.no), 0)
          - coalesce((select sum(amount) from entry where from_no = a.no), 0) as total
      ) as sums
      where not a.summed and a.balance <> sums.total
      union all
      select 'below zero', id, balance::text, '>= 0' from account where not summed and balance < 0
      union all
      select 'escrow differs from what its order holds', a.id, a.balance::text, coalesce(o.held, 0)::text
      from account a left join orders o on a.id = lower(o.asset) || ':escrow:' || o.id
      where a.id like '%:escrow:%' and a.balance <> coalesce(o.held, 0)
      union all
      select 'an entry without a transfer', e.transfer_id::text, e.amount::text, ''
      from entry e left join transfer t on t.id = e.transfer_id where t.id is null
      union all
      select 'pending differs from the payouts under way', a.id, a.balance::text, coalesce(sum(p.gross), 0)::text
      from account a left join payout p on p.held_in = a.id and p.ended_at is null
      where a.id like '%:pending:%' group by a.id, a.balance having a.balance <> coalesce(sum(p.gross), 0)
      union all
      select 'more than one transaction of a payout landed', payout_id::text, count(*)::text, '1'
      from payout_attempt where state = 'landed' group by payout_id having count(*) > 1`),
  )
  expect(violations).toEqual([])
  const audit = await insist({ method: 'GET', path: '/api/v1/admin/audit', key: operatorKey })
  expect(audit.status).toBe(200)
  expect(audit.body).toMatchObject({ ok: true })
}
