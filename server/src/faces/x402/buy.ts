import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Offer } from '#offers'
import type { Db } from '#platform/db'
import type { Limiter } from '#platform/http/limits'
import { rules } from '#platform/http/rules'
import type { SchemaValidator } from '#platform/strangers-schema/index'
import type { Facilitators, Payment } from '#settlement'
import { type Purchase, purchaseRefusals, type Till } from '#trades/purchase'
import { IdParams, PAYAN_WORDS } from '../v1/payanagent.ts'
import { type Answer, answerOf } from './answer.ts'
import type { Bazaar } from './bazaar-extension.ts'
import { type ServiceSales, sellService } from './buy-service.ts'
import type { Payee } from './challenge.ts'
import { buyRefusals } from './errors.ts'
import { type ExtensionParts, extensionsOfPaid, reenter } from './extensions.ts'
import { heard } from './heard.ts'
import { fingerprintOf, type Input, inputOf } from './input.ts'
import { demand, type Sale, saleOf } from './offer-sale.ts'
import { paymentFor, paymentIn, type SentPayment } from './payment-header.ts'
import { type PriceTags, showTag } from './price-tags.ts'
import { type RelayParts, relay } from './relay.ts'

export interface BuyContext extends ExtensionParts {
  readonly till: Till
  readonly facilitators: Facilitators
  readonly validator: Pick<SchemaValidator, 'validate'>
  readonly publicUrl: string
  readonly bazaar: Bazaar
  readonly tags: PriceTags
  /** Null where the market takes no money for others' work. */
  readonly services: ServiceSales | null
  readonly relaying: RelayParts
  readonly offerOf: (id: string) => Promise<Offer | undefined>
  /** Where a seller wants to be paid, by the networks on which it has said so. */
  readonly payeesOf: (partyId: string) => Promise<readonly Payee[]>
  readonly isSuspended: (partyId: string) => Promise<boolean>
  /** The same of many sellers at once. */
  readonly payeesOfAll: (db: Db, partyIds: readonly string[]) => Promise<ReadonlyMap<string, readonly Payee[]>>
  /** Whether the wallet is the party's own: nobody trades with himself (PA-12, D-4). */
  readonly isWalletOf: (db: Db, wallet: { partyId: string; network: string; address: string }) => Promise<boolean>
  readonly receiptIdOf: (purchaseId: string) => Promise<string | null>
}

const tags = ['x402']
/** The kind of ware that is sold here. */
export const OFFER = 'offer'

/** Buying with nothing but a wallet (PA-1 to PA-14, D-12, D-16): no key, no account; the payment says who pays. */
export const buyRoutes =
  (context: BuyContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    const config = rules({ auth: 'optional', words: PAYAN_WORDS })
    const description =
      'Without a payment it answers 402 and the price; the same request again, with PAYMENT-SIGNATURE, buys.'
    const schema = { tags, summary: 'Buy an offer or a service with a wallet', description, params: IdParams }
    const handler = buying(context, app.limiter)
    app.get('/x402/:id', { config, schema }, handler)
    app.post('/x402/:id', { config, schema }, handler)
  }

/** Neither pays nor signs in: all that is wanted is the price. */
function isAsking({ headers }: FastifyRequest): boolean {
  return ['payment-signature', 'x-payment', 'sign-in-with-x'].every((name) => headers[name] === undefined)
}

export type BuyRequest = FastifyRequest<{ Params: { id: string } }>

/** Answers whoever asks for an offer: with its price, or, for a payment, with what was bought. */
export function buying(context: BuyContext, limiter: Limiter) {
  return async (request: BuyRequest, reply: FastifyReply) => {
    reply.header('cache-control', 'no-store')
    const { id } = request.params
    const tag = isAsking(request) ? await context.tags.of(id) : undefined
    if (tag) return showTag(reply, tag)
    const input = inputOf(request)
    const service = await context.services?.at(id)
    if (service && context.services)
      return sellService(context, { sales: context.services, service, input, request, reply })
    const sent = paymentIn(request, context.facilitators)
    // What was begun is brought to its end by the terms of its day, whatever has become of the offer since.
    const admit = async () => {
      if (sent?.signed) await limiter.count('paidCall', sent.signed.payer, request, reply)
    }
    const listed = await context.offerOf(id)
    if (listed?.source === 'ecosystem') return relay(context, reply, { request, offer: listed, input, sent, admit })
    const begun = sent && (await resume(context, { id, sent, input, admit }))
    if (begun) return show(context, reply, { purchase: begun, offerId: id, paymentId: sent.paymentId })
    const about = { ware: { kind: OFFER, id }, fingerprint: fingerprintOf(id, input) }
    const entry = sent ? { fault: null } : await reenter(context, request, about)
    if ('purchase' in entry) return show(context, reply, { ...entry, offerId: id, paymentId: null, signedIn: true })
    const sale = await saleOf(context, listed)
    if (!sent) return demand(context, reply, { ...sale, error: entry.fault ?? 'Payment required' })
    const payment = paymentFor(sent, sale.price)
    if ('mismatch' in payment) {
      const error = `Payment integrity check failed: ${payment.mismatch} is not what was asked for`
      return demand(context, reply, { ...sale, error })
    }
    await checkInput(context, sale.offer, input)
    const callerId = request.caller?.partyId
    return buy(context, reply, { sale, payment, paymentId: sent.paymentId, input, admit, callerId })
  }
}

/** Before anything is settled: what the seller's schema refuses costs nothing (PA-9). */
async function checkInput({ validator }: BuyContext, { inputSchema }: Offer, { query, body }: Input): Promise<void> {
  if (inputSchema === null) return
  const faults = await validator.validate(inputSchema, body ?? query)
  if (faults.length === 0) return
  const errors = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw buyRefusals.input_refused({ faults: errors.slice(0, 5).join('; '), errors, details: errors })
}

interface Again {
  readonly id: string
  readonly sent: SentPayment
  readonly input: Input
  readonly admit: () => Promise<void>
}

async function resume({ till }: BuyContext, { id, sent, input, admit }: Again): Promise<Purchase | undefined> {
  const { signed: payment, paymentId } = sent
  if (!payment) return undefined
  const ware = { kind: OFFER, id }
  return heard(till.again({ payment, paymentId, ware, fingerprint: fingerprintOf(id, input), admit }))
}

interface Bid {
  readonly sale: Sale
  readonly payment: Payment
  readonly paymentId: string | null
  readonly input: Input
  readonly admit: () => Promise<void>
  /** Whose key came along, if one did. */
  readonly callerId: string | undefined
}

async function buy(context: BuyContext, reply: FastifyReply, bid: Bid) {
  const { payment, paymentId, input, admit } = bid
  const { offer, price } = bid.sale
  if (await isOwn(context, bid)) throw buyRefusals.own_offer()
  const bought = await heard(
    context.till.buy({
      ware: {
        ...{ kind: OFFER, id: offer.id, sellerId: offer.sellerId, price: offer.priceMicros },
        settlesFirst: price.settlesFirst,
      },
      ...{ payment, paymentId, input, fingerprint: fingerprintOf(offer.id, input), admit },
    }),
  )
  if (bought.state === 'refused')
    return demand(context, reply, { ...bid.sale, error: `Payment verification failed: ${bought.reason}` })
  return show(context, reply, { purchase: bought.purchase, offerId: offer.id, paymentId })
}

/** Whether seller and buyer are one, by wallet or by key (PA-12, D-4). */
async function isOwn({ read, isWalletOf }: BuyContext, { sale: { offer, price }, payment, callerId }: Bid) {
  const { network, payer: address } = payment
  const isPaid = price.payees.some(({ chain, payTo }) => chain.network === network && chain.isSame(payTo, address))
  return isPaid || callerId === offer.sellerId || isWalletOf(read, { partyId: offer.sellerId, network, address })
}

interface Shown {
  readonly purchase: Purchase
  readonly offerId: string
  readonly paymentId: string | null
  readonly signedIn?: boolean
}

async function show(
  context: BuyContext,
  reply: FastifyReply,
  { purchase, offerId, paymentId, signedIn = false }: Shown,
) {
  const { id: purchaseId, state, fault, reason } = purchase
  if (state === 'failed' && fault === 'payment') {
    return demand(context, reply, {
      ...(await saleOf(context, await context.offerOf(offerId))),
      error: `Payment settlement failed: ${reason}`,
    })
  }
  if (state === 'failed') throw buyRefusals.seller_failed({ reason: reason ?? 'no answer', purchaseId })
  if (state === 'settling') throw purchaseRefusals.settlement_unknown({ purchaseId })
  if (state !== 'settled') throw purchaseRefusals.still_working({ purchaseId })
  const [receiptId, now] = await Promise.all([context.receiptIdOf(purchaseId), context.now()])
  const extensions = extensionsOfPaid(context, purchase, `${context.publicUrl}/x402/${offerId}`)
  return send(reply, answerOf(purchase, { receiptId, paymentId, signedIn, now, extensions }))
}

function send(reply: FastifyReply, { status, headers, body }: Answer) {
  return reply.code(status).headers(headers).send(body)
}
