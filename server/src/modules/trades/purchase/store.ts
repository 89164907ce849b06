import sql, { type Sql } from 'sql-template-tag'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'
import type { Payment } from '#settlement'
import type { Output, Purchase, PurchaseState, WareName } from './purchase.ts'

/** Integers of a payment are wider than JSON's. */
interface KeptPayment extends Omit<Payment, 'amount' | 'requirements'> {
  readonly amount: string
  readonly requirements: Omit<Payment['requirements'], 'amount'> & { readonly amount: string }
}

interface Row extends Omit<Purchase, 'payment' | 'output' | 'ware'> {
  readonly kind: string
  readonly wareId: string
  readonly payment: KeptPayment
  readonly outputStatus: number | null
  readonly outputType: string
  /** Null also when it was kept long enough. */
  readonly outputBody: Buffer | null
  readonly latencyMs: number
}

const COLUMNS = sql`
  id, kind, ware_id as "wareId", order_id as "orderId", seller_id as "sellerId", buyer_id as "buyerId", network, payer,
  amount, payment, fingerprint,
  payment_id as "paymentId", input, settles_first as "settlesFirst", state, runs, fault, reason, tx_hash as "txHash",
  created_at as "createdAt", ended_at as "endedAt", output_status as "outputStatus",
  output_type as "outputType", output as "outputBody", latency_ms as "latencyMs"`

export type NewPurchase = Pick<
  Purchase,
  | 'id'
  | 'ware'
  | 'orderId'
  | 'sellerId'
  | 'buyerId'
  | 'amount'
  | 'payment'
  | 'fingerprint'
  | 'paymentId'
  | 'input'
  | 'settlesFirst'
  | 'state'
>

export function purchaseById(db: Db, id: string): Promise<Purchase | undefined> {
  return one(db, sql`id = ${id}`)
}

export async function purchasesById(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Purchase>> {
  const rows = await db.rows<Row>(sql`select ${COLUMNS} from purchase where id = any(${listed(ids, 'uuid')})`)
  return new Map(rows.map((row) => [row.id, purchaseOf(row)]))
}

export function purchaseByPaymentId(
  db: Db,
  { ware: { kind, id }, paymentId }: { ware: WareName; paymentId: string },
): Promise<Purchase | undefined> {
  return one(db, sql`kind = ${kind} and ware_id = ${id} and payment_id = ${paymentId}`)
}

/** By what names a purchase on the chain that pays for it. */
export function paymentName({ network, payer, nonce }: Pick<Payment, 'network' | 'payer' | 'nonce'>): string {
  return `${network} ${payer} ${nonce}`
}

export async function purchasesByPayment(db: Db, names: readonly string[]): Promise<ReadonlyMap<string, Purchase>> {
  const split = names.map((name) => name.split(' '))
  const part = (index: number) => split.map((words) => words[index])
  const rows = await db.rows<Row>(sql`
    select ${COLUMNS} from purchase
    where (network, payer, nonce) in (
      select * from unnest(${part(0)}::text[], ${part(1)}::text[], ${part(2)}::text[]))`)
  return new Map(rows.map((row) => purchaseOf(row)).map((purchase) => [paymentName(purchase.payment), purchase]))
}

/** The newest purchase by a wallet of one thing for the same words whose answer is still kept. */
export function latestPurchase(
  db: Db,
  { network, payer, ware, fingerprint }: Pick<Purchase, 'network' | 'payer' | 'fingerprint'> & { ware: WareName },
): Promise<Purchase | undefined> {
  return one(
    db,
    sql`network = ${network} and payer = ${payer} and kind = ${ware.kind} and ware_id = ${ware.id}
      and fingerprint = ${fingerprint} and state = 'settled' and output is not null order by ended_at desc, id desc limit 1`,
  )
}

async function one(db: Db, where: Sql): Promise<Purchase | undefined> {
  const row = await db.one<Row>(sql`select ${COLUMNS} from purchase where ${where}`)
  return row && purchaseOf(row)
}

/** Takes over the running of a seller from whoever has died over it; false when he has not, or there is nothing to run. */
export async function claimRun(
  tx: Tx,
  { id, lease, leaseMs }: { id: string; lease: string; leaseMs: number },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update purchase set lease = ${lease}, lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where id = ${id} and state in ('working', 'paid') and lease_until < clock_timestamp()`)
  return rows > 0
}

/** What a seller answered, and by whose lease. */
export interface Kept extends Claim {
  readonly output: Output
  readonly to: 'settling' | 'paid'
}

/** Keeps what sellers answered before anything is settled for it; answers for whom, as who lost his lease keeps nothing. */
export async function keepOutputs(tx: Tx, kept: readonly Kept[]): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ id: string }>(sql`
    update purchase set state = kept.state, runs = runs + 1, output_status = kept.status, output_type = kept.type,
      output = kept.body, latency_ms = kept.latency
    from unnest(
      ${kept.map(({ id }) => id)}::uuid[],
      ${kept.map(({ lease }) => lease)}::uuid[],
      ${kept.map(({ to }) => to)}::text[],
      ${kept.map(({ output }) => output.status)}::integer[],
      ${kept.map(({ output }) => output.contentType)}::text[],
      ${kept.map(({ output }) => output.body)}::bytea[],
      ${kept.map(({ output }) => output.latencyMs)}::integer[]
    ) as kept (id, lease, state, status, type, body, latency)
    where purchase.id = kept.id and purchase.lease = kept.lease and purchase.state in ('working', 'paid')
    returning purchase.id`)
  return new Set(rows.map(({ id }) => id))
}

/** A run somebody has to himself. */
export interface Claim {
  readonly id: string
  readonly lease: string
}

export async function renewLeases(
  tx: Tx,
  { claims, leaseMs }: { claims: readonly Claim[]; leaseMs: number },
): Promise<void> {
  await tx.run(sql`
    update purchase set lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    from unnest(${claims.map(({ id }) => id)}::uuid[], ${claims.map(({ lease }) => lease)}::uuid[]) as held (id, lease)
    where purchase.id = held.id and purchase.lease = held.lease`)
}

/** A run that brought nothing, of a purchase that is paid: it is tried again later. */
export async function countRun(tx: Tx, { id, lease }: { id: string; lease: string }): Promise<boolean> {
  const rows = await tx.run(sql`
    update purchase set runs = runs + 1 where id = ${id} and lease = ${lease} and state = 'paid'`)
  return rows > 0
}

/** How a purchase ends unpaid: by its seller, for whoever has him to himself, or by what its chain has decided, whoever says so. */
export type Failing =
  | { readonly fault: 'seller'; readonly reason: string; readonly lease: string }
  | { readonly fault: 'payment'; readonly reason: string }

export async function failPurchase(tx: Tx, { id, ...failing }: { id: string } & Failing): Promise<boolean> {
  const { fault, reason } = failing
  const from = fault === 'seller' ? sql`state = 'working' and lease = ${failing.lease}` : sql`state = 'settling'`
  const rows = await tx.run(sql`
    update purchase set state = 'failed', fault = ${fault}, reason = ${reason}, ended_at = ${tx.now}, output = null,
      runs = runs + ${fault === 'seller' ? 1 : 0}
    where id = ${id} and ${from}`)
  return rows > 0
}

/** The money has moved. True for the one who says it first. */
export async function markPaid(
  tx: Tx,
  { id, txHash, lease, leaseMs }: { id: string; txHash: string; lease: string; leaseMs: number },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update purchase set state = 'paid', tx_hash = ${txHash}, lease = ${lease},
      lease_until = clock_timestamp() + ${leaseMs} * interval '1 ms'
    where id = ${id} and state = 'settling'`)
  return rows > 0
}

/** A purchase whose money has moved, and by whom. */
export interface Paid {
  readonly id: string
  readonly txHash: string
  readonly buyerId: string
}

/** Ends purchases; answers which of them, as each ends once. */
export async function endPurchases(tx: Tx, paid: readonly Paid[]): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ id: string }>(sql`
    update purchase set state = 'settled', tx_hash = paid.tx_hash, buyer_id = paid.buyer_id, ended_at = ${tx.now}
    from unnest(
      ${paid.map(({ id }) => id)}::uuid[],
      ${paid.map(({ txHash }) => txHash)}::text[],
      ${paid.map(({ buyerId }) => buyerId)}::uuid[]
    ) as paid (id, tx_hash, buyer_id)
    where purchase.id = paid.id and purchase.state in ('settling', 'paid')
    returning purchase.id`)
  return new Set(rows.map(({ id }) => id))
}

/** What the buyer is told of what his money did, where no seller answered him. */
export async function saveAnswer(tx: Tx, { id, output }: { id: string; output: Output }): Promise<void> {
  const { status, contentType, body, latencyMs } = output
  await tx.run(sql`
    update purchase set output_status = ${status}, output_type = ${contentType}, output = ${body}, latency_ms = ${latencyMs}
    where id = ${id}`)
}

/** The money came and goes back. True for the one who says it first. */
export async function returnPurchase(
  tx: Tx,
  { id, txHash, buyerId, reason }: { id: string; txHash: string; buyerId: string; reason: string },
): Promise<boolean> {
  const rows = await tx.run(sql`
    update purchase set state = 'returned', fault = 'order', reason = ${reason}, tx_hash = ${txHash},
      buyer_id = ${buyerId}, ended_at = ${tx.now}
    where id = ${id} and state = 'settling'`)
  return rows > 0
}

/** Puts purchases behind all others that wait to be driven on, so that none that cannot be holds others back. */
export async function requeue(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.run(sql`
    update purchase set lease_until = clock_timestamp() - interval '1 ms'
    where id = any(${ids}::uuid[]) and ended_at is null and lease_until < clock_timestamp()`)
}

/** Purchases nobody drives any more, longest first. */
export async function abandoned(
  db: Db,
  { states, olderThanMs, limit }: { states: readonly PurchaseState[]; olderThanMs: number; limit: number },
): Promise<Purchase[]> {
  const rows = await db.rows<Row>(sql`
    select ${COLUMNS} from purchase
    where ended_at is null and state = any(${states}::text[]) and lease_until < clock_timestamp() - ${olderThanMs} * interval '1 ms'
    order by lease_until limit ${limit}`)
  return rows.map(purchaseOf)
}

/** Forgets what was said and answered in purchases that ended before; answers how many. */
export async function forgetAnswers(tx: Tx, { before, limit }: { before: Date; limit: number }): Promise<number> {
  return tx.run(sql`
    update purchase set input = null, output = null where id in (
      select id from purchase where ended_at < ${before} and (input is not null or output is not null)
      order by ended_at limit ${limit})`)
}

/** A payment as it is kept. */
export function textOf(payment: Payment): string {
  return JSON.stringify(payment, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}

function paymentOf({ amount, requirements, ...rest }: KeptPayment): Payment {
  return {
    ...rest,
    amount: BigInt(amount),
    requirements: { ...requirements, amount: BigInt(requirements.amount) },
  }
}

function purchaseOf({
  kind,
  wareId,
  payment,
  outputStatus,
  outputType,
  outputBody,
  latencyMs,
  ...rest
}: Row): Purchase {
  const output =
    outputStatus === null
      ? null
      : { status: outputStatus, contentType: outputType, body: outputBody ?? Buffer.alloc(0), latencyMs }
  return { ...rest, ware: { kind, id: wareId }, payment: paymentOf(payment), output }
}
