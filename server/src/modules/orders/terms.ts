/**
 * Terms are all that distinguishes one trade form from another. They are plain data, frozen into the order when it is
 * placed, so that a later change of a service or of a fee never rewrites a bargain already struck (D-4).
 */
export interface Terms {
  /** How a seller comes to be bound. */
  readonly match: 'named' | 'chosen' | 'first-come'
  /** When the buyer's money enters escrow; `elsewhere` when it never does. */
  readonly hold: 'on-placing' | 'on-match' | 'elsewhere'
  /** Whether a bound seller is at work at once, or has to say yes first. */
  readonly accept: 'automatic' | 'by-seller'
  /** How long an open order looks for a seller; null: for ever. */
  readonly matchWithinSeconds: number | null
  /** How long an order may wait for a free slot of its seller. */
  readonly queueWithinSeconds: number
  /** How long a seller who must say yes has for it. */
  readonly acceptWithinSeconds: number
  readonly deliverWithinSeconds: number
  /** How long the buyer may look at a delivery; silence accepts it. Null settles on delivery. */
  readonly reviewWithinSeconds: number | null
  /** What comes of silence on a delivery. Left out, it accepts; where the buyer is still to pay, nothing comes of it. */
  readonly silence?: 'accepts' | 'waits'
  readonly fee: { readonly bps: number; readonly paidBy: 'buyer' | 'seller' }
  /** Until when the buyer may cancel; `with-consent`: after delivery too, when the seller agrees. `until-paid`: also without. */
  readonly cancel: 'before-delivery' | 'before-match' | 'with-consent' | 'until-paid'
  /** Whether the buyer may dispute a delivery. Left out, it may not. */
  readonly dispute?: boolean
  /**
   * Where the seller is paid when the buyer's money came over a chain. Left out, over that chain (`chain`); `balance`: as in any other order,
   * and only what goes back to the buyer leaves over the chain.
   */
  readonly payout?: 'chain' | 'balance'
  /** What a delivery must satisfy before it counts as one: SHA-256 (hex) of the JSON Schema agreed on, or nothing. */
  readonly verification: { readonly outputSchema: string } | null
}
