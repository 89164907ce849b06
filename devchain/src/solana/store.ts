import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import type { Address } from '@solana/kit'
import { ChainBusyError } from '../serving/busy.ts'
import type { AccountState, LandedTransaction, TransactionMeta } from './records.ts'

const SCHEMA = `
create table if not exists facts (name text primary key, value text not null) strict, without rowid;
create table if not exists accounts (
  address text primary key, lamports text not null, owner text not null, executable integer not null,
  data blob not null, token_owner text
) strict;
create index if not exists accounts_by_token_owner on accounts (token_owner) where token_owner is not null;
-- What an account was before the slot that changed it: reads at an older commitment look here first.
create table if not exists account_past (
  address text not null, slot integer not null, lamports text not null, owner text not null,
  executable integer not null, data blob not null, primary key (address, slot)
) strict, without rowid;
create index if not exists account_past_by_slot on account_past (slot);
create table if not exists transactions (
  seq integer primary key, signature text not null unique, slot integer not null, block_time integer not null,
  version text not null, memo text, wire blob not null, meta text not null
) strict;
create index if not exists transactions_by_slot on transactions (slot);
create table if not exists transaction_addresses (
  address text not null, seq integer not null, primary key (address, seq)
) strict, without rowid;
`

export interface AccountChange {
  readonly before: AccountState
  readonly after: AccountState
  readonly tokenOwner: string | null
}

export interface HistoryPage {
  readonly address: string
  readonly beforeSeq: number
  readonly afterSeq: number
  readonly newestSlot: number
  readonly limit: number
}

/**
 * Everything the chain must remember, in one SQLite file. The lock is exclusive for the life of the process and is
 * dropped by the kernel when it dies, so a data folder never has two chains and never a stale lock.
 */
export class ChainStore {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(dataDir: string | null) {
    if (dataDir !== null) mkdirSync(dataDir, { recursive: true })
    this.#db = new DatabaseSync(dataDir === null ? ':memory:' : join(dataDir, 'chain.sqlite'))
    try {
      this.#db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal')
      this.#db.exec(SCHEMA)
    } catch (cause) {
      this.#db.close()
      const locked = cause instanceof Error && 'errcode' in cause && cause.errcode === 5
      throw locked ? new ChainBusyError(`another process serves the chain in ${dataDir}`, { cause }) : cause
    }
  }

  close(): void {
    this.#db.close()
  }

  fact(name: string): string | null {
    const row = this.#get('select value from facts where name = ?', name)
    return row === undefined ? null : text(row['value'])
  }

  setFact(name: string, value: string): void {
    this.#run('insert into facts values (?, ?) on conflict do update set value = excluded.value', name, value)
  }

  /** Runs `work` in one SQLite transaction: all of it is kept, or none. */
  atomically(work: () => void): void {
    this.#db.exec('begin immediate')
    try {
      work()
      this.#db.exec('commit')
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw cause
    }
  }

  *accounts(): Iterable<AccountState> {
    for (const row of this.#db.prepare('select * from accounts').iterate()) yield accountOf(row)
  }

  tokenAccountsOf(owner: string): Address[] {
    return this.#all('select address from accounts where token_owner = ? order by address', owner).map(
      (row) => text(row['address']) as Address,
    )
  }

  /** The account as it stood at the end of `slot`, when a later slot changed it; null when none did. */
  accountAtEndOf(slot: number, address: Address): AccountState | null {
    const row = this.#get(
      'select * from account_past where address = ? and slot > ? order by slot limit 1',
      address,
      slot,
    )
    return row === undefined ? null : accountOf(row)
  }

  saveAccount(change: AccountChange, slot: number): void {
    const { before, after } = change
    this.#run('insert or ignore into account_past values (?, ?, ?, ?, ?, ?)', before.address, slot, ...columns(before))
    if (after.lamports === 0n) {
      this.#run('delete from accounts where address = ?', after.address)
      return
    }
    this.placeAccount(after, change.tokenOwner)
  }

  /** Writes an account as if it had always been so. */
  placeAccount(account: AccountState, tokenOwner: string | null): void {
    const values = [account.address, ...columns(account), tokenOwner]
    this.#run('insert or replace into accounts values (?, ?, ?, ?, ?, ?)', ...values)
  }

  forgetPastUpTo(slot: number): void {
    this.#run('delete from account_past where slot <= ?', slot)
  }

  saveTransaction(landed: LandedTransaction, addresses: readonly string[]): void {
    const { lastInsertRowid } = this.#run(
      'insert into transactions (signature, slot, block_time, version, memo, wire, meta) values (?, ?, ?, ?, ?, ?, ?)',
      landed.signature,
      landed.slot,
      landed.blockTime,
      String(landed.version),
      landed.memo,
      landed.wire,
      JSON.stringify(landed.meta),
    )
    for (const address of new Set(addresses)) {
      this.#run('insert into transaction_addresses values (?, ?)', address, lastInsertRowid)
    }
  }

  transaction(signature: string): LandedTransaction | null {
    const row = this.#get('select * from transactions where signature = ?', signature)
    return row === undefined ? null : landedOf(row)
  }

  seqOf(signature: string): number | null {
    const row = this.#get('select seq from transactions where signature = ?', signature)
    return row === undefined ? null : Number(row['seq'])
  }

  transactionsIn(slot: number): LandedTransaction[] {
    return this.#all('select * from transactions where slot = ? order by seq', slot).map(landedOf)
  }

  transactionCount(): number {
    return Number(this.#get('select max(seq) as count from transactions')?.['count'] ?? 0)
  }

  /** Newest first. */
  transactionsOf(page: HistoryPage): LandedTransaction[] {
    return this.#all(
      `select t.* from transaction_addresses a join transactions t using (seq)
       where a.address = ? and a.seq < ? and a.seq > ? and t.slot <= ? order by a.seq desc limit ?`,
      page.address,
      page.beforeSeq,
      page.afterSeq,
      page.newestSlot,
      page.limit,
    ).map(landedOf)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values)
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values)
  }

  #run(sql: string, ...values: SQLInputValue[]): { lastInsertRowid: number | bigint } {
    return this.#prepare(sql).run(...values)
  }
}

type Row = Record<string, SQLOutputValue>

const text = (value: SQLOutputValue | undefined): string => String(value)

const bytes = (value: SQLOutputValue | undefined): Uint8Array =>
  value instanceof Uint8Array ? value : new Uint8Array()

const columns = (account: AccountState): SQLInputValue[] => [
  account.lamports.toString(),
  account.owner,
  account.executable ? 1 : 0,
  account.data,
]

const accountOf = (row: Row): AccountState => ({
  address: text(row['address']) as Address,
  lamports: BigInt(text(row['lamports'])),
  owner: text(row['owner']) as Address,
  executable: row['executable'] === 1,
  data: bytes(row['data']),
})

const landedOf = (row: Row): LandedTransaction => ({
  signature: text(row['signature']),
  slot: Number(row['slot']),
  blockTime: Number(row['block_time']),
  version: row['version'] === 'legacy' ? 'legacy' : 0,
  memo: row['memo'] === null ? null : text(row['memo']),
  wire: bytes(row['wire']),
  meta: JSON.parse(text(row['meta'])) as TransactionMeta,
})
