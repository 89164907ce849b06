import sql, { type Sql } from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import type { Payment } from '#settlement'
import type { Purchase } from './purchase.ts'
import { type NewPurchase, textOf } from './store.ts'

/** What decides whether a wallet's money is asked for before anybody works for it (D-12). */
export interface Standing {
  /** What the chain says it holds; null when nobody has asked. */
  readonly funds: bigint | null
  /** When that was asked for, or before; market time. */
  readonly askedAt: Date
  /** So many payments that failed after the work since then, and it pays first. */
  readonly strikes: { readonly most: number; readonly since: Date }
}

/** One at a time for each wallet, to the commit: what two have open at once is summed by one after the other. */
export function lockWallet(db: Db, payment: Pick<Payment, 'network' | 'payer'>): Promise<void> {
  return lockWallets(db, [payment])
}

/** The same of many, in one order for everybody. */
export async function lockWallets(db: Db, payments: readonly Pick<Payment, 'network' | 'payer'>[]): Promise<void> {
  const names = [...new Set(payments.map(({ network, payer }) => `${network} ${payer}`))]
  await db.rows(sql`
    select pg_advisory_xact_lock(lock) from (
      select distinct hashtextextended(name, 0) as lock from unnest(${names}::text[]) as name order by lock
    ) as locks`)
}

/** How a purchase is to be kept. */
export interface Keeping {
  readonly lease: string
  readonly leaseMs: number
  readonly standing: Standing
}

/** A purchase to be kept, and how, at the instant of its unit of work. */
export interface Reserving {
  readonly purchase: NewPurchase
  readonly how: (now: Date) => Keeping
}

/** Whether the money must come first after all. */
export type Reserved = Pick<Purchase, 'settlesFirst' | 'state'>

/**
 * Reserves a payment for a purchase, and the seller for whoever reserved it; undefined when the payment, or the buyer's name
 * for it, is taken. Only under `lockWallet`. Answers whether the money must come first: also from a wallet that has had
 * payments fail after the work, and from one that has more open than it holds.
 */
export async function insertPurchase(
  tx: Tx,
  purchase: NewPurchase,
  { lease, leaseMs, standing }: Keeping,
): Promise<Reserved | undefined> {
  const { id, ware, orderId, sellerId, buyerId, amount, payment } = purchase
  const { fingerprint, paymentId, input, settlesFirst } = purchase
  const { network, payer, nonce } = payment
  return tx.one(sql`
    with judged as (select ${settlesFirst} or ${isShort({ payment, amount, standing })} or ${hasStruckOut(payer, standing)} as first)
    insert into purchase (id, network, payer, nonce, payment_id, kind, ware_id, order_id, seller_id, buyer_id, amount,
      payment, fingerprint, input, settles_first, state, lease, lease_until, created_at)
    select ${id}, ${network}, ${payer}, ${nonce}, ${paymentId}, ${ware.kind}, ${ware.id}, ${orderId}, ${sellerId},
      ${buyerId}, ${amount}, ${textOf(payment)}::json, ${fingerprint},
      ${input === undefined ? null : JSON.stringify(input)}::json,
      first, case when first then 'settling' else 'working' end, ${lease},
      clock_timestamp() + ${leaseMs} * interval '1 ms', ${tx.now}
    from judged
    on conflict do nothing
    returning settles_first as "settlesFirst", state`)
}

interface Judged {
  readonly payment: Pick<Payment, 'network' | 'payer'>
  readonly amount: bigint
  readonly standing: Standing
}

/** Whether what the wallet has open and this together are more than it holds. What it paid since it was asked may still be in there. */
function isShort({ payment: { network, payer }, amount, standing: { funds, askedAt } }: Judged): Sql {
  return sql`coalesce(${funds}::numeric < ${amount} + (
    select coalesce(sum(amount), 0) from purchase
    where network = ${network} and payer = ${payer}
      and (ended_at is null or ended_at > ${askedAt} and state in ('settled', 'returned'))), false)`
}

function hasStruckOut(payer: string, { strikes: { most, since } }: Standing): Sql {
  return sql`${most} <= (
    select count(*) from purchase
    where payer = ${payer} and state = 'failed' and fault = 'payment' and runs > 0 and ended_at > ${since})`
}

/**
 * A failure of the seller's cost nothing, so the same payment may try again, as long as the wallet holds it beside all it has
 * open. Only under `lockWallet`.
 */
export async function reopen(
  tx: Tx,
  { id, payment, amount }: Pick<Purchase, 'id' | 'payment' | 'amount'>,
  { lease, leaseMs, standing }: { lease: string; leaseMs: number; standing: Standing },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update purchase set state = case when settles_first then 'settling' else 'working' end, fault = null, reason = null, ended_at = null,
      lease = ${lease}, lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where id = ${id} and state = 'failed' and fault = 'seller' and not ${isShort({ payment, amount, standing })}`)
  return rows > 0
}
