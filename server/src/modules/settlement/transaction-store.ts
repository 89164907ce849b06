import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import type { Db, Tx } from '#platform/db'
import type { Fees, SignedCall } from './chain.ts'
import { COLUMNS, type Row, type Settlement, settlementOf } from './store.ts'

/** One sender on one chain: its transactions are taken in the order of their numbers, without a gap. */
export interface Line {
  readonly network: string
  readonly relayer: Hex
}

/** Takes the line to the commit, so that numbers are given out one after another. Answers the one after the highest ever signed. */
export async function lockLine(
  tx: Tx,
  { network, relayer }: Line,
): Promise<{ readonly next: bigint; readonly isNew: boolean }> {
  const row = await tx.one<{ next: bigint; isNew: boolean }>(sql`
    insert into relayer (network, address, next_nonce) values (${network}, ${relayer}, 0)
    on conflict (network, address) do update set next_nonce = relayer.next_nonce
    returning next_nonce as next, xmax = 0 as "isNew"`)
  if (!row) throw new Error('the relayer has no row')
  return row
}

/** How far below the highest number it is looked for a free one. */
const LOOK_BACK = 10_000n

/** The lowest numbers not used yet, from whose turn it is on. Only under `lockLine`. */
export async function drawNumbers(
  tx: Tx,
  { network, relayer, next, turn, count }: Line & { next: bigint; turn: bigint; count: number },
): Promise<bigint[]> {
  const from = turn > next - LOOK_BACK ? turn : next - LOOK_BACK
  const rows = await tx.rows<{ nonce: bigint }>(sql`
    select n as nonce from generate_series(${from}::bigint, greatest(${from}::bigint, ${next}) + ${count}) as n
    where not exists (
      select 1 from relayed_transaction where network = ${network} and relayer = ${relayer} and nonce = n)
    order by n limit ${count}`)
  const numbers = rows.map(({ nonce }) => nonce)
  const last = numbers.at(-1)
  if (last !== undefined)
    tx.later(
      tx.run(sql`
        update relayer set next_nonce = greatest(next_nonce, ${last + 1n}) where network = ${network} and address = ${relayer}`),
    )
  return numbers
}

export interface NewTransaction extends SignedCall {
  readonly settlementId: string
  readonly nonce: bigint
  readonly attempt: number
  readonly fees: Fees
}

/** Keeps signed transactions before they are sent (D-15). */
export async function saveTransactions(
  tx: Tx,
  { network, relayer, signed }: Line & { signed: readonly NewTransaction[] },
): Promise<void> {
  await tx.run(sql`
    with signed as (
      select * from unnest(
        ${signed.map(({ settlementId }) => settlementId)}::uuid[],
        ${signed.map(({ nonce }) => nonce)}::bigint[],
        ${signed.map(({ attempt }) => attempt)}::integer[],
        ${signed.map(({ hash }) => hash)}::text[],
        ${signed.map(({ bytes }) => bytes)}::text[],
        ${signed.map(({ fees }) => String(fees.maxFeePerGas))}::numeric[],
        ${signed.map(({ fees }) => String(fees.maxPriorityFeePerGas))}::numeric[]
      ) as s (settlement_id, nonce, attempt, hash, bytes, max_fee, priority_fee)
    ),
    sent as (
      update settlement set state = 'sent', tx_hash = signed.hash from signed
      where settlement.id = signed.settlement_id and state in ('accepted', 'sent')
    )
    insert into relayed_transaction (network, relayer, nonce, attempt, settlement_id, hash, bytes, max_fee, priority_fee, signed_at)
    select ${network}, ${relayer}, nonce, attempt, settlement_id, hash, bytes, max_fee, priority_fee, clock_timestamp()
    from signed`)
}

export interface Unlanded {
  readonly settlement: Settlement
  /** Of all transactions signed for it, the newest first. */
  readonly hashes: readonly Hex[]
  /** The newest's. */
  readonly nonce: bigint
  readonly ageMs: number
}

/** Settlements whose transactions nobody has seen land, in the order in which they must. */
export async function unlandedAfter(
  db: Db,
  { network, olderThanMs, limit }: { network: string; olderThanMs: number; limit: number },
): Promise<Unlanded[]> {
  const rows = await db.rows<Row & { hashes: Hex[]; sentNonce: bigint; ageMs: number }>(sql`
    select ${COLUMNS}, sent.* from settlement cross join lateral (
      select array_agg(hash order by t.nonce desc, attempt desc) as hashes, max(t.nonce) as "sentNonce",
        extract(epoch from clock_timestamp() - max(signed_at))::float8 * 1000 as "ageMs"
      from relayed_transaction as t where t.settlement_id = settlement.id
    ) as sent
    where settlement.network = ${network} and state = 'sent' and "ageMs" > ${olderThanMs}
    order by "sentNonce" limit ${limit}`)
  return rows.map(({ hashes, ageMs, sentNonce: nonce, ...row }) => {
    return { settlement: settlementOf(row), hashes, ageMs, nonce }
  })
}

/** A transaction as it waits for its turn: the newest of its number. */
export interface Waiting {
  readonly settlementId: string
  readonly nonce: bigint
  readonly attempt: number
  readonly bytes: Hex
  readonly fees: Fees
  readonly ageMs: number
}

/** Everything signed from a number on, in order: also for what has ended meanwhile, as nothing behind it lands without it. */
export async function lineFrom(
  db: Db,
  { network, relayer, turn, limit }: Line & { turn: bigint; limit: number },
): Promise<Waiting[]> {
  const rows = await db.rows<Omit<Waiting, 'fees'> & { maxFee: string; priorityFee: string }>(sql`
    select distinct on (nonce) settlement_id as "settlementId", nonce, attempt, bytes, max_fee::text as "maxFee",
      priority_fee::text as "priorityFee", extract(epoch from clock_timestamp() - signed_at)::float8 * 1000 as "ageMs"
    from relayed_transaction where network = ${network} and relayer = ${relayer} and nonce >= ${turn}
    order by nonce, attempt desc limit ${limit}`)
  return rows.map(({ maxFee, priorityFee, ...row }) => {
    return { ...row, fees: { maxFeePerGas: BigInt(maxFee), maxPriorityFeePerGas: BigInt(priorityFee) } }
  })
}

/** Those of these that are still on their way, with the number of their newest transaction. Only under `lockLine`. */
export async function stillSent(
  tx: Tx,
  ids: readonly string[],
): Promise<{ readonly settlement: Settlement; readonly nonce: bigint }[]> {
  const rows = await tx.rows<Row & { sentNonce: bigint }>(sql`
    select ${COLUMNS}, (select max(t.nonce) from relayed_transaction as t where t.settlement_id = settlement.id) as "sentNonce"
    from settlement where id = any(${ids}::uuid[]) and state = 'sent' order by "sentNonce"`)
  return rows.map((row) => ({ settlement: settlementOf(row), nonce: row.sentNonce }))
}

/** By id, whatever has become of them. */
export async function settlementsById(db: Db, ids: readonly string[]): Promise<Map<string, Settlement>> {
  const rows = await db.rows<Row>(sql`select ${COLUMNS} from settlement where id = any(${ids}::uuid[])`)
  return new Map(rows.map((row) => [row.id, settlementOf(row)]))
}
