import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'
import { type AccountId, isSummed } from './accounts.ts'
import type { Posting, Transfer } from './transfer.ts'

export interface AccountRow {
  readonly no: bigint
  readonly id: AccountId
  readonly balance: Micros
}

/** Locks accounts in the one order everybody uses, so that transfers queue behind each other instead of deadlocking. */
export async function lockAccounts(
  tx: Tx,
  { locked, summed }: { locked: readonly AccountId[]; summed: readonly AccountId[] },
): Promise<AccountRow[]> {
  const [rows, known] = await Promise.all([
    tx.rows<AccountRow>(sql`
      select no, id, balance from account where id = any(${listed(locked, 'text')}) order by no for no key update`),
    summed.length === 0
      ? []
      : tx.rows<AccountRow>(sql`select no, id, balance from account where id = any(${listed(summed, 'text')})`),
  ])
  if (known.length === summed.length) return [...rows, ...known]
  await insertAccounts(
    tx,
    summed.map((id) => ({ id, balance: 0n })),
  )
  return [...rows, ...(await tx.rows<AccountRow>(sql`select no, id, balance from account where id = any(${summed})`))]
}

export async function insertAccounts(
  tx: Tx,
  accounts: readonly { id: AccountId; balance: Micros }[],
): Promise<{ id: AccountId; no: bigint }[]> {
  if (accounts.length === 0) return []
  return tx.rows(sql`
    insert into account (id, summed, balance)
    select * from unnest(
      ${accounts.map(({ id }) => id)}::text[],
      ${accounts.map(({ id }) => isSummed(id))}::boolean[],
      ${accounts.map(({ balance }) => balance)}::bigint[])
    order by 1
    on conflict (id) do nothing
    returning id, no`)
}

interface BookPages {
  readonly numbers: ReadonlyMap<AccountId, bigint>
  /** Accounts made here, with their final balances. */
  readonly opened: readonly { readonly id: AccountId; readonly balance: Micros }[]
  readonly changes: ReadonlyMap<AccountId, Micros>
  readonly written: readonly { transfer: Transfer; postings: readonly Posting[] }[]
}

/** Writes a whole book in one statement: transfers, their entries, and the new balances of locked accounts. */
export async function applyBook(tx: Tx, { numbers, opened, changes, written }: BookPages): Promise<void> {
  if (written.length === 0) return
  const no = (id: AccountId): bigint => {
    const number = numbers.get(id)
    if (number === undefined) throw new Error(`ledger: account ${id} was never opened`)
    return number
  }
  const made = new Set(opened.map(({ id }) => id))
  const nameOf = (id: AccountId) => (made.has(id) ? id : null)
  const knownNo = (id: AccountId) => (made.has(id) ? null : no(id))
  const lines = written.flatMap(({ postings }, index) => postings.map((posting) => ({ position: index + 1, posting })))
  await tx.run(sql`
    with opened as (
      insert into account (id, balance)
      select * from unnest(${opened.map(({ id }) => id)}::text[], ${opened.map(({ balance }) => balance)}::bigint[])
      order by 1
      returning id, no
    ),
    head as materialized (
      select nextval('transfer_id') as id, position, key, reason, subject from unnest(
        ${written.map(({ transfer }) => transfer.key)}::text[],
        ${written.map(({ transfer }) => transfer.reason)}::text[],
        ${written.map(({ transfer }) => transfer.subject)}::text[]
      ) with ordinality as t (key, reason, subject, position)
    ),
    transfers as (
      insert into transfer (id, key, reason, subject, at) select id, key, reason, subject, ${tx.now} from head
    ),
    entries as (
      insert into entry (transfer_id, from_no, to_no, amount)
      select head.id, coalesce(line.from_no, source.no), coalesce(line.to_no, target.no), line.amount
      from unnest(
        ${lines.map(({ position }) => position)}::int[],
        ${lines.map(({ posting }) => knownNo(posting.from))}::bigint[],
        ${lines.map(({ posting }) => knownNo(posting.to))}::bigint[],
        ${lines.map(({ posting }) => nameOf(posting.from))}::text[],
        ${lines.map(({ posting }) => nameOf(posting.to))}::text[],
        ${lines.map(({ posting }) => posting.amount)}::bigint[]
      ) as line (position, from_no, to_no, from_id, to_id, amount)
      join head using (position)
      left join opened as source on source.id = line.from_id
      left join opened as target on target.id = line.to_id
    )
    update account set balance = account.balance + change.amount
    from unnest(
      ${[...changes.keys()].map(no)}::bigint[],
      ${[...changes.values()]}::bigint[]
    ) as change (no, amount)
    where account.no = change.no`)
}

/** One transfer in one statement: lock in account order, move, write transfer and entries. Answers how many accounts were not found. */
export async function applyTransfer(
  tx: Tx,
  {
    transfer,
    postings,
    net,
  }: { transfer: Transfer; postings: readonly Posting[]; net: ReadonlyMap<AccountId, Micros> },
): Promise<{ readonly missing: number }> {
  const moving = [...net].filter(([id]) => !isSummed(id))
  const row = await tx.one<{ found: bigint }>(sql`
    with locked as materialized (
      select no, id from account where id = any(${moving.map(([id]) => id)}) order by no for no key update
    ),
    named as materialized (
      select no, id from locked
      union all select no, id from account where id = any(${[...net.keys()].filter(isSummed)})
    ),
    moved as (
      update account set balance = account.balance + change.amount
      from unnest(${moving.map(([id]) => id)}::text[], ${moving.map(([, amount]) => amount)}::bigint[]) as change (id, amount)
      join locked using (id)
      where account.no = locked.no
    ),
    head as (
      insert into transfer (id, key, reason, subject, at)
      select nextval('transfer_id'), ${transfer.key}, ${transfer.reason}, ${transfer.subject}, ${tx.now}
      from (select count(*) from locked) as waited
      returning id
    ),
    entries as (
      insert into entry (transfer_id, from_no, to_no, amount)
      select head.id, source.no, target.no, line.amount
      from unnest(
        ${postings.map(({ from }) => from)}::text[],
        ${postings.map(({ to }) => to)}::text[],
        ${postings.map(({ amount }) => amount)}::bigint[]
      ) as line (from_id, to_id, amount)
      join named as source on source.id = line.from_id
      join named as target on target.id = line.to_id
      cross join head
    )
    select count(*) as found from named`)
  return { missing: net.size - Number(row?.found ?? 0n) }
}

/** Which of these business keys have been posted already. */
export async function postedKeys(db: Db, keys: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows<{ key: string }>(sql`select key from transfer where key = any(${keys})`)
  return new Set(rows.map(({ key }) => key))
}

/** Balances by account; an account nobody opened holds nothing. */
export async function balances(db: Db, ids: readonly AccountId[]): Promise<Map<AccountId, Micros>> {
  const rows = await db.rows<{ id: AccountId; balance: Micros }>(sql`
    select account.id, case when not account.summed then account.balance else (
      coalesce(rollup.balance, 0)
      + coalesce((select sum(amount) from entry where to_no = account.no and transfer_id > coalesce(rollup.upto_transfer_id, 0)), 0)
      - coalesce((select sum(amount) from entry where from_no = account.no and transfer_id > coalesce(rollup.upto_transfer_id, 0)), 0)
    )::bigint end as balance
    from account left join account_rollup as rollup on rollup.account_no = account.no
    where account.id = any(${ids})`)
  return new Map(rows.map(({ id, balance }) => [id, balance]))
}

export interface StatementLine {
  readonly transferId: bigint
  readonly key: string
  readonly reason: string
  readonly subject: string
  readonly at: Date
  /** Positive in, negative out. */
  readonly amount: Micros
}

/** What went in and out of an account, newest first, below `before` (keyset): the next page starts at the last line's id. */
export async function statement(
  db: Db,
  { account, before, limit }: { account: AccountId; before?: bigint; limit: number },
): Promise<StatementLine[]> {
  return db.rows(sql`
    with mine as (select no from account where id = ${account}),
    side as (
      (select transfer_id, sum(amount) as amount from entry, mine
        where to_no = mine.no and transfer_id < ${before ?? 9223372036854775807n} group by transfer_id order by transfer_id desc limit ${limit})
      union all
      (select transfer_id, -sum(amount) from entry, mine
        where from_no = mine.no and transfer_id < ${before ?? 9223372036854775807n} group by transfer_id order by transfer_id desc limit ${limit})
    ),
    line as (
      select transfer_id, sum(amount)::bigint as amount from side group by transfer_id order by transfer_id desc limit ${limit}
    )
    select line.transfer_id as "transferId", line.amount, transfer.key, transfer.reason, transfer.subject, transfer.at
    from line join transfer on transfer.id = line.transfer_id
    order by line.transfer_id desc`)
}

export interface HistoryQuery {
  readonly account: AccountId
  /** Only transfers for these reasons; all of them when null. */
  readonly reasons: readonly string[] | null
  /** The newest so many. */
  readonly limit: number
}

/** The newest lines of an account, for one page of a filtered list. */
export async function historyOf(db: Db, { account, reasons, limit }: HistoryQuery): Promise<StatementLine[]> {
  return db.rows(sql`
    with mine as materialized (select no from account where id = ${account}),
    side as (
      (select entry.transfer_id, amount from entry join transfer on transfer.id = entry.transfer_id
        where to_no = (select no from mine) and (${reasons}::text[] is null or reason = any(${reasons}))
        order by entry.transfer_id desc fetch first ${limit} rows with ties)
      union all
      (select entry.transfer_id, -amount from entry join transfer on transfer.id = entry.transfer_id
        where from_no = (select no from mine) and (${reasons}::text[] is null or reason = any(${reasons}))
        order by entry.transfer_id desc fetch first ${limit} rows with ties)
    ),
    line as (
      select transfer_id, sum(amount)::bigint as amount from side group by transfer_id order by transfer_id desc limit ${limit}
    )
    select line.transfer_id as "transferId", line.amount, transfer.key, transfer.reason, transfer.subject, transfer.at
    from line join transfer on transfer.id = line.transfer_id
    order by line.transfer_id desc`)
}

/** How many lines an account has, counted no further than `limit`. */
export async function countHistory(db: Db, { account, reasons, limit }: HistoryQuery): Promise<number> {
  const row = await db.one<{ total: bigint }>(sql`
    with mine as materialized (select no from account where id = ${account})
    select count(distinct transfer_id) as total from (
      (select entry.transfer_id from entry join transfer on transfer.id = entry.transfer_id
        where to_no = (select no from mine) and (${reasons}::text[] is null or reason = any(${reasons})) limit ${limit})
      union all
      (select entry.transfer_id from entry join transfer on transfer.id = entry.transfer_id
        where from_no = (select no from mine) and (${reasons}::text[] is null or reason = any(${reasons})) limit ${limit})
    ) as line`)
  return Math.min(limit, Number(row?.total ?? 0n))
}
