import sql from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { FullySigned } from './chain.ts'

/** `sent`: signed, kept, and may land at any time. The other two are ends: the money is with the payee, or nothing moved. */
export type SvmState = 'sent' | 'settled' | 'failed'

/** For whom it was settled: a purchase here, or somebody else's shop. One payment pays in one of them. */
export type Claimant = 'market' | 'stranger'

export interface SvmSettlement {
  readonly id: string
  readonly network: string
  readonly messageHash: string
  readonly payer: string
  readonly claimant: Claimant
  readonly state: SvmState
  /** Null when it was refused before it was signed. */
  readonly signature: string | null
  readonly reason: string | null
  /** Beyond this height no block can take it. */
  readonly lastHeight: bigint | null
}

const COLUMNS = sql`
  id, network, message_hash as "messageHash", payer, claimant, state, signature, reason, last_height as "lastHeight"`

export type Decision =
  | { readonly signed: FullySigned; readonly lastHeight: bigint }
  /** Not signed and never to be. */
  | { readonly reason: string }

export type NewSvmSettlement = Pick<SvmSettlement, 'id' | 'network' | 'messageHash' | 'payer' | 'claimant'> & {
  readonly decision: Decision
}

/**
 * Keeps what was decided about a payment, signed bytes and all, before anything is done (D-15); the first decision stands.
 * Of two at one moment the second may be noticed by its signature, which is the same, before it is by its message.
 */
export async function insertSvmSettlement(tx: Tx, settlement: NewSvmSettlement): Promise<void> {
  const { id, network, messageHash, claimant, payer, decision } = settlement
  const { signature, bytes } = 'signed' in decision ? decision.signed : { signature: null, bytes: null }
  const [reason, lastHeight] = 'signed' in decision ? [null, decision.lastHeight] : [decision.reason, null]
  await tx.run(sql`
    insert into svm_settlement (id, network, message_hash, payer, claimant, state, signature, bytes, last_height, reason,
      created_at, signed_at, ended_at)
    values (${id}, ${network}, ${messageHash}, ${payer}, ${claimant}, ${signature === null ? 'failed' : 'sent'},
      ${signature}, ${bytes === null ? null : Buffer.from(bytes)}, ${lastHeight}, ${reason},
      ${tx.now}, case when ${signature}::text is not null then clock_timestamp() end,
      case when ${signature}::text is null then ${tx.now}::timestamptz end)
    on conflict do nothing`)
}

export function svmSettlementBy(
  db: Db,
  { network, messageHash }: { network: string; messageHash: string },
): Promise<SvmSettlement | undefined> {
  return db.one<SvmSettlement>(sql`
    select ${COLUMNS} from svm_settlement where network = ${network} and message_hash = ${messageHash}`)
}

/**
 * Ends a settlement once: what another process has found out meanwhile stands. Answers whether it is reversed: it had been
 * settled before, and now has failed.
 */
export async function endSvmSettlement(
  tx: Tx,
  { id, end }: { id: string; end: { state: 'settled' } | { state: 'failed'; reason: string } },
): Promise<boolean> {
  const row = await tx.one<{ reopened: boolean }>(sql`
    update svm_settlement set state = ${end.state}, ended_at = ${tx.now},
      reason = ${end.state === 'failed' ? end.reason : null}
    where id = ${id} and state = 'sent' returning reopened_at is not null as reopened`)
  return row?.reopened === true && end.state === 'failed'
}

/** What was settled and may yet be taken back, oldest first. */
export function unfinal(db: Db, { network, limit }: { network: string; limit: number }): Promise<SvmSettlement[]> {
  return db.rows<SvmSettlement>(sql`
    select ${COLUMNS} from svm_settlement
    where network = ${network} and state = 'settled' and final_at is null order by signed_at limit ${limit}`)
}

export async function markFinal(tx: Tx, signatures: readonly string[]): Promise<number> {
  return tx.run(sql`
    update svm_settlement set final_at = ${tx.now}
    where signature = any(${signatures}::text[]) and state = 'settled' and final_at is null`)
}

/** What the chain knows nothing of any more is under way again. */
export async function reopen(tx: Tx, signatures: readonly string[]): Promise<number> {
  return tx.run(sql`
    update svm_settlement set state = 'sent', ended_at = null, reopened_at = ${tx.now}
    where signature = any(${signatures}::text[]) and state = 'settled' and final_at is null`)
}

/** True for the first stranger who is told that it was settled. */
export async function markTold(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.run(sql`
    update svm_settlement set told_at = ${tx.now} where id = ${id} and told_at is null and claimant = 'stranger'`)
  return rows > 0
}

export interface Unlanded {
  readonly settlement: SvmSettlement
  readonly bytes: Uint8Array
}

/** Transactions that nobody has seen land, oldest first. */
export async function unlandedAfter(
  db: Db,
  { network, olderThanMs, limit }: { network: string; olderThanMs: number; limit: number },
): Promise<Unlanded[]> {
  const rows = await db.rows<SvmSettlement & { bytes: Buffer }>(sql`
    select ${COLUMNS}, bytes from svm_settlement
    where network = ${network} and state = 'sent' and signed_at < clock_timestamp() - ${olderThanMs} * interval '1 ms'
    order by signed_at limit ${limit}`)
  return rows.map(({ bytes, ...settlement }) => ({ settlement, bytes: Uint8Array.from(bytes) }))
}
