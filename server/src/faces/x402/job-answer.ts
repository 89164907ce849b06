import type { FastifyReply, FastifyRequest } from 'fastify'
import { isClosed, type Order, type OrderWork } from '#orders'
import type { Db } from '#platform/db'
import { jobView } from '../v1/job-view.ts'
import { buyRefusals } from './errors.ts'
import type { JobLinks } from './job-link.ts'

/** What answering about a wallet's job needs. */
export interface JobContext {
  readonly read: Db
  readonly links: JobLinks
  readonly orderOf: (orderId: string) => Promise<Order>
  readonly workOf: (orderId: string) => Promise<OrderWork | undefined>
}

/** How long a buyer is kept waiting for the delivery, unless he says how long. */
const WAIT_SECONDS = 20
const MAX_WAIT_SECONDS = 30
const POLL_MS = 200

/** RFC 7240: `wait=n` in seconds, `respond-async` for not at all. */
export function waitIn({ headers }: FastifyRequest, otherwise = WAIT_SECONDS): number {
  const prefer = String(headers['prefer'] ?? '')
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(prefer)?.[1]
  if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS)
  return /(?:^|[,;\s])respond-async\b/i.test(prefer) ? 0 : otherwise
}

/** The job once there is something to tell, or as it is when the time is over or the asker has gone. */
export async function jobAfter({ orderOf }: JobContext, { orderId, seconds, request, reply }: Waiting): Promise<Order> {
  if (request.headers['prefer'] !== undefined) reply.header('preference-applied', `wait=${seconds}`)
  const until = performance.now() + seconds * 1000
  for (;;) {
    const order = await orderOf(orderId)
    if (isOver(order) || performance.now() >= until || request.raw.socket?.destroyed) return order
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

interface Waiting {
  readonly orderId: string
  readonly seconds: number
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Nothing more comes by waiting: it is delivered, or it never will be. */
function isOver({ state, deliveredAt }: Order): boolean {
  return deliveredAt !== null || isClosed(state) || state === 'completing'
}

/** The job as its buyer sees it. */
export async function buyersView({ links, workOf }: JobContext, order: Order) {
  const work = await workOf(order.id)
  const isReturning = order.state === 'completing'
  return { ...jobView(order, work), url: links.urlOf(order.id), actions: actionsOn(order), isReturning }
}

/** What the buyer may ask for by POST at the job's own address. */
function actionsOn({ state }: Order): string[] {
  if (state === 'delivered') return ['accept-delivery']
  return ['open', 'queued', 'pending', 'assigned'].includes(state) ? ['cancel'] : []
}

/** 200 with the output where there is one, 202 and where to ask where there is none yet (D-20). */
export async function sendJob(context: JobContext, reply: FastifyReply, order: Order) {
  const view = await buyersView(context, order)
  reply.headers({ location: view.url, 'x-job-id': order.id })
  if (order.deliveredAt !== null) return reply.code(200).send(view.output ?? null)
  if (!isOver(order)) return reply.code(202).header('retry-after', '2').send(view)
  throw buyRefusals.job_not_done({ status: view.status, jobId: order.id, url: view.url })
}
