import sql from 'sql-template-tag'
import type { Hex } from 'viem'
import type { Db, Tx } from '#platform/db'
import type { SignedAuthorization } from './authorization.ts'
import type { Place, Transfer } from './chain.ts'

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

export interface Row extends Omit<Settlement, 'authorization'> {
  readonly payer: Hex
  readonly payee: Hex
  readonly amount: string
  readonly validAfter: string
  readonly validBefore: string
  readonly nonce: Hex
  readonly signature: Hex
}

/** 78 digits do not fit a bigint, so what the payer chose freely comes as text. */
export const COLUMNS = sql`
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

/** What payers have on its way already, or have paid since then. */
export async function underWayOf(
  db: Db,
  { network, payers, since }: { network: string; payers: readonly Hex[]; since: Date },
): Promise<Map<Hex, bigint>> {
  const rows = await db.rows<{ payer: Hex; amount: string }>(sql`
    select payer, sum(amount)::text as amount from settlement
    where network = ${network} and payer = any(${payers}::text[])
      and (state = 'sent' or state = 'settled' and ended_at > ${since})
    group by payer`)
  return new Map(rows.map(({ payer, amount }) => [payer, BigInt(amount)]))
}

export type End = ({ readonly state: 'settled' } & Transfer) | { readonly state: 'failed'; readonly reason: string }

/**
 * Ends a settlement once: what another process has found out meanwhile stands. `reversed`: it had been settled before, and
 * now it never will be.
 */
export async function endSettlement(
  tx: Tx,
  { id, from, end }: { id: string; from: readonly SettlementState[]; end: End },
): Promise<'ended' | 'reversed' | 'stands'> {
  const { txHash, block, blockHash, reason } = { txHash: null, block: null, blockHash: null, reason: null, ...end }
  const row = await tx.one<{ reopened: boolean }>(sql`
    update settlement set state = ${end.state}, ended_at = ${tx.now}, tx_hash = coalesce(${txHash}, tx_hash),
      block = ${block}, block_hash = ${blockHash}, reason = ${reason}
    where id = ${id} and state = any(${from}::text[])
    returning reopened_at is not null as reopened`)
  if (!row) return 'stands'
  return row.reopened && end.state === 'failed' ? 'reversed' : 'ended'
}

export interface UnfinalBlock extends Place {
  /** Whether all that was settled in it could still be settled anew, were it taken back. */
  readonly mendable: boolean
}

/** Blocks in which something was settled that may yet be taken back; what is still mendable first. */
export function unfinalBlocks(
  db: Db,
  { network, now, limit }: { network: string; now: bigint; limit: number },
): Promise<UnfinalBlock[]> {
  return db.rows(sql`
    select block, block_hash as "blockHash", max(valid_before) >= ${now}::numeric as mendable from settlement
    where network = ${network} and state = 'settled' and final_at is null
    group by block, block_hash order by mendable desc, block limit ${limit}`)
}

export async function markFinal(tx: Tx, { network, block, blockHash }: { network: string } & Place): Promise<number> {
  return tx.run(sql`
    update settlement set final_at = ${tx.now}
    where network = ${network} and block = ${block} and block_hash = ${blockHash} and state = 'settled' and final_at is null`)
}

/** What was settled in a block that is no more is under way again, or, where we never sent it, as if it had just come. */
export async function reopenSettlements(
  tx: Tx,
  { network, block, blockHash }: { network: string } & Place,
): Promise<number> {
  return tx.run(sql`
    update settlement set state = case when ours.hash is null then 'accepted' else 'sent' end, tx_hash = ours.hash,
      block = null, block_hash = null, ended_at = null, reopened_at = ${tx.now}
    from (
      select id, (
        select hash from relayed_transaction where settlement_id = lost.id order by nonce desc, attempt desc limit 1
      ) as hash
      from settlement as lost
      where network = ${network} and block = ${block} and block_hash = ${blockHash} and state = 'settled' and final_at is null
    ) as ours
    where settlement.id = ours.id and state = 'settled' and final_at is null`)
}

/** What has been reopened and was never sent by us. */
export async function reopenedUnsent(
  db: Db,
  { network, limit }: { network: string; limit: number },
): Promise<Settlement[]> {
  const rows = await db.rows<Row>(sql`
    select ${COLUMNS} from settlement
    where network = ${network} and state = 'accepted' and reopened_at is not null limit ${limit}`)
  return rows.map(settlementOf)
}

export function settlementOf(row: Row): Settlement {
  const { id, network, state, txHash, reason, payer, payee, amount, validAfter, validBefore, nonce, signature } = row
  return {
    ...{ id, network, state, txHash, reason },
    authorization: {
      ...{ from: payer, to: payee, value: BigInt(amount), nonce, signature },
      ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
    },
  }
}
