import sql, { type Sql } from 'sql-template-tag'
import type { AccountId } from '#ledger'
import type { Db, Tx } from '#platform/db'
import type { Network } from '../rail.ts'
import type { ClaimedPayout, LiveAttempt, Payout, PayoutState } from './payout.ts'

type NewPayout = Omit<Payout, 'state' | 'failure' | 'createdAt' | 'landedAt' | 'endedAt' | 'txHash'>

/** Answers false when the address it would sweep is being swept already, or the order has such a payout. */
export async function insertPayout(tx: Tx, payout: NewPayout): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into payout (
      id, kind, party_id, order_id, network, source_index, destination, gross, fee, net, held_in, return_to, state, created_at)
    values (${payout.id}, ${payout.kind}, ${payout.partyId}, ${payout.orderId}, ${payout.network}, ${payout.sourceIndex},
      ${payout.destination}, ${payout.gross}, ${payout.fee}, ${payout.net}, ${payout.heldIn}, ${payout.returnTo},
      'requested', ${tx.now})
    on conflict do nothing`)
  return inserted > 0
}

interface ClaimedRow extends Payout {
  readonly attempts: number
  readonly knownUntil: Date
  readonly searchDue: boolean
  readonly n: number | null
  readonly signature: string | null
  readonly bytes: Buffer | null
  readonly lastValidBlockHeight: bigint | null
  readonly seen: boolean
  readonly resendDue: boolean
  readonly missing: LiveAttempt['missing']
}

export interface Claiming {
  readonly network: Network
  readonly lease: string
  readonly leaseMs: number
  readonly limit: number
  readonly resendMs: number
  readonly deadAfterMs: number
  readonly searchAfterMs: number
}

/** Whether anything is due, without a unit of work. */
export async function anyPayoutDue(db: Db, network: Network): Promise<boolean> {
  const row = await db.one(sql`
    select 1 from payout where network = ${network} and ended_at is null and due_at <= clock_timestamp()
      and (lease_until is null or lease_until < clock_timestamp()) limit 1`)
  return row !== undefined
}

/** Takes what is due for as long as the lease lasts; a process that dies loses it then, and another goes on. */
export async function claimPayouts(tx: Tx, claiming: Claiming): Promise<ClaimedPayout[]> {
  const rows = await tx.rows<ClaimedRow>(sql`
    with due as (
      select id from payout
      where network = ${claiming.network} and ended_at is null and due_at <= clock_timestamp()
        and (lease_until is null or lease_until < clock_timestamp())
      order by due_at limit ${claiming.limit} for no key update skip locked
    ),
    claimed as (
      update payout set lease = ${claiming.lease}, lease_until = clock_timestamp() + ${claiming.leaseMs} * interval '1 ms'
      from due where payout.id = due.id returning payout.*
    )
    select p.id, p.kind, p.party_id as "partyId", p.order_id as "orderId", p.network, p.source_index as "sourceIndex", p.destination, p.gross,
      p.fee, p.net, p.held_in as "heldIn", p.return_to as "returnTo", p.state, p.failure, p.created_at as "createdAt",
      p.landed_at as "landedAt", p.ended_at as "endedAt", a.signature as "txHash", a.n, a.signature, a.bytes,
      a.last_valid_block_height as "lastValidBlockHeight", a.seen_at is not null as seen,
      a.sent_at is null or a.sent_at < clock_timestamp() - ${claiming.resendMs} * interval '1 ms' as "resendDue",
      case when a.missing_at is null then 'no'
        when a.missing_at < clock_timestamp() - ${claiming.deadAfterMs} * interval '1 ms' then 'twice'
        else 'once' end as missing,
      p.known_until as "knownUntil",
      p.known_until < clock_timestamp() - ${claiming.searchAfterMs} * interval '1 ms' as "searchDue",
      (select coalesce(max(n), 0) from payout_attempt where payout_id = p.id) as attempts
    from claimed p left join payout_attempt a on a.payout_id = p.id and a.state = 'live'
    order by p.created_at, p.id`)
  return rows.map(claimedOf)
}

function claimedOf(row: ClaimedRow): ClaimedPayout {
  const { n, signature, bytes, lastValidBlockHeight, seen, resendDue, missing, ...payout } = row
  const live =
    n === null || signature === null || bytes === null || lastValidBlockHeight === null
      ? null
      : { n, signature, bytes, lastValidBlockHeight, seen, resendDue, missing }
  return { ...payout, live }
}

/** Gives back what is still held, to be looked at again after a pause. */
export async function releasePayouts(tx: Tx, { lease, pauseMs }: { lease: string; pauseMs: number }): Promise<void> {
  await tx.run(sql`
    update payout set lease = null, lease_until = null, due_at = clock_timestamp() + ${pauseMs} * interval '1 ms'
    where lease = ${lease} and ended_at is null`)
}

/** Lets some wait longer than the rest, in another state where that is said. */
export async function postponePayouts(
  tx: Tx,
  { ids, lease, pauseMs, state }: { ids: readonly string[]; lease: string; pauseMs: number; state: PayoutState },
): Promise<void> {
  await tx.run(sql`
    update payout set state = ${state}, lease = null, lease_until = null,
      due_at = clock_timestamp() + ${pauseMs} * interval '1 ms'
    where id = any(${ids}::uuid[]) and lease = ${lease} and state in ('requested', 'queued_liquidity')`)
}

/** The chain was searched, and holds nothing of theirs that is not recorded here. */
export async function markKnown(tx: Tx, { ids, lease }: { ids: readonly string[]; lease: string }): Promise<void> {
  await tx.run(sql`
    update payout set known_until = clock_timestamp()
    where id = any(${ids}::uuid[]) and lease = ${lease} and lease_until > clock_timestamp()`)
}

/** Whether the chain was searched lately, or it was asked for lately: a restored one may have been sent since. */
export async function isKnownSince(tx: Tx, { id, withinMs }: { id: string; withinMs: number }): Promise<boolean> {
  const row = await tx.one(sql`
    select 1 from payout where id = ${id} and known_until > clock_timestamp() - ${withinMs} * interval '1 ms'`)
  return row !== undefined
}

/** After a dead attempt: a new one may be signed. */
export async function reopenPayout(tx: Tx, { id, pauseMs }: { id: string; pauseMs: number }): Promise<void> {
  await tx.run(sql`
    update payout set state = 'requested', lease = null, lease_until = null,
      due_at = clock_timestamp() + ${pauseMs} * interval '1 ms'
    where id = ${id} and state in ('signed', 'sent')`)
}

/** Ends a payout from one of the given states; answers false when it was in none of them. */
export async function endPayout(
  tx: Tx,
  end: { id: string; state: PayoutState; from: readonly PayoutState[]; failure: string | null },
): Promise<boolean> {
  const ended = await tx.run(sql`
    update payout set state = ${end.state}, failure = ${end.failure}, ended_at = ${tx.now}, lease = null, lease_until = null
    where id = ${end.id} and state = any(${end.from})`)
  return ended > 0
}

/** Due now, whatever pause it is in; answers false when it has ended. */
export async function hastenPayout(tx: Tx, id: string): Promise<boolean> {
  return (await tx.run(sql`update payout set due_at = clock_timestamp() where id = ${id} and ended_at is null`)) > 0
}

const selected = (where: Sql, rest: Sql): Sql => sql`
  select p.id, p.kind, p.party_id as "partyId", p.order_id as "orderId", p.network, p.source_index as "sourceIndex", p.destination, p.gross,
    p.fee, p.net, p.held_in as "heldIn", p.return_to as "returnTo", p.state, p.failure, p.created_at as "createdAt",
    p.landed_at as "landedAt", p.ended_at as "endedAt", (select a.signature from payout_attempt a
      where a.payout_id = p.id and a.state in ('live', 'landed') order by a.n desc limit 1) as "txHash"
  from payout p where ${where} ${rest}`

/** From here on its money waits in another account. True for the one who says it first. */
export async function markLanded(tx: Tx, { id, heldIn }: { id: string; heldIn: AccountId }): Promise<boolean> {
  const rows = await tx.run(sql`
    update payout set landed_at = ${tx.now}, held_in = ${heldIn} where id = ${id} and landed_at is null`)
  return rows > 0
}

/** Those of an order, oldest first. */
export async function payoutsOfOrder(db: Db, orderId: string): Promise<Payout[]> {
  return db.rows<Payout>(selected(sql`p.order_id = ${orderId}`, sql`order by p.created_at, p.id`))
}

export async function payoutOfParty(
  db: Db,
  { partyId, id }: { partyId: string; id: string },
): Promise<Payout | undefined> {
  return db.one<Payout>(selected(sql`p.id = ${id} and p.party_id = ${partyId}`, sql``))
}

export async function payoutsOfParty(
  db: Db,
  { partyId, limit, offset }: { partyId: string; limit: number; offset: number },
): Promise<Payout[]> {
  const where = sql`p.party_id = ${partyId} and p.kind in ('withdrawal', 'panic')`
  return db.rows<Payout>(selected(where, sql`order by p.created_at desc, p.id desc limit ${limit} offset ${offset}`))
}

export async function countPayoutsOfParty(db: Db, partyId: string): Promise<number> {
  const row = await db.one<{ total: bigint }>(sql`
    select count(*) as total from payout where party_id = ${partyId} and kind in ('withdrawal', 'panic')`)
  return Number(row?.total ?? 0n)
}

export async function payoutsById(db: Db, ids: readonly string[]): Promise<Map<string, Payout>> {
  if (ids.length === 0) return new Map()
  const rows = await db.rows<Payout>(selected(sql`p.id = any(${ids}::uuid[])`, sql``))
  return new Map(rows.map((row) => [row.id, row]))
}

/** For the operator: what is under way, or everything; newest first. */
export async function allPayouts(
  db: Db,
  { openOnly, limit, offset }: { openOnly: boolean; limit: number; offset: number },
): Promise<Payout[]> {
  const where = sql`not ${openOnly} or p.ended_at is null`
  return db.rows<Payout>(selected(where, sql`order by p.created_at desc, p.id desc limit ${limit} offset ${offset}`))
}

export async function countPayouts(db: Db, { openOnly }: { openOnly: boolean }): Promise<number> {
  const row = await db.one<{ total: bigint }>(sql`
    select count(*) as total from payout where not ${openOnly} or ended_at is null`)
  return Number(row?.total ?? 0n)
}

export async function countPanicsSince(db: Db, { partyId, since }: { partyId: string; since: Date }): Promise<number> {
  const row = await db.one<{ total: bigint }>(sql`
    select count(*) as total from payout
    where party_id = ${partyId} and kind = 'panic' and state <> 'failed' and created_at > ${since}`)
  return Number(row?.total ?? 0n)
}

/** One payout of revenue at a time: its accounts have no floor that would stop a second one. */
export async function lockRevenue(tx: Tx): Promise<void> {
  await tx.rows(sql`select pg_advisory_xact_lock(hashtextextended('payout:fees', 0))`)
}
