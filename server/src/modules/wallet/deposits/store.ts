import sql from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import type { Db, Tx } from '#platform/db'
import type { Network, OwnAddress } from '../rail.ts'

export interface DepositAddress extends OwnAddress {
  readonly network: Network
  readonly index: number
  /** Null for the hot wallet. */
  readonly partyId: string | null
  readonly credited: Micros
  readonly swept: Micros
  readonly lastSignature: string | null
  readonly assignedAt: Date
}

export interface Deposit {
  readonly network: Network
  readonly signature: string
  readonly tokenAccount: string
  readonly partyId: string
  readonly amount: Micros
  /** Activation fee taken from it. */
  readonly fee: Micros
  readonly source: string | null
  readonly slot: bigint
}

export async function nextIndex(tx: Tx): Promise<number> {
  const row = await tx.one<{ index: bigint }>(sql`select nextval('deposit_address_index') as index`)
  return Number(row?.index)
}

/** Answers false when the party, or the hot wallet, has one already. */
export async function insertAddress(
  tx: Tx,
  row: OwnAddress & { network: Network; index: number; partyId: string | null },
): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into deposit_address (network, index, party_id, address, token_account)
    values (${row.network}, ${row.index}, ${row.partyId}, ${row.address}, ${row.tokenAccount})
    on conflict do nothing`)
  return inserted > 0
}

export async function addressOfParty(
  db: Db,
  { partyId, network }: { partyId: string; network: Network },
): Promise<DepositAddress | undefined> {
  return db.one<DepositAddress>(sql`
    select network, index, party_id as "partyId", address, token_account as "tokenAccount", credited, swept,
      last_signature as "lastSignature", assigned_at as "assignedAt"
    from deposit_address where network = ${network} and party_id = ${partyId}`)
}

export async function addressAtIndex(
  db: Db,
  { network, index }: { network: Network; index: number },
): Promise<DepositAddress | undefined> {
  return db.one<DepositAddress>(sql`
    select network, index, party_id as "partyId", address, token_account as "tokenAccount", credited, swept,
      last_signature as "lastSignature", assigned_at as "assignedAt"
    from deposit_address where network = ${network} and index = ${index}`)
}

/** Scans of one address take turns here, whichever process they run in. */
export async function lockAddress(
  tx: Tx,
  { network, index }: { network: Network; index: number },
): Promise<DepositAddress | undefined> {
  return tx.one<DepositAddress>(sql`
    select network, index, party_id as "partyId", address, token_account as "tokenAccount", credited, swept,
      last_signature as "lastSignature", assigned_at as "assignedAt"
    from deposit_address where network = ${network} and index = ${index} for no key update`)
}

export async function ownAddressesAmong(
  db: Db,
  { network, addresses }: { network: Network; addresses: readonly string[] },
): Promise<Set<string>> {
  const rows = await db.rows<{ own: string }>(sql`
    select address as own from deposit_address where network = ${network} and address = any(${addresses})
    union all
    select token_account from deposit_address where network = ${network} and token_account = any(${addresses})`)
  return new Set(rows.map(({ own }) => own))
}

/** Inserts what is new and answers its signatures: a deposit that is there already was credited before (JP-33). */
export async function insertDeposits(tx: Tx, deposits: readonly Deposit[]): Promise<Set<string>> {
  if (deposits.length === 0) return new Set()
  const rows = await tx.rows<{ signature: string }>(sql`
    insert into deposit (network, signature, token_account, party_id, amount, source_owner, slot, credited_at)
    select network, signature, token_account, party_id, amount, source_owner, slot, ${tx.now} from unnest(
      ${deposits.map(({ network }) => network)}::text[],
      ${deposits.map(({ signature }) => signature)}::text[],
      ${deposits.map(({ tokenAccount }) => tokenAccount)}::text[],
      ${deposits.map(({ partyId }) => partyId)}::uuid[],
      ${deposits.map(({ amount }) => amount)}::bigint[],
      ${deposits.map(({ source }) => source)}::text[],
      ${deposits.map(({ slot }) => slot)}::bigint[]
    ) as d (network, signature, token_account, party_id, amount, source_owner, slot)
    on conflict do nothing
    returning signature`)
  return new Set(rows.map(({ signature }) => signature))
}

export async function saveDepositFee(tx: Tx, { network, signature, tokenAccount, fee }: Deposit): Promise<void> {
  await tx.run(sql`
    update deposit set fee = ${fee}
    where network = ${network} and signature = ${signature} and token_account = ${tokenAccount}`)
}

/** Adds what was credited and moves the cursor on, unless another scan has moved it meanwhile. */
export async function advanceAddress(
  tx: Tx,
  row: { network: Network; index: number; credited: Micros; from: string | null; upto: string | null },
): Promise<void> {
  await tx.run(sql`
    update deposit_address set
      credited = credited + ${row.credited},
      last_deposit_at = case when ${row.credited}::bigint > 0 then clock_timestamp() else last_deposit_at end,
      last_signature = case
        when last_signature is not distinct from ${row.from}::text then coalesce(${row.upto}::text, last_signature)
        else last_signature end
    where network = ${row.network} and index = ${row.index}`)
}

export async function addSwept(
  tx: Tx,
  { network, index, amount }: { network: Network; index: number; amount: Micros },
): Promise<void> {
  await tx.run(sql`
    update deposit_address set swept = swept + ${amount}, next_check_at = clock_timestamp()
    where network = ${network} and index = ${index}`)
}

/** Marks what its owner was not told of yet as told, and answers it: each deposit is reported once (JP-30, JP-33). */
export async function takeUnreported(tx: Tx, partyId: string): Promise<Deposit[]> {
  return tx.rows<Deposit>(sql`
    with mine as (
      select network, signature, token_account from deposit
      where party_id = ${partyId} and reported_at is null
      order by slot, signature for update skip locked
    )
    update deposit set reported_at = ${tx.now} from mine
    where deposit.network = mine.network and deposit.signature = mine.signature
      and deposit.token_account = mine.token_account
    returning deposit.network, deposit.signature, deposit.token_account as "tokenAccount",
      deposit.party_id as "partyId", deposit.amount, deposit.fee, deposit.source_owner as source, deposit.slot`)
}

export async function newestSource(db: Db, { partyId, network }: { partyId: string; network: Network }) {
  const row = await db.one<{ source: string }>(sql`
    select source_owner as source from deposit
    where party_id = ${partyId} and network = ${network} and source_owner is not null
    order by slot desc limit 1`)
  return row?.source ?? null
}

/** Whether it is any address's turn, without a unit of work. */
export async function anyAddressDue(db: Db, network: Network): Promise<boolean> {
  const row = await db.one(sql`
    select 1 from deposit_address where network = ${network} and next_check_at <= clock_timestamp() limit 1`)
  return row !== undefined
}

/** Lets an address that puzzles us wait: reading its whole history is dear. */
export async function postponeCheck(
  tx: Tx,
  { network, index, pauseMs }: { network: Network; index: number; pauseMs: number },
): Promise<void> {
  await tx.run(sql`
    update deposit_address set next_check_at = clock_timestamp() + ${pauseMs} * interval '1 ms'
    where network = ${network} and index = ${index}`)
}

/**
 * Takes the addresses whose turn it is. The longer an address has been quiet the longer until its next turn, so that
 * the node is asked about a million of them as rarely as about a few busy ones.
 */
export async function claimDueAddresses(
  tx: Tx,
  turn: { network: Network; limit: number; busyMs: number; idleMs: number },
): Promise<DepositAddress[]> {
  return tx.rows<DepositAddress>(sql`
    with due as (
      select network, index from deposit_address
      where network = ${turn.network} and next_check_at <= clock_timestamp()
      order by next_check_at limit ${turn.limit} for no key update skip locked
    )
    update deposit_address as a set next_check_at = clock_timestamp() + least(greatest(
      (clock_timestamp() - coalesce(a.last_deposit_at, a.assigned_at)) / 20,
      ${turn.busyMs} * interval '1 ms'), ${turn.idleMs} * interval '1 ms')
    from due where a.network = due.network and a.index = due.index
    returning a.network, a.index, a.party_id as "partyId", a.address, a.token_account as "tokenAccount", a.credited,
      a.swept, a.last_signature as "lastSignature", a.assigned_at as "assignedAt"`)
}

export async function addressesAfter(
  db: Db,
  { network, index, limit }: { network: Network; index: number; limit: number },
): Promise<DepositAddress[]> {
  return db.rows<DepositAddress>(sql`
    select network, index, party_id as "partyId", address, token_account as "tokenAccount", credited, swept,
      last_signature as "lastSignature", assigned_at as "assignedAt"
    from deposit_address where network = ${network} and index > ${index} order by index limit ${limit}`)
}

/** What lies on deposit addresses by our books: altogether, and on those that hold enough to be swept. */
export async function accountedOn(
  db: Db,
  { network, sweepMinimum }: { network: Network; sweepMinimum: Micros },
): Promise<{ total: Micros; sweepable: Micros }> {
  const row = await db.one<{ total: Micros; sweepable: Micros }>(sql`
    select coalesce(sum(credited - swept), 0)::bigint as total,
      coalesce(sum(credited - swept) filter (where credited - swept >= ${sweepMinimum}), 0)::bigint as sweepable
    from deposit_address where network = ${network} and credited > swept`)
  return row ?? { total: 0n, sweepable: 0n }
}
