import type { FastifyReply, FastifyRequest } from 'fastify'
import { catalogRefusals, type Service } from '#catalog'
import { newId } from '#kernel/id'
import type { Payment } from '#settlement'
import { directRefusals, type Quote } from '#trades/direct'
import { type Purchase, purchaseRefusals } from '#trades/purchase'
import { answerOf } from './answer.ts'
import { metadataOf } from './bazaar-extension.ts'
import type { BuyContext } from './buy.ts'
import { bodyOf402, encode, type Payee, type Price, paymentRequired } from './challenge.ts'
import { buyRefusals } from './errors.ts'
import { extensionsOf402, extensionsOfPaid, reenter } from './extensions.ts'
import { heard } from './heard.ts'
import { fingerprintOf, type Input } from './input.ts'
import { type JobContext, jobAfter, sendJob, waitIn } from './job-answer.ts'
import { paymentFor, paymentIn, type SentPayment } from './payment-header.ts'

/** The kind of ware that a service is: the money waits in escrow until the job is done. */
export const JOB = 'job'

/** Selling services to wallets (D-20). */
export interface ServiceSales extends Omit<JobContext, 'read'> {
  /** The service with this id; undefined for anything else, offers for instance. */
  readonly at: (id: string) => Promise<Service | undefined>
  readonly quoteOf: (service: Service) => Quote
  /** The receipt of what was paid into escrow. */
  readonly receiptIdOf: (orderId: string) => Promise<string | null>
  /** The market's own wallets, where the money of jobs waits: one for each network from which it can be sent back. */
  readonly payees: readonly Payee[]
}

interface Visit {
  readonly sales: ServiceSales
  readonly service: Service
  readonly input: Input
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What was sent in the body, or in the query where there is none: the job's input. */
function wordsOf({ query, body }: Input): unknown {
  return body ?? query
}

/** A service bought with nothing but a wallet: the payment waits at the market, the seller does an ordinary job (D-20). */
export async function sellService(context: BuyContext, visit: Visit) {
  const { service, input, request, reply } = visit
  const sent = paymentIn(request, context.facilitators)
  const about = { ware: { kind: JOB, id: service.id }, fingerprint: fingerprintOf(service.id, input) }
  const admit = async () => {
    if (sent?.signed) await request.server.limiter.count('paidCall', sent.signed.payer, request, reply)
  }
  if (sent?.signed) {
    const { signed: payment, paymentId } = sent
    const begun = await heard(context.till.again({ ...about, payment, paymentId, admit }))
    if (begun) return show(context, visit, { purchase: begun, paymentId })
  }
  const entry = sent ? { fault: null } : await reenter(context, request, about)
  if ('purchase' in entry) return show(context, visit, { purchase: entry.purchase, paymentId: null, signedIn: true })
  if (!service.active) throw catalogRefusals.service_unknown()
  const price = priceOfService(context, visit)
  if (!sent) return demand(context, visit, entry.fault ?? 'Payment required')
  const payment = paymentFor(sent, price)
  if ('mismatch' in payment)
    return demand(context, visit, `Payment integrity check failed: ${payment.mismatch} is not what was asked for`)
  await checkWords(context, visit)
  return buy(context, visit, { payment, sent, fingerprint: about.fingerprint, admit })
}

/** Price and fee (D-5), into the market's own wallet. */
export function priceOfService(
  { publicUrl }: Pick<BuyContext, 'publicUrl'>,
  { sales, service }: Pick<Visit, 'sales' | 'service'>,
): Price {
  const [url, amount] = [`${publicUrl}/x402/${service.id}`, sales.quoteOf(service).total]
  return { url, description: service.name, amount, payees: sales.payees, settlesFirst: true, flow: 'escrow' }
}

async function checkWords({ validator }: BuyContext, { service, input }: Visit): Promise<void> {
  const faults = await validator.validate(service.inputSchema, wordsOf(input))
  if (faults.length === 0) return
  const errors = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw directRefusals.input_invalid({ faults: errors.slice(0, 5).join('; '), errors })
}

interface Bid {
  readonly payment: Payment
  readonly sent: SentPayment
  readonly fingerprint: Buffer
  readonly admit: () => Promise<void>
}

async function buy(context: BuyContext, visit: Visit, { payment, sent: { paymentId }, fingerprint, admit }: Bid) {
  const { service, sales, input, request } = visit
  const { id, ownerId: sellerId, version } = service
  const { network, payer: address } = payment
  const isOwn = request.caller?.partyId === sellerId
  if (isOwn || (await context.isWalletOf(context.read, { partyId: sellerId, network, address })))
    throw buyRefusals.own_offer()
  const price = sales.quoteOf(service).total
  const bought = await heard(
    context.till.buy({
      // The order has its name before it is placed, so that its receipts are found by the purchase.
      ware: { kind: JOB, id, sellerId, orderId: newId(), price, settlesFirst: true },
      ...{ payment, paymentId, fingerprint, admit, input: { version, words: wordsOf(input) } satisfies JobInput },
    }),
  )
  if (bought.state === 'refused') return demand(context, visit, `Payment verification failed: ${bought.reason}`)
  return show(context, visit, { purchase: bought.purchase, paymentId })
}

/** What a purchase of a job keeps of what was sent. */
export interface JobInput {
  /** The version of the service whose inputSchema the words satisfied. */
  readonly version: number
  readonly words: unknown
}

interface Shown {
  readonly purchase: Purchase
  readonly paymentId: string | null
  readonly signedIn?: boolean
}

async function show(context: BuyContext, visit: Visit, { purchase, paymentId, signedIn = false }: Shown) {
  const { sales, service, request, reply } = visit
  const { id: purchaseId, state, fault, reason, orderId } = purchase
  if (state === 'failed' && fault === 'payment') return demand(context, visit, `Payment settlement failed: ${reason}`)
  if (state === 'returned') throw purchaseRefusals.order_refused({ reason: reason ?? '', purchaseId })
  if (state !== 'settled' || orderId === null) throw purchaseRefusals.settlement_unknown({ purchaseId })
  const [receiptId, now] = await Promise.all([sales.receiptIdOf(orderId), context.now()])
  const extensions = extensionsOfPaid(context, purchase, `${context.publicUrl}/x402/${service.id}`)
  const answer = answerOf(purchase, { receiptId, paymentId, signedIn, now, extensions })
  const { 'content-type': _, 'content-security-policy': __, ...proofs } = answer.headers
  reply.headers(proofs)
  // Too late for the bare payment: what became of it, and nothing that opens the job (D-16).
  if (!Buffer.isBuffer(answer.body)) return reply.code(answer.status).send(answer.body)
  const order = await jobAfter({ ...sales, read: context.read }, { orderId, seconds: waitIn(request), request, reply })
  return sendJob({ ...sales, read: context.read }, reply, order)
}

async function demand(context: BuyContext, visit: Visit, error: string) {
  const { service, reply } = visit
  const price = priceOfService(context, visit)
  const { name: title, tags } = service
  const extensions = { bazaar: await context.bazaar.briefOf(discoverable(service)), ...extensionsOf402(context, price) }
  const told = { resource: metadataOf({ title, tags }), extensions }
  reply.header('PAYMENT-REQUIRED', encode(paymentRequired(price, { error, told })))
  return reply.code(402).send(bodyOf402(price, error))
}

/** A service as the lists of x402 tell how it is called. */
export function discoverable({ id, inputSchema, outputSchema, updatedAt }: Service) {
  return { id, inputSchema, outputSchema, updatedAt, httpMethod: 'POST', offerType: 'api' } as const
}
