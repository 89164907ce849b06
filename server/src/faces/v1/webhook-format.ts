import { createHmac } from 'node:crypto'
import type { Message } from '#events'
import { secondsBetween } from '#kernel/time'
import type { Db } from '#platform/db'
import type { OutboxEvent } from '#platform/outbox'
import type { Signing, WebhookFormat } from '#webhooks'

/** JP-170, as JustPayAI shows a client to its providers. */
export interface ClientReputation {
  readonly trustScore: number
  readonly disputeRate: number
  readonly jobsCompleted: number
}

export interface JobWebhookSources {
  /** What the client handed over with the order. */
  readonly orderInput: (db: Db, orderId: string) => Promise<unknown>
  /** The parties' own default addresses. */
  readonly callbackUrlsOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>
  readonly reputationOf: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, ClientReputation>>
}

/** Payload of the orders' events, as far as a job's webhooks need it. */
export interface OrderNews {
  readonly orderId: string
  readonly form: string
  readonly state: string
  readonly buyerId: string
  readonly sellerId: string | null
  readonly listingId: string | null
  readonly price: string
  /** Given with the order by its client, for its client. */
  readonly callbackUrl: string | null
  readonly assignedAt: string | null
  readonly deliveredAt: string | null
  /** Nobody is to be told. */
  readonly silent?: boolean
}

type Role = 'client' | 'provider'

interface JobNews {
  readonly event: string
  readonly to: readonly Role[]
}

const FORMS = new Set(['direct', 'open'])

/** Which news of an order its parties hear, and as what (JP-74, JP-77, JP-80, JP-86). */
const JOB_NEWS: Readonly<Record<string, JobNews>> = {
  'order.placed': { event: 'job.created', to: ['provider'] },
  // A place came free for a queued job and its provider's time to accept has begun.
  'order.seated': { event: 'job.pending', to: ['provider'] },
  'order.assigned': { event: 'job.assigned', to: ['provider'] },
  'order.delivered': { event: 'job.delivered', to: ['client'] },
  'order.completed': { event: 'job.completed', to: ['provider'] },
  'order.cancelled': { event: 'job.cancelled', to: ['provider'] },
  'order.expired': { event: 'job.expired', to: ['client', 'provider'] },
}

/** Which news of a wallet its agent hears, and as what (JP-142); the rest of the payload goes along as it is. */
const WALLET_NEWS: Readonly<Record<string, string>> = {
  'wallet.address_changed': 'wallet.address_changed',
  'wallet.deposited': 'wallet.deposit_credited',
  'wallet.withdrawal_confirmed': 'wallet.withdrawal_completed',
  'wallet.withdrawal_failed': 'wallet.withdrawal_failed',
}

/** A body that grows beyond this with the job's input leaves the input out; Standard Webhooks bounds bodies at 20 kB. */
const MAX_BYTES_WITH_INPUT = 16_000

/** JustPayAI's webhooks (JP-167, JP-169): `{event, data, timestamp}`, signed by `X-JustPayAI-Signature`. */
export function jobWebhookFormat(sources: JobWebhookSources): WebhookFormat {
  return {
    name: 'justpayai',
    types: [...Object.values(JOB_NEWS).map(({ event }) => event), ...Object.values(WALLET_NEWS)],
    hears: (eventName) => Object.hasOwn(JOB_NEWS, eventName) || Object.hasOwn(WALLET_NEWS, eventName),
    compose: async (db, event) => {
      const news = JOB_NEWS[event.name]
      return news ? jobMessages(sources, { db, event, news }) : walletMessages(sources, db, event)
    },
    headers: jobHeaders,
  }
}

/** Hex HMAC-SHA256 of the raw body; the key is the whole secret as text, `whsec_` included (JP-169, D-6). */
export function jobHeaders({ body, secrets: [current = ''] }: Signing): Record<string, string> {
  return { 'X-JustPayAI-Signature': createHmac('sha256', current).update(body).digest('hex') }
}

interface JobEvent {
  readonly db: Db
  readonly event: OutboxEvent
  readonly news: JobNews
}

async function jobMessages(sources: JobWebhookSources, { db, event, news }: JobEvent): Promise<Message[]> {
  const order = event.payload as OrderNews
  // Applicants of an open job hear of it when they are chosen, not before (JP-86).
  const isSilent = order.silent || !FORMS.has(order.form) || (event.name === 'order.placed' && order.form === 'open')
  if (isSilent) return []
  const urls = await addressesOf(sources, db, order)
  const messages: Message[] = []
  for (const role of news.to) {
    const { partyId, url } = urls[role]
    if (partyId === null) continue
    const plain = bodyOf(event, news.event, jobData(order, role))
    const body = event.name === 'order.placed' ? await withOffer(sources, { db, order, plain }) : plain
    messages.push({ recipientId: partyId, url, eventName: news.event, body })
  }
  return messages
}

interface Address {
  readonly partyId: string | null
  readonly url: string | null
}

/** A job's own address stands for its client's; the provider always hears at its own (JP-67). */
async function addressesOf(sources: JobWebhookSources, db: Db, order: OrderNews): Promise<Record<Role, Address>> {
  const { buyerId, sellerId, callbackUrl } = order
  const urls = await sources.callbackUrlsOf(db, sellerId === null ? [buyerId] : [buyerId, sellerId])
  return {
    client: { partyId: buyerId, url: callbackUrl ?? urls.get(buyerId) ?? null },
    provider: { partyId: sellerId, url: sellerId === null ? null : (urls.get(sellerId) ?? null) },
  }
}

export interface Body<Data> {
  readonly event: string
  readonly data: Data
  /** When it happened, on the market's clock. */
  readonly timestamp: string
  /** The event's name once more, where readers of Standard Webhooks look for it. */
  readonly type: string
}

export function bodyOf<Data>({ at }: OutboxEvent, event: string, data: Data): Body<Data> {
  return { event, data, timestamp: at.toISOString(), type: event }
}

/** As in JustPayAI's documentation; amounts in micro-units. */
function jobData(order: OrderNews, role: Role) {
  const { assignedAt, deliveredAt } = order
  return {
    jobId: order.orderId,
    status: order.state === 'assigned' ? 'accepted' : order.state,
    role,
    providerAgentId: order.sellerId,
    clientAgentId: order.buyerId,
    serviceId: order.listingId,
    amount: order.price,
    executionTimeSecs: assignedAt && deliveredAt ? secondsBetween(new Date(assignedAt), new Date(deliveredAt)) : null,
  }
}

interface Offer {
  readonly db: Db
  readonly order: OrderNews
  readonly plain: Body<ReturnType<typeof jobData>>
}

/** What a provider wants to know of a new job: who asks (JP-170) and for what, unless that is too long for a message. */
async function withOffer(sources: JobWebhookSources, { db, order, plain }: Offer): Promise<object> {
  const reputation = await sources.reputationOf(db, [order.buyerId])
  const data = { ...plain.data, clientReputation: reputation.get(order.buyerId) ?? null }
  const whole = { ...plain, data: { ...data, input: await sources.orderInput(db, order.orderId) } }
  const fits = Buffer.byteLength(JSON.stringify(whole)) < MAX_BYTES_WITH_INPUT
  return fits ? whole : { ...plain, data: { ...data, inputTruncated: true } }
}

interface WalletNews {
  readonly partyId: string
  readonly payoutId?: string
}

async function walletMessages(sources: JobWebhookSources, db: Db, event: OutboxEvent): Promise<Message[]> {
  const { partyId, payoutId, ...rest } = event.payload as WalletNews
  const url = (await sources.callbackUrlsOf(db, [partyId])).get(partyId) ?? null
  const eventName = WALLET_NEWS[event.name]
  if (eventName === undefined) return []
  const data = { agentId: partyId, ...(payoutId === undefined ? {} : { transactionId: payoutId }), ...rest }
  return [{ recipientId: partyId, url, eventName, body: bodyOf(event, eventName, data) }]
}
