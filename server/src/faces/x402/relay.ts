import type { FastifyReply, FastifyRequest } from 'fastify'
import { suspendedAmong } from '#identity'
import { type Offer, offerRefusals } from '#offers'
import type { Tx } from '#platform/db'
import type { Outbound } from '#platform/outbound/index'
import type { Payment } from '#settlement'
import { type Purchase, purchaseRefusals } from '#trades/purchase'
import { answerOf } from './answer.ts'
import type { BuyContext } from './buy.ts'
import { buyRefusals } from './errors.ts'
import { heard } from './heard.ts'
import { fingerprintOf, type Input } from './input.ts'
import { paymentFor, type SentPayment } from './payment-header.ts'
import { askSeller, type Challenge, type Choice, handOn } from './relay-challenge.ts'

/** The kind of ware that is sold elsewhere, and paid there. */
export const RELAY = 'relay'

export interface RelayParts {
  readonly outbound: Pick<Outbound, 'fetch'>
  /** The party of the wallet that is paid, made where there is none. */
  readonly partyOfWallet: (tx: Tx, wallet: { network: string; address: string }) => Promise<string>
}

export interface RelayRequest {
  readonly request: FastifyRequest
  readonly offer: Offer
  readonly input: Input
  readonly sent: SentPayment | undefined
  readonly admit: () => Promise<void>
}

/**
 * Buying what is sold elsewhere (PA-1, PA-7): the seller's own challenge is handed on, and the payment for it is sent on once.
 * The money goes from the buyer's wallet to the seller's as everywhere; what became of it is for the chain to say.
 */
export async function relay(context: BuyContext, reply: FastifyReply, asked: RelayRequest) {
  const { offer, input, sent, admit } = asked
  const about = { ware: { kind: RELAY, id: offer.id }, fingerprint: fingerprintOf(offer.id, input) }
  if (sent?.signed) {
    const { signed: payment, paymentId } = sent
    const begun = await heard(context.till.again({ payment, paymentId, ...about, admit }))
    if (begun) return show(context, reply, { purchase: begun, asked })
  }
  if (!offer.active) throw offerRefusals.offer_unknown()
  if ((await suspendedAmong(context.read, [offer.sellerId])).size > 0) throw buyRefusals.offer_suspended()
  const challenge = await askSeller({ ...context.relaying, ...context }, offer, input)
  if (!sent) return demand(reply, challenge, 'Payment required')
  const bid = bidIn(sent, challenge)
  if (!bid) return demand(reply, challenge, 'Payment integrity check failed: it is not what the seller asks for')
  const { choice, payment } = bid
  await refuseOwn(context, asked, bid)
  const { store, relaying } = context
  const { network, payTo: address } = { ...choice.payee.chain, ...choice.payee }
  const sellerId = await store.transact((tx) => relaying.partyOfWallet(tx, { network, address }))
  const bought = await heard(
    context.till.buy({
      ware: { ...about.ware, sellerId, price: choice.amount, settlesFirst: true },
      ...{ payment, paymentId: sent.paymentId, fingerprint: about.fingerprint, admit },
      // With the payment as it came, so that it is sent on as it came.
      input: { ...input, header: [challenge.version === 1 ? 'x-payment' : 'payment-signature', sent.header] },
    }),
  )
  if (bought.state === 'refused') return demand(reply, challenge, `Payment verification failed: ${bought.reason}`)
  return show(context, reply, { purchase: bought.purchase, asked })
}

interface Bid {
  readonly choice: Choice
  readonly payment: Payment
}

/** The way to pay that the buyer has chosen, if it is one that the seller asks for (PA-8). */
function bidIn(sent: SentPayment, { version, choices }: Challenge): Bid | undefined {
  if (sent.version !== version) return undefined
  for (const choice of choices) {
    const { payee, amount } = choice
    const payment = paymentFor(sent, { url: '', description: '', amount, payees: [payee], settlesFirst: true })
    if (!('mismatch' in payment)) return { choice, payment }
  }
  return undefined
}

/** Nobody trades with himself (PA-12, D-4). */
async function refuseOwn({ read, isWalletOf }: BuyContext, { request, offer }: RelayRequest, { choice, payment }: Bid) {
  const { chain, payTo } = choice.payee
  const { network, payer: address } = payment
  const isOwn =
    chain.isSame(payTo, address) ||
    request.caller?.partyId === offer.sellerId ||
    (await isWalletOf(read, { partyId: offer.sellerId, network, address }))
  if (isOwn) throw buyRefusals.own_offer()
}

async function show(
  context: BuyContext,
  reply: FastifyReply,
  { purchase, asked }: { purchase: Purchase; asked: RelayRequest },
) {
  const { id: purchaseId, state, fault, reason } = purchase
  if (state === 'failed' && fault === 'payment') {
    const challenge = await askSeller({ ...context.relaying, ...context }, asked.offer, asked.input)
    return demand(reply, challenge, `Payment settlement failed: ${reason}`)
  }
  if (state === 'failed') throw buyRefusals.seller_failed({ reason: reason ?? 'no answer', purchaseId })
  if (state !== 'settled') throw purchaseRefusals.settlement_unknown({ purchaseId })
  const [receiptId, now] = await Promise.all([context.receiptIdOf(purchaseId), context.now()])
  const paymentId = asked.sent?.paymentId ?? null
  const { status, headers, body } = answerOf(purchase, { receiptId, paymentId, signedIn: false, now, extensions: {} })
  return reply.code(status).headers(headers).send(body)
}

function demand(reply: FastifyReply, challenge: Challenge, error: string) {
  const { header, body } = handOn(challenge, error)
  if (header !== null) reply.header('PAYMENT-REQUIRED', header)
  return reply.code(402).send(body)
}
