import { canonicalJson } from '#platform/canonical-json'
import type { Ed25519Jwk, JwsKey } from '#platform/jws'

/** The entry of `accepts` that an offer signs. */
export interface OfferedTerms {
  readonly scheme: string
  readonly network: string
  readonly asset: string
  readonly payTo: string
  readonly amount: string
}

export interface SignedOffer {
  readonly format: 'jws'
  readonly acceptIndex: number
  readonly signature: string
}

export interface SignedReceipt {
  readonly format: 'jws'
  readonly signature: string
}

/** A purchase that was paid, as its receipt tells of it. */
export interface Paid {
  readonly resourceUrl: string
  readonly network: string
  readonly payer: string
  readonly transaction: string
  readonly issuedAt: Date
}

/** x402's extension offer-receipt: what was asked and what was paid, signed, so that a buyer can show it to others. */
export interface OfferSigner {
  /** The DID document that names the key (did:web). */
  readonly didDocument: DidDocument
  /** One for each entry of `accepts`. */
  offers(resourceUrl: string, accepts: readonly OfferedTerms[]): readonly SignedOffer[]
  receipt(paid: Paid): SignedReceipt
}

export interface DidDocument {
  readonly '@context': readonly string[]
  readonly id: string
  readonly verificationMethod: readonly {
    readonly id: string
    readonly type: 'JsonWebKey2020'
    readonly controller: string
    readonly publicKeyJwk: Ed25519Jwk
  }[]
  readonly assertionMethod: readonly string[]
}

/** How long an offer holds, and for how much of it the same text is given out again: at least half is always left. */
export const OFFER_SECONDS = 600
const SHARED_MS = (OFFER_SECONDS / 2) * 1000
const KEPT_OFFERS = 10_000

/**
 * Signs with a key of its own, not with that of the market's receipts (docs/decisions). Challenges are asked for far more often
 * than anything is bought, so an offer is signed once for many of them.
 */
export function createOfferSigner(key: JwsKey, publicUrl: string): OfferSigner {
  const did = `did:web:${encodeURIComponent(new URL(publicUrl).host)}`
  const kid = `${did}#${key.thumbprint}`
  const kept = new Map<string, { readonly signature: string; readonly untilMs: number }>()
  const offerOf = (resourceUrl: string, terms: OfferedTerms): string => {
    const { scheme, network, asset, payTo, amount } = terms
    const name = canonicalJson({ resourceUrl, scheme, network, asset, payTo, amount })
    const [known, nowMs] = [kept.get(name), Date.now()]
    if (known && known.untilMs > nowMs) return known.signature
    const validUntil = Math.floor(nowMs / 1000) + OFFER_SECONDS
    const payload = { version: 1, resourceUrl, scheme, network, asset, payTo, amount, validUntil }
    const signature = key.sign(canonicalJson(payload), { kid })
    // Written anew at the end, so that the first is the one longest unused for signing.
    kept.delete(name)
    kept.set(name, { signature, untilMs: nowMs + SHARED_MS })
    const [oldest] = kept.keys()
    if (kept.size > KEPT_OFFERS && oldest !== undefined) kept.delete(oldest)
    return signature
  }
  return {
    didDocument: {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/jws-2020/v1'],
      id: did,
      verificationMethod: [{ id: kid, type: 'JsonWebKey2020', controller: did, publicKeyJwk: key.jwk }],
      assertionMethod: [kid],
    },
    offers: (resourceUrl, accepts) =>
      accepts.map((terms, acceptIndex) => ({ format: 'jws', acceptIndex, signature: offerOf(resourceUrl, terms) })),
    receipt: ({ issuedAt, ...paid }) => {
      const payload = { version: 1, ...paid, issuedAt: Math.floor(issuedAt.getTime() / 1000) }
      return { format: 'jws', signature: key.sign(canonicalJson(payload), { kid }) }
    },
  }
}
