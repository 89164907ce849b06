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

export type NewSettlement = Pick<Settlement, 'id' | 'network' | 'authorization'>

/** Keeps authorizations; those of whose payer and nonce one is known already it leaves out. */
export async function insertSettlements(tx: Tx, settlements: readonly NewSettlement[]): Promise<void> {
  const all = settlements.map(({ authorization }) => authorization)
  await tx.run(sql`
    insert into settlement (id, network, payer, payee, amount, valid_after, valid_before, nonce, signature, state, created_at)
    select *, 'accepted', ${tx.now} from unnest(
      ${settlements.map(({ id }) => id)}::uuid[],
      ${settlements.map(({ network }) => network)}::text[],
      ${all.map(({ from }) => from)}::text[],
      ${all.map(({ to }) => to)}::text[],
      ${all.map(({ value }) => value)}::numeric[],
      ${all.map(({ validAfter }) => validAfter)}::numeric[],
      ${all.map(({ validBefore }) => validBefore)}::numeric[],
      ${all.map(({ nonce }) => nonce)}::text[],
      ${all.map(({ signature }) => signature)}::text[])
    on conflict (network, payer, nonce) do nothing`)
}

/** By what names a settlement on its network. */
export function nameOf({ payer, nonce }: { readonly payer: Hex; readonly nonce: Hex }): string {
  return `${payer} ${nonce}`
}

export async function settlementsBy(
  db: Db,
  { network, names }: { readonly network: string; readonly names: readonly string[] },
): Promise<ReadonlyMap<string, Settlement>> {
  const split = names.map((name) => name.split(' '))
  const rows = await db.rows<Row>(sql`
    select ${COLUMNS} from settlement
    where settlement.network = ${network} and (payer, settlement.nonce) in (
      select * from unnest(${split.map(([payer]) => payer)}::text[], ${split.map(([, nonce]) => nonce)}::text[]))`)
  return new Map(rows.map((row) => [nameOf(row), settlementOf(row)]))
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

/** How a settlement is to end, and from where. */
export interface Ending {
  readonly id: string
  readonly from: readonly SettlementState[]
  readonly end: End
}

/**
 * Ends settlements, each once: what another process has found out meanwhile stands. Answers those that were reversed: they
 * had been settled before, and now they never will be.
 */
export async function endSettlements(tx: Tx, endings: readonly Ending[]): Promise<Set<string>> {
  // In one order for everybody, and each once however many have found it out.
  const own = [...new Map(endings.map((ending) => [ending.id, ending])).values()].sort((one, other) =>
    one.id < other.id ? -1 : 1,
  )
  const ends = own.map(({ end }) => ({ txHash: null, block: null, blockHash: null, reason: null, ...end }))
  const rows = await tx.rows<{ id: string }>(sql`
    with ended as (
      update settlement set state = ending.state, ended_at = ${tx.now}, tx_hash = coalesce(ending.tx_hash, settlement.tx_hash),
        block = ending.block, block_hash = ending.block_hash, reason = ending.reason
      from unnest(
        ${own.map(({ id }) => id)}::uuid[],
        ${own.map(({ from }) => from.join(' '))}::text[],
        ${ends.map(({ state }) => state)}::text[],
        ${ends.map(({ txHash }) => txHash)}::text[],
        ${ends.map(({ block }) => block)}::bigint[],
        ${ends.map(({ blockHash }) => blockHash)}::text[],
        ${ends.map(({ reason }) => reason)}::text[]
      ) as ending (id, "from", state, tx_hash, block, block_hash, reason)
      where settlement.id = ending.id and settlement.state = any(string_to_array(ending."from", ' '))
      returning settlement.id, settlement.reopened_at is not null and ending.state = 'failed' as reversed
    )
    select id from ended where reversed`)
  return new Set(rows.map(({ id }) => id))
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
