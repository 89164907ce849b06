import sql from 'sql-template-tag'
import { type AccountId, available, openAccounts, postEach, world } from '#ledger'
import type { Db, Store } from '#platform/db'

export const OUTSIDE = world('USDC', 'bench')

/** Enough that nobody ever runs dry. */
export const PLENTY = 10n ** 12n

/** Accounts with plenty of money in them, paid in from outside. */
export async function fundParties(store: Store, partyIds: readonly string[]): Promise<AccountId[]> {
  const accounts = partyIds.map((id) => available('USDC', id))
  await store.transact(async (tx) => {
    await openAccounts(tx, OUTSIDE, ...accounts)
    const deposits = partyIds.map((id, n) => ({
      key: `deposit:${id}`,
      reason: 'deposit',
      subject: id,
      postings: [{ from: OUTSIDE, to: accounts[n] as AccountId, amount: PLENTY }],
    }))
    const refused = (await postEach(tx, deposits)).find((outcome) => 'refused' in outcome)
    if (refused) throw refused.refused
  })
  return accounts
}

export interface Totals {
  readonly transfers: bigint
  /** Newest transfer's id. */
  readonly last: bigint
  /** All that locked accounts hold. */
  readonly held: bigint
}

export async function totalsOf(db: Db): Promise<Totals> {
  const row = await db.one<Totals>(sql`
    select (select count(*) from transfer) as transfers, (select coalesce(max(id), 0) from transfer) as last,
      (select sum(balance)::bigint from account) as held`)
  if (!row) throw new Error('the books do not add up to anything')
  return row
}

/** What was moved by transfers after `last`. */
export async function movedSince(db: Db, last: bigint): Promise<bigint> {
  const row = await db.one<{ moved: bigint }>(sql`
    select coalesce(sum(amount), 0)::bigint as moved from entry where transfer_id > ${last}`)
  return row?.moved ?? 0n
}

/** How many accounts hold something else than their entries say, or money that came from nowhere: must be none. */
export async function wrongAccounts(db: Db): Promise<bigint> {
  const row = await db.one<{ wrong: bigint }>(sql`
    with flow as (
      select no, sum(amount) as balance
      from (select to_no as no, amount from entry union all select from_no, -amount from entry) as side
      group by no
    )
    select count(*) as wrong from account full join flow using (no)
    where account.no is null or (not summed and account.balance <> coalesce(flow.balance, 0))`)
  return row?.wrong ?? -1n
}

const CHUNK = 100_000

/**
 * Fills the books up to `transfers` by payments among these accounts, in the database itself, with keys in the shape and
 * order of real ones: as their own batches would have left them, at many times their speed.
 */
export async function fillTransfers(
  store: Store,
  { accounts, transfers }: { accounts: readonly AccountId[]; transfers: number },
): Promise<void> {
  const { transfers: have } = await totalsOf(store.read)
  for (let from = Number(have); from < transfers; from += CHUNK) {
    const count = Math.min(CHUNK, transfers - from)
    await store.transact((tx) =>
      tx.run(sql`
        with who as materialized (
          select array_agg(no) as nos from account where id = any(${accounts})
        ),
        picked as materialized (
          select nextval('transfer_id') as id, n, floor(random() * ${accounts.length}::int)::int as payer,
            1 + floor(random() * ${accounts.length - 1}::int)::int as step, 1 + floor(random() * 1000)::bigint as amount
          from generate_series(${from}::int, ${from + count - 1}::int) as n
        ),
        head as materialized (
          select id, '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') as subject, nos[payer + 1] as from_no,
            nos[(payer + step) % ${accounts.length}::int + 1] as to_no, amount
          from picked, who
        ),
        transfers as (
          insert into transfer (id, key, reason, subject, at)
          select id, 'order:' || subject || ':close', 'earned', subject, ${tx.now}::timestamptz from head
        ),
        entries as (
          insert into entry (transfer_id, from_no, to_no, amount) select id, from_no, to_no, amount from head
        ),
        net as (
          select no, sum(amount)::bigint as amount
          from (select to_no as no, amount from head union all select from_no, -amount from head) as side
          group by no
        )
        update account set balance = account.balance + net.amount from net where account.no = net.no`),
    )
  }
}

/** Statistics as a database of this age has them, and no pages waiting to be written while we measure. */
export async function settleDatabase(store: Store): Promise<void> {
  await store.read.rows(sql`vacuum analyze`)
  // Only a superuser may; elsewhere the first slices do it.
  await store.read.rows(sql`checkpoint`).catch(() => {})
}
