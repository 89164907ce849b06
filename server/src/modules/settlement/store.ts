import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import type { Db, Tx } from '#platform/db'
import type { SignedAuthorization } from './authorization.ts'
import type { SignedCall } from './chain.ts'

/**
 * `accepted`: kept, nothing sent. `sent`: a signed transaction is kept, and may land at any time. The other two are ends:
 * the money is with the payee, or the chain refused it.
 */
export type SettlementState = 'accepted' | 'sent' | 'settled' | 'failed'

export interface Settlement {
  readonly id: string
  readonly network: string
  readonly authorization: SignedAuthorization
  readonly state: SettlementState
  /** The transaction that is to pay, or has paid. */
  readonly txHash: Hex | null
  /** Why it failed, in the words of x402. */
  readonly reason: string | null
}

interface Row extends Omit<Settlement, 'authorization'> {
  readonly payer: Hex
  readonly payee: Hex
  readonly amount: string
  readonly validAfter: string
  readonly validBefore: string
  readonly nonce: Hex
  readonly signature: Hex
}

/** 78 digits do not fit a bigint, so what the payer chose freely comes as text. */
const COLUMNS = sql`
  settlement.id, settlement.network, payer, payee, amount::text, valid_after::text as "validAfter",
  valid_before::text as "validBefore", settlement.nonce, signature, state, tx_hash as "txHash", reason`

/** Keeps an authorization before anything is done with it; does nothing when the payer's nonce is known already. */
export async function insertSettlement(
  tx: Tx,
  { id, network, authorization }: Pick<Settlement, 'id' | 'network' | 'authorization'>,
): Promise<void> {
  const { from, to, value, validAfter, validBefore, nonce, signature } = authorization
  await tx.run(sql`
    insert into settlement (id, network, payer, payee, amount, valid_after, valid_before, nonce, signature, state, created_at)
    values (${id}, ${network}, ${from}, ${to}, ${value}, ${validAfter}, ${validBefore}, ${nonce}, ${signature}, 'accepted', ${tx.now})
    on conflict (network, payer, nonce) do nothing`)
}

export async function settlementBy(
  db: Db,
  { network, payer, nonce }: { network: string; payer: Hex; nonce: Hex },
): Promise<Settlement | undefined> {
  const row = await db.one<Row>(sql`
    select ${COLUMNS} from settlement where network = ${network} and payer = ${payer} and nonce = ${nonce}`)
  return row && settlementOf(row)
}

/** Ends what was never sent; does nothing once somebody has sent it. */
export async function refuseSettlement(tx: Tx, { id, reason }: { id: string; reason: string }): Promise<boolean> {
  const rows = await tx.run(sql`
    update settlement set state = 'failed', reason = ${reason}, ended_at = ${tx.now} where id = ${id} and state = 'accepted'`)
  return rows > 0
}

/** Those of these that have no transaction yet, locked in id order. */
export async function lockAccepted(db: Db, ids: readonly string[]): Promise<Settlement[]> {
  const rows = await db.rows<Row>(sql`
    select ${COLUMNS} from settlement where id = any(${ids}::uuid[]) and state = 'accepted' order by id for no key update`)
  return rows.map(settlementOf)
}

/** Draws numbers for the relayer's next transactions; locks them to the commit, so that they are used in order. */
export async function drawNonces(
  tx: Tx,
  { network, relayer, count, floor }: { network: string; relayer: Hex; count: number; floor: bigint },
): Promise<bigint> {
  const row = await tx.one<{ first: bigint }>(sql`
    insert into relayer (network, address, next_nonce) values (${network}, ${relayer}, ${floor + BigInt(count)})
    on conflict (network, address) do update
      set next_nonce = greatest(relayer.next_nonce, ${floor}) + ${count}
    returning next_nonce - ${count} as first`)
  if (!row) throw new Error('the relayer has no row')
  return row.first
}

export interface NewTransaction extends SignedCall {
  readonly settlementId: string
  readonly nonce: bigint
}

/** Keeps signed transactions before they are sent (D-15). */
export async function saveTransactions(
  tx: Tx,
  { network, relayer, signed }: { network: string; relayer: Hex; signed: readonly NewTransaction[] },
): Promise<void> {
  await tx.run(sql`
    with signed as (
      select * from unnest(
        ${signed.map(({ settlementId }) => settlementId)}::uuid[],
        ${signed.map(({ nonce }) => nonce)}::bigint[],
        ${signed.map(({ hash }) => hash)}::text[],
        ${signed.map(({ bytes }) => bytes)}::text[]
      ) as s (settlement_id, nonce, hash, bytes)
    ),
    sent as (
      update settlement set state = 'sent', tx_hash = signed.hash from signed where settlement.id = signed.settlement_id
    )
    insert into relayed_transaction (network, relayer, nonce, settlement_id, hash, bytes, signed_at)
    select ${network}, ${relayer}, nonce, settlement_id, hash, bytes, clock_timestamp() from signed`)
}

/** Ends a settlement once: what another process has found out meanwhile stands. */
export async function endSettlement(
  tx: Tx,
  { id, end }: { id: string; end: { state: 'settled'; txHash: Hex } | { state: 'failed'; reason: string } },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update settlement set state = ${end.state}, ended_at = ${tx.now},
      tx_hash = ${end.state === 'settled' ? end.txHash : sql`tx_hash`}, reason = ${end.state === 'failed' ? end.reason : null}
    where id = ${id} and state in ('accepted', 'sent')`)
  return rows > 0
}

export interface Unlanded {
  readonly settlement: Settlement
  readonly bytes: Hex
}

/** Transactions that nobody has seen land, in the order in which they must. */
export async function unlandedAfter(
  db: Db,
  { network, olderThanMs, limit }: { network: string; olderThanMs: number; limit: number },
): Promise<Unlanded[]> {
  const rows = await db.rows<Row & { bytes: Hex }>(sql`
    select ${COLUMNS}, bytes from settlement join relayed_transaction on relayed_transaction.settlement_id = settlement.id
    where settlement.network = ${network} and state = 'sent'
      and signed_at < clock_timestamp() - ${olderThanMs} * interval '1 ms'
    order by relayed_transaction.nonce limit ${limit}`)
  return rows.map(({ bytes, ...row }) => ({ settlement: settlementOf(row), bytes }))
}

function settlementOf(row: Row): Settlement {
  const { id, network, state, txHash, reason, payer, payee, amount, validAfter, validBefore, nonce, signature } = row
  return {
    ...{ id, network, state, txHash, reason },
    authorization: {
      ...{ from: payer, to: payee, value: BigInt(amount), nonce, signature },
      ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
    },
  }
}
