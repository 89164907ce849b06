import sql, { type Sql } from 'sql-template-tag'
import type { Micros } from '#kernel/money'
import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Db, Tx } from '#platform/db'
import { listed } from '#platform/db/prepared'
import type { Order, OrderState } from './order.ts'

const COLUMNS = sql`
  id, form, state, outcome, former, buyer_id as "buyerId", seller_id as "sellerId", listing_id as "listingId", asset, price, fee, held,
  purse, terms, callback_url as "callbackUrl", created_at as "createdAt", assigned_at as "assignedAt",
  delivered_at as "deliveredAt", closed_at as "closedAt", due_at as "dueAt"`

/** Locks orders in id order, so that two moves on one order can never interleave and batches never deadlock. */
export async function lockOrders(db: Db, ids: readonly string[]): Promise<Map<string, Order>> {
  const rows = await db.rows<Order>(sql`
    select ${COLUMNS} from orders where id = any(${listed(ids, 'uuid')}) order by id for no key update`)
  return new Map(rows.map((order) => [order.id, order]))
}

export async function insertOrders(tx: Tx, orders: readonly { order: Order; input: unknown }[]): Promise<void> {
  if (orders.length === 0) return
  const all = orders.map(({ order }) => order)
  await tx.run(sql`
    with work as (
      insert into order_work (order_id, input)
      select * from unnest(${all.map(({ id }) => id)}::uuid[], ${orders.map(({ input }) => textOf(input))}::json[])
    )
    insert into orders (id, form, state, outcome, former, buyer_id, seller_id, listing_id, asset, price, fee, held, purse, terms,
      callback_url, created_at, assigned_at, delivered_at, closed_at, due_at)
    select * from unnest(
      ${all.map((order) => order.id)}::uuid[],
      ${all.map((order) => order.form)}::text[],
      ${all.map((order) => order.state)}::text[],
      ${all.map((order) => order.outcome)}::text[],
      ${all.map((order) => order.former)}::text[],
      ${all.map((order) => order.buyerId)}::uuid[],
      ${all.map((order) => order.sellerId)}::uuid[],
      ${all.map((order) => order.listingId)}::uuid[],
      ${all.map((order) => order.asset)}::text[],
      ${all.map((order) => order.price)}::bigint[],
      ${all.map((order) => order.fee)}::bigint[],
      ${all.map((order) => order.held)}::bigint[],
      ${all.map((order) => order.purse)}::text[],
      ${all.map((order) => JSON.stringify(order.terms))}::jsonb[],
      ${all.map((order) => order.callbackUrl)}::text[],
      ${all.map((order) => order.createdAt)}::timestamptz[],
      ${all.map((order) => order.assignedAt)}::timestamptz[],
      ${all.map((order) => order.deliveredAt)}::timestamptz[],
      ${all.map((order) => order.closedAt)}::timestamptz[],
      ${all.map((order) => order.dueAt)}::timestamptz[])`)
}

/** Writes what a move may change; everything else of an order is frozen. */
export async function saveOrders(tx: Tx, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return
  await tx.run(sql`
    update orders set state = next.state, outcome = next.outcome, former = next.former, seller_id = next.seller_id,
      price = next.price, fee = next.fee, held = next.held, assigned_at = next.assigned_at,
      delivered_at = next.delivered_at, closed_at = next.closed_at, due_at = next.due_at
    from unnest(
      ${orders.map((order) => order.id)}::uuid[],
      ${orders.map((order) => order.state)}::text[],
      ${orders.map((order) => order.outcome)}::text[],
      ${orders.map((order) => order.former)}::text[],
      ${orders.map((order) => order.sellerId)}::uuid[],
      ${orders.map((order) => order.price)}::bigint[],
      ${orders.map((order) => order.fee)}::bigint[],
      ${orders.map((order) => order.held)}::bigint[],
      ${orders.map((order) => order.assignedAt)}::timestamptz[],
      ${orders.map((order) => order.deliveredAt)}::timestamptz[],
      ${orders.map((order) => order.closedAt)}::timestamptz[],
      ${orders.map((order) => order.dueAt)}::timestamptz[]
    ) as next (id, state, outcome, former, seller_id, price, fee, held, assigned_at, delivered_at, closed_at, due_at)
    where orders.id = next.id`)
}

export async function saveOutputs(tx: Tx, outputs: readonly { orderId: string; output: unknown }[]): Promise<void> {
  if (outputs.length === 0) return
  await tx.run(sql`
    update order_work set output = next.output
    from unnest(
      ${outputs.map(({ orderId }) => orderId)}::uuid[],
      ${outputs.map(({ output }) => textOf(output))}::json[]
    ) as next (id, output)
    where order_work.order_id = next.id`)
}

export async function ordersById(db: Db, ids: readonly string[]): Promise<Map<string, Order>> {
  const rows = await db.rows<Order>(sql`select ${COLUMNS} from orders where id = any(${listed(ids, 'uuid')})`)
  return new Map(rows.map((order) => [order.id, order]))
}

export async function orderById(db: Db, id: string): Promise<Order | undefined> {
  return db.one<Order>(sql`select ${COLUMNS} from orders where id = ${id}`)
}

export interface OrderWork {
  readonly input: unknown
  readonly output: unknown
}

export async function workOf(db: Db, orderIds: readonly string[]): Promise<Map<string, OrderWork>> {
  const rows = await db.rows<OrderWork & { orderId: string }>(sql`
    select order_id as "orderId", input, output from order_work where order_id = any(${orderIds}::uuid[])`)
  return new Map(rows.map(({ orderId, input, output }) => [orderId, { input, output }]))
}

export interface OrderFilter {
  readonly partyId: string
  readonly role: 'buyer' | 'seller' | 'either'
  readonly form: string
  readonly states: readonly OrderState[]
}

/** A party's own orders, newest first. */
export async function ordersOf(db: Db, filter: OrderFilter, page: PageRequest): Promise<Page<Order>> {
  const where = sql`${ofParty(filter)} and form = ${filter.form} and state = any(${filter.states})`
  const [items, counted] = await Promise.all([
    db.rows<Order>(sql`
      select ${COLUMNS} from orders where ${where} order by id desc limit ${page.limit} offset ${offsetOf(page)}`),
    db.one<{ total: bigint }>(sql`select count(*) as total from orders where ${where}`),
  ])
  return { items, total: Number(counted?.total ?? 0n) }
}

function ofParty({ partyId, role }: OrderFilter): Sql {
  if (role === 'buyer') return sql`buyer_id = ${partyId}`
  if (role === 'seller') return sql`seller_id = ${partyId}`
  return sql`(buyer_id = ${partyId} or seller_id = ${partyId})`
}

/** Takes due orders for this unit of work; those another process is at work on are left to it. */
export async function lockDueOrders(tx: Tx, limit: number): Promise<Map<string, Order>> {
  const rows = await tx.rows<Order>(sql`
    select ${COLUMNS} from orders where due_at <= ${tx.now} order by due_at limit ${limit} for no key update skip locked`)
  return new Map(rows.map((order) => [order.id, order]))
}

/** The same for one order; nothing when it is not due any more or somebody is at work on it. */
export async function lockDueOrder(tx: Tx, id: string): Promise<Map<string, Order>> {
  const rows = await tx.rows<Order>(sql`
    select ${COLUMNS} from orders where id = ${id} and due_at <= ${tx.now} for no key update skip locked`)
  return new Map(rows.map((order) => [order.id, order]))
}

export interface DueOrder {
  readonly id: string
  readonly dueAt: Date
}

/** Orders that are due, the longest first, after `last`; without a unit of work. */
export async function dueAfter(
  db: Db,
  { now, last, limit }: { now: Date; last?: DueOrder | undefined; limit: number },
): Promise<DueOrder[]> {
  const { dueAt, id } = last ?? { dueAt: '-infinity', id: '00000000-0000-0000-0000-000000000000' }
  return db.rows<DueOrder>(sql`
    select id, due_at as "dueAt" from orders where due_at <= ${now} and (due_at, id) > (${dueAt}, ${id})
    order by due_at, id limit ${limit}`)
}

/** The oldest orders waiting for a slot; one that is being moved elsewhere is passed over. */
export async function lockQueued(tx: Tx, listingId: string, limit: number): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select id from orders where listing_id = ${listingId} and state = 'queued'
    order by id limit ${limit} for no key update skip locked`)
  return rows.map(({ id }) => id)
}

/** Money set aside for a buyer's open orders. */
export async function escrowedOf(db: Db, partyId: string): Promise<Micros> {
  const row = await db.one<{ held: Micros }>(sql`
    select coalesce(sum(held), 0)::bigint as held from orders where buyer_id = ${partyId} and closed_at is null and asset = 'USDC'`)
  return row?.held ?? 0n
}

/** Undelivered orders of a buyer: what a panicking owner may take back. */
export async function undeliveredOf(db: Db, partyId: string): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(sql`
    select id from orders where buyer_id = ${partyId} and closed_at is null
      and state in ('open', 'queued', 'pending', 'assigned') order by id`)
  return rows.map(({ id }) => id)
}

/** The driver would send a string or an array as it is; JSON text is unambiguous. */
function textOf(json: unknown): string | null {
  return json === undefined ? null : JSON.stringify(json)
}
