import fc from 'fast-check'
import { newId } from '#kernel/id'
import type { Micros } from '#kernel/money'
import type { Bargain, Terms } from '#orders'

/** Terms of a direct job as the market ships them. */
export const DIRECT_TERMS: Terms = {
  match: 'named',
  hold: 'on-placing',
  accept: 'automatic',
  matchWithinSeconds: null,
  queueWithinSeconds: 600,
  acceptWithinSeconds: 300,
  deliverWithinSeconds: 120,
  reviewWithinSeconds: 300,
  fee: { bps: 300, paidBy: 'buyer' },
  cancel: 'before-delivery',
  verification: null,
}

const seconds = fc.integer({ min: 1, max: 100 })

/** Any terms there can be: every trade form is among them. */
export const anyTerms: fc.Arbitrary<Terms> = fc.record({
  match: fc.constantFrom('named', 'chosen', 'first-come'),
  hold: fc.constantFrom('on-placing', 'on-match', 'elsewhere'),
  accept: fc.constantFrom('automatic', 'by-seller'),
  matchWithinSeconds: fc.option(seconds),
  queueWithinSeconds: seconds,
  acceptWithinSeconds: seconds,
  deliverWithinSeconds: seconds,
  reviewWithinSeconds: fc.option(seconds),
  fee: fc.record({ bps: fc.integer({ min: 0, max: 10_000 }), paidBy: fc.constantFrom('buyer', 'seller') }),
  cancel: fc.constantFrom('before-delivery', 'before-match', 'with-consent', 'until-paid'),
  silence: fc.constantFrom('accepts', 'waits'),
  dispute: fc.boolean(),
  payout: fc.constantFrom('chain', 'balance'),
  verification: fc.constant(null),
})

/** Nothing, odd dust, and beyond what a float can hold. */
export const anyPrice: fc.Arbitrary<Micros> = fc.oneof(
  fc.bigInt({ min: 0n, max: 40n }),
  fc.bigInt({ min: 0n, max: 10n ** 15n }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 60n }),
)

export function bargain(facts: { readonly buyerId: string; readonly sellerId: string } & Partial<Bargain>): Bargain {
  const terms = facts.terms ?? DIRECT_TERMS
  return {
    id: newId(),
    form: 'test',
    listingId: null,
    asset: 'USDC',
    price: 500_000n,
    terms,
    callbackUrl: null,
    ...facts,
    sellerId: terms.match === 'named' ? facts.sellerId : null,
  }
}
