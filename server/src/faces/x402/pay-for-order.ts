import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { canonicalJson } from '#platform/canonical-json'
import type { Facilitators } from '#settlement'
import { type Purchase, purchaseRefusals, type Till, type Ware, type WareName } from '#trades/purchase'
import { bodyOf402, encode, type Payee, type Price, paymentRequired } from './challenge.ts'
import { type ExtensionParts, extensionsOfPaid, signedOffers } from './extensions.ts'
import { heard } from './heard.ts'
import { paymentFor, paymentIn } from './payment-header.ts'

/** What paying for an order at its own address needs. */
export interface OrderPayments extends Pick<ExtensionParts, 'offerSigner'> {
  readonly till: Till
  readonly facilitators: Facilitators
  /** The market's own wallets, into which escrow is paid. */
  readonly house: readonly Payee[]
}

/** What is to be paid for. */
export interface Wish {
  readonly ware: WareName
  /** What the payment is bound to besides (D-16). */
  readonly words: unknown
  /** Judged only when a new payment is asked for or made; throws what stands against it. */
  readonly sale: () => Promise<{ readonly ware: Ware; readonly price: Price; readonly input?: unknown }>
  /** Whether this wallet may pay: not the payee's own. Throws. */
  readonly check: (payer: { readonly network: string; readonly address: string }) => Promise<void>
}

interface Exchange {
  readonly app: Pick<FastifyInstance, 'limiter'>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

const EXPOSED = 'PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, X-Receipt-Id, X-Tx-Hash'

/**
 * Takes the payment a request carries and drives what it buys to its end: the settled purchase. Null: the 402 was sent. Throws
 * while the chain has not answered, and when the money came and what it was for could not be had any more.
 */
export async function paidPurchase(
  parts: OrderPayments,
  { app, request, reply }: Exchange,
  { ware, words, sale, check }: Wish,
): Promise<Purchase | null> {
  reply.headers({ 'access-control-expose-headers': EXPOSED, 'cache-control': 'no-store' })
  const sent = paymentIn(request, parts.facilitators)
  const fingerprint = createHash('sha256').update(canonicalJson({ ware, words })).digest()
  const paymentId = sent?.paymentId ?? null
  const admit = async () => {
    if (sent?.signed) await app.limiter.count('paidCall', sent.signed.payer, request, reply)
  }
  const begun =
    sent?.signed && (await heard(parts.till.again({ payment: sent.signed, paymentId, ware, fingerprint, admit })))
  if (begun) return ended(parts, reply, begun, sale)
  const asked = await sale()
  if (!sent) return demand(parts, reply, asked.price, 'Payment required')
  const payment = paymentFor(sent, asked.price)
  if ('mismatch' in payment)
    return demand(
      parts,
      reply,
      asked.price,
      `Payment integrity check failed: ${payment.mismatch} is not what was asked for`,
    )
  await check({ network: payment.network, address: payment.payer })
  const { ware: wanted, input = null } = asked
  const bought = await heard(parts.till.buy({ ware: wanted, payment, paymentId, input, fingerprint, admit }))
  if (bought.state === 'refused')
    return demand(parts, reply, asked.price, `Payment verification failed: ${bought.reason}`)
  return ended(parts, reply, bought.purchase, sale)
}

async function ended(
  parts: OrderPayments,
  reply: FastifyReply,
  purchase: Purchase,
  sale: Wish['sale'],
): Promise<Purchase | null> {
  const { id: purchaseId, state, reason } = purchase
  if (state === 'failed') {
    const { price } = await sale()
    return demand(parts, reply, price, `Payment settlement failed: ${reason}`)
  }
  if (state === 'returned') throw purchaseRefusals.order_refused({ purchaseId, reason: reason ?? '' })
  if (state !== 'settled') throw purchaseRefusals.settlement_unknown({ purchaseId })
  return purchase
}

/** The proof of payment, in headers. */
export function proofOf(
  parts: OrderPayments,
  purchase: Purchase,
  { receiptId, url }: { receiptId: string | null; url: string },
): Record<string, string> {
  const { id, txHash, network, payer, amount } = purchase
  const extensions = extensionsOfPaid(parts, purchase, url)
  const settled = encode({
    success: true,
    payer,
    transaction: txHash ?? '',
    network,
    amount: String(amount),
    extensions,
  })
  return {
    ...{ 'payment-response': settled, 'x-payment-response': settled, 'x-purchase-id': id, 'x-tx-hash': txHash ?? '' },
    ...(receiptId === null ? {} : { 'x-receipt-id': receiptId }),
  }
}

function demand(parts: OrderPayments, reply: FastifyReply, price: Price, error: string): null {
  const told = { resource: {}, extensions: signedOffers(parts, price) }
  void reply.header('PAYMENT-REQUIRED', encode(paymentRequired(price, { error, told })))
  void reply.code(402).send(bodyOf402(price, error))
  return null
}
