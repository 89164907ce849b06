import type { FastifyReply } from 'fastify'
import { type Offer, offerRefusals } from '#offers'
import { metadataOf } from './bazaar-extension.ts'
import type { BuyContext } from './buy.ts'
import { bodyOf402, encode, type Price, paymentRequired } from './challenge.ts'
import { buyRefusals } from './errors.ts'
import { extensionsOf402 } from './extensions.ts'

/** What saying a price takes. */
export type SaleContext = Pick<
  BuyContext,
  'publicUrl' | 'offerOf' | 'payeesOf' | 'isSuspended' | 'bazaar' | 'offerSigner' | 'signIn'
>

export interface Sale {
  readonly offer: Offer
  readonly price: Price
}

/** What is on sale under this id (PA-14, D-35), and what it costs. */
export async function saleOf(
  { publicUrl, payeesOf, isSuspended }: SaleContext,
  offer: Offer | undefined,
): Promise<Sale> {
  if (!offer?.active) throw offerRefusals.offer_unknown()
  const [payees, suspended] = await Promise.all([payeesOf(offer.sellerId), isSuspended(offer.sellerId)])
  if (suspended) throw buyRefusals.offer_suspended()
  if (payees.length === 0) throw buyRefusals.seller_without_wallet()
  const { title, priceMicros: amount, offerType } = offer
  const settlesFirst = offer.settlesFirst || offerType === 'download'
  return { offer, price: { url: `${publicUrl}/x402/${offer.id}`, description: title, amount, payees, settlesFirst } }
}

/** What a 402 says: the words of its header, and its body. */
export async function challengeOf(context: SaleContext, { offer, price }: Sale, error: string) {
  const extensions = { bazaar: await context.bazaar.briefOf(offer), ...extensionsOf402(context, price) }
  const told = { resource: metadataOf(offer), extensions }
  return { required: paymentRequired(price, { error, told }), body: bodyOf402(price, error) }
}

export async function demand(
  context: SaleContext,
  reply: FastifyReply,
  { error, ...sale }: Sale & { readonly error: string },
) {
  const { required, body } = await challengeOf(context, sale, error)
  return reply.code(402).header('PAYMENT-REQUIRED', encode(required)).send(body)
}
