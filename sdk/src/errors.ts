/**
 * - `too_expensive`, `not_payable`, `declined`: nothing was signed.
 * - `unreachable`: nobody said a price; nothing was signed.
 * - `key_taken`: this purchase key stands for another request; nothing was signed.
 * - `refused`: the server says no, and why: nothing was charged, or all of it goes back. Until the signed payment has expired it
 *   is the only one for this key.
 * - `unfinished`: the payment may have been made. Call again with the same key; it sends the same payment.
 * - `undelivered`: the money has moved and the seller gave nothing for it; the message says whether it comes back.
 * - `unresolved`: the payment has expired and nobody can say whether it was used. Nothing new is signed.
 */
export type BuyFault =
  | 'too_expensive'
  | 'not_payable'
  | 'declined'
  | 'unreachable'
  | 'key_taken'
  | 'refused'
  | 'unfinished'
  | 'undelivered'
  | 'unresolved'

export interface BuyErrorDetails {
  /** The purchase key to call again with. */
  readonly key: string
  /** At `GET /api/v1/purchases/:id` of the server. */
  readonly purchaseId?: string | null
  readonly status?: number
  /** The server's own code, where it gave one. */
  readonly code?: string | null
  readonly receiptId?: string | null
  readonly txHash?: string | null
}

/** Why nothing was bought, or why nobody knows yet. */
export class BuyError extends Error {
  override readonly name = 'BuyError'
  readonly fault: BuyFault
  readonly details: BuyErrorDetails

  constructor(fault: BuyFault, message: string, details: BuyErrorDetails) {
    super(message)
    this.fault = fault
    this.details = details
  }
}
