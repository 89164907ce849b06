import type { FastifyRequest } from 'fastify'
import { Refusal } from '#kernel/refusal'
import type { Db, Store } from '#platform/db'
import { type SignedIn, type SignIn, signInRefusals, spendSignIn } from '#sign-in'
import { latestPurchase, mayReplay, type Purchase, type WareName } from '#trades/purchase'
import { acceptsOf, type Price } from './challenge.ts'
import type { OfferSigner } from './offer-receipt.ts'

/** What x402's extensions offer-receipt and sign-in-with-x are made of. */
export interface ExtensionParts {
  readonly store: Store
  readonly read: Db
  /** The market's clock, by which purchases end (D-26). */
  readonly now: () => Promise<Date>
  readonly offerSigner: OfferSigner
  readonly signIn: SignIn
}

const OFFERS_SCHEMA = schemaOf('offers', { type: 'array', items: signedSchema() })
const RECEIPT_SCHEMA = schemaOf('receipt', signedSchema())
/** What who signs in reads before he signs. */
export const SIGN_IN_STATEMENT = 'Sign in to get again what this wallet has paid for.'

/** What a 402 says besides its price: the same terms signed, and what to sign to get in without paying again. */
export function extensionsOf402({ offerSigner, signIn }: Pick<ExtensionParts, 'offerSigner' | 'signIn'>, price: Price) {
  return {
    ...signedOffers({ offerSigner }, price),
    'sign-in-with-x': signIn.challenge(new URL(price.url).pathname, SIGN_IN_STATEMENT),
  }
}

/** The terms of a 402, signed. */
export function signedOffers({ offerSigner }: Pick<ExtensionParts, 'offerSigner'>, price: Price) {
  const offers = offerSigner.offers(price.url, acceptsOf(price))
  return { 'offer-receipt': { info: { offers }, schema: OFFERS_SCHEMA } }
}

/** What the answer to a payment says besides: a receipt that the buyer can show to others. */
export function extensionsOfPaid(
  { offerSigner }: Pick<ExtensionParts, 'offerSigner'>,
  { network, payer, txHash, endedAt }: Purchase,
  resourceUrl: string,
) {
  // The same however often the purchase is answered.
  const issuedAt = endedAt ?? new Date()
  const receipt = offerSigner.receipt({ resourceUrl, network, payer, transaction: txHash ?? '', issuedAt })
  return { 'offer-receipt': { info: { receipt }, schema: RECEIPT_SCHEMA } }
}

/** Who has signed in with this request; null where nobody has. Each signed challenge is used up here. */
export async function signedInBy(
  { store, signIn }: Pick<ExtensionParts, 'store' | 'signIn'>,
  request: FastifyRequest,
  paths: readonly string[],
): Promise<SignedIn | null> {
  const header = request.headers['sign-in-with-x']
  if (typeof header !== 'string' || header === '') return null
  const signedIn = await signIn.read(header, paths)
  await store.transact((tx) => spendSignIn(tx, signedIn))
  return signedIn
}

export type Entry =
  | { readonly purchase: Purchase }
  /** Why nothing is opened; null where nobody asked. */
  | { readonly fault: string | null }

/**
 * A payer who signs in gets the kept answer of his latest purchase again, without paying (D-16): of the same resource and for
 * the same words, as another question is another purchase. What cannot be opened is answered with the price, as without
 * the header: clients try to sign in before they pay.
 */
export async function reenter(
  parts: ExtensionParts,
  request: FastifyRequest,
  { ware, fingerprint }: { ware: WareName; fingerprint: Buffer },
): Promise<Entry> {
  try {
    const signedIn = await signedInBy(parts, request, [`/x402/${ware.id}`])
    if (signedIn === null) return { fault: null }
    const { network, address: payer } = signedIn
    const purchase = await latestPurchase(parts.read, { network, payer, ware, fingerprint })
    if (purchase && mayReplay(purchase, { signedIn: true, shown: null, now: await parts.now() })) return { purchase }
    return { fault: 'This wallet has not paid for this yet, or too long ago' }
  } catch (error) {
    if (error instanceof Refusal && error.code in signInRefusals) return { fault: error.message }
    throw error
  }
}

function schemaOf(name: string, value: object) {
  const $schema = 'https://json-schema.org/draft/2020-12/schema'
  return { $schema, type: 'object', properties: { [name]: value }, required: [name] }
}

function signedSchema() {
  const properties = { format: { type: 'string' }, acceptIndex: { type: 'integer' }, signature: { type: 'string' } }
  return { type: 'object', properties, required: ['format', 'signature'] }
}
