import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ChainBusyError } from '../serving/busy.ts'

const SCHEMA = `
create table if not exists facts (name text primary key, value text not null) strict, without rowid;
create table if not exists steps (seq integer primary key, raw text, at integer, blocks integer not null) strict;
`

/** One thing that was done to the chain. Done again in the same order to the same genesis, they make the same blocks. */
export interface Step {
  /** A signed transaction taken into the pool; null: none. */
  readonly raw: string | null
  /** Unix seconds of the blocks made. */
  readonly at: number
  readonly blocks: number
}

/**
 * anvil forgets everything with its process, and its own `--state` writes at intervals. So every step is kept here, in one
 * SQLite file, before it is done. The lock is exclusive for the life of the process and dies with it.
 */
export class Journal {
  readonly #db: DatabaseSync

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

  /** The fact kept under a name, made the first time it is asked for. */
  fact(name: string, make: () => string): string {
    this.#db.prepare('insert into facts values (?, ?) on conflict do nothing').run(name, make())
    return String(this.#db.prepare('select value from facts where name = ?').get(name)?.['value'])
  }

  *steps(): Iterable<Step> {
    for (const { raw, at, blocks } of this.#db.prepare('select raw, at, blocks from steps order by seq').iterate()) {
      yield { raw: raw === null ? null : String(raw), at: Number(at), blocks: Number(blocks) }
    }
  }

  add({ raw, at, blocks }: Step): number {
    const insert = this.#db.prepare('insert into steps (raw, at, blocks) values (?, ?, ?)')
    return Number(insert.run(raw, at, blocks).lastInsertRowid)
  }

  /** Takes back the newest step, which the chain refused. */
  takeBack(seq: number): void {
    this.#db.prepare('delete from steps where seq = ?').run(seq)
  }

  close(): void {
    this.#db.close()
  }
}
