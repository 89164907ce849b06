import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import type { Network, SignedTransaction } from '../rail.ts'
import type { Payout } from './payout.ts'

export interface NewAttempt extends SignedTransaction {
  readonly payoutId: string
  readonly n: number
}

/**
 * Keeps signed transactions before anything is sent. Answers the payouts for which that was allowed: still ours by
 * lease, and without another transaction that may land (the index refuses a second one whatever happens).
 */
export async function insertAttempts(
  tx: Tx,
  { lease, attempts }: { lease: string; attempts: readonly NewAttempt[] },
): Promise<Set<string>> {
  const rows = await tx.rows<{ id: string }>(sql`
    with signed as (
      select * from unnest(
        ${attempts.map(({ payoutId }) => payoutId)}::uuid[],
        ${attempts.map(({ n }) => n)}::int[],
        ${attempts.map(({ signature }) => signature)}::text[],
        ${attempts.map(({ bytes }) => Buffer.from(bytes))}::bytea[],
        ${attempts.map(({ lastValidBlockHeight }) => lastValidBlockHeight)}::bigint[]
      ) as s (payout_id, n, signature, bytes, last_valid_block_height)
    ),
    held as (
      update payout set state = 'signed' from signed
      where payout.id = signed.payout_id and payout.lease = ${lease} and payout.lease_until > clock_timestamp()
        and payout.state in ('requested', 'queued_liquidity')
      returning payout.id
    )
    insert into payout_attempt (payout_id, n, signature, bytes, last_valid_block_height, state)
    select payout_id, n, signature, bytes, last_valid_block_height, 'live' from signed join held on held.id = payout_id
    returning payout_id as id`)
  return new Set(rows.map(({ id }) => id))
}

export interface FoundAttempt {
  readonly payoutId: string
  readonly n: number
  readonly signature: string
  /** Of ours, from which it took the money. */
  readonly tokenAccount: string
}

/**
 * Takes over transactions of ours that were found on the chain, without their bytes; one that was given up comes back
 * to life. Answers the payouts for which that was allowed, as above.
 */
export async function insertFound(
  tx: Tx,
  {
    lease,
    found,
    lastValidBlockHeight,
  }: { lease: string; found: readonly FoundAttempt[]; lastValidBlockHeight: bigint },
): Promise<Set<string>> {
  const rows = await tx.rows<{ id: string }>(sql`
    with found as (
      select * from unnest(
        ${found.map(({ payoutId }) => payoutId)}::uuid[],
        ${found.map(({ n }) => n)}::int[],
        ${found.map(({ signature }) => signature)}::text[]
      ) as f (payout_id, n, signature)
    ),
    held as (
      update payout set state = 'sent' from found
      where payout.id = found.payout_id and payout.lease = ${lease} and payout.lease_until > clock_timestamp()
        and payout.state in ('requested', 'queued_liquidity')
      returning payout.id
    )
    insert into payout_attempt (payout_id, n, signature, bytes, last_valid_block_height, state, sent_at, seen_at)
    select payout_id, n, signature, ''::bytea, ${lastValidBlockHeight}::bigint, 'live', clock_timestamp(), clock_timestamp()
    from found join held on held.id = payout_id
    on conflict (signature) do update set state = 'live', error = null, missing_at = null, seen_at = excluded.seen_at
    where payout_attempt.payout_id = excluded.payout_id and payout_attempt.state = 'dead'
    returning payout_id as id`)
  return new Set(rows.map(({ id }) => id))
}

export async function markSent(tx: Tx, payoutIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    update payout_attempt set sent_at = clock_timestamp()
    where payout_id = any(${payoutIds}::uuid[]) and state = 'live'`)
  await tx.run(sql`update payout set state = 'sent' where id = any(${payoutIds}::uuid[]) and state = 'signed'`)
}

export async function markSeen(tx: Tx, signatures: readonly string[]): Promise<void> {
  await tx.run(sql`
    update payout_attempt set seen_at = coalesce(seen_at, clock_timestamp()), missing_at = null
    where signature = any(${signatures}) and state = 'live'`)
}

export async function markMissing(tx: Tx, signatures: readonly string[]): Promise<void> {
  await tx.run(sql`
    update payout_attempt set missing_at = coalesce(missing_at, clock_timestamp())
    where signature = any(${signatures}) and state = 'live'`)
}

/** Ends the live attempt; answers false when somebody else has ended it, and then nothing more may be done. */
export async function endAttempt(
  tx: Tx,
  { payoutId, n, state, error }: { payoutId: string; n: number; state: 'dead' | 'landed'; error: string | null },
): Promise<boolean> {
  const ended = await tx.run(sql`
    update payout_attempt set state = ${state}, error = ${error}
    where payout_id = ${payoutId} and n = ${n} and state = 'live'`)
  return ended > 0
}

/**
 * Which of these transactions we signed ourselves, all of them or the sweeps only. Those given up are left out: if one
 * lands all the same, it must be seen.
 */
export async function signaturesOfOurs(
  db: Db,
  { signatures, sweepsOnly }: { signatures: readonly string[]; sweepsOnly: boolean },
): Promise<Set<string>> {
  if (signatures.length === 0) return new Set()
  const rows = await db.rows<{ signature: string }>(sql`
    select a.signature from payout_attempt a join payout p on p.id = a.payout_id
    where a.signature = any(${signatures}) and a.state <> 'dead' and (p.kind = 'sweep' or not ${sweepsOnly})`)
  return new Set(rows.map(({ signature }) => signature))
}

/** What signed payouts may still take from the hot wallet without showing in its balance yet. */
export async function unseenOutflow(db: Db, network: Network): Promise<Micros> {
  const row = await db.one<{ amount: Micros }>(sql`
    select coalesce(sum(p.net), 0)::bigint as amount
    from payout p join payout_attempt a on a.payout_id = p.id and a.state = 'live' and a.seen_at is null
    where p.network = ${network} and p.kind <> 'sweep' and p.ended_at is null`)
  return row?.amount ?? 0n
}

export interface Underway {
  readonly kind: Payout['kind']
  readonly sourceIndex: number | null
  readonly net: Micros
  readonly signature: string
}

/** Every payout whose transaction may land or has landed without being settled. */
export async function underway(db: Db, network: Network): Promise<Underway[]> {
  return db.rows<Underway>(sql`
    select p.kind, p.source_index as "sourceIndex", p.net, a.signature
    from payout p join payout_attempt a on a.payout_id = p.id and a.state = 'live'
    where p.network = ${network} and p.ended_at is null`)
}

/** Whether money is leaving a deposit address for the hot wallet, or may be. */
export async function sweepsUnderway(
  db: Db,
  { network, index }: { network: Network; index: number },
): Promise<boolean> {
  const row = await db.one(sql`
    select 1 from payout p join payout_attempt a on a.payout_id = p.id and a.state = 'live'
    where p.network = ${network} and p.source_index = ${index} and p.kind = 'sweep' and p.ended_at is null`)
  return row !== undefined
}
