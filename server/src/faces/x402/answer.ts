import { mayReplay, type Purchase } from '#trades/purchase'
import { encode } from './challenge.ts'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer | object
}

interface Proof {
  readonly receiptId: string | null
  /** The payment id the asker has shown. */
  readonly paymentId: string | null
  /** Whether the asker has signed in as who paid. */
  readonly signedIn: boolean
  readonly now: Date
  /** What the settlement answer says besides. */
  readonly extensions: object
}

/** What a buyer gets for his money: the seller's answer as it came, and the proof of payment in headers (PA-3, PA-11). */
export function answerOf(purchase: Purchase, proof: Proof): Answer {
  const { id: purchaseId, output, txHash, amount, network, payer } = purchase
  const { receiptId, extensions, signedIn } = proof
  const settled = { success: true, payer, transaction: txHash ?? '', network, amount: String(amount), extensions }
  const headers = {
    'payment-response': encode(settled),
    'x-payment-response': encode(settled),
    'x-purchase-id': purchaseId,
    'x-tx-hash': txHash ?? '',
    ...(receiptId === null ? {} : { 'x-receipt-id': receiptId }),
  }
  const proofs = { purchaseId, receiptId, txHash }
  if (output === null)
    return { status: 502, headers, body: { error: 'The seller took the money and gave no answer', ...proofs } }
  // The authorization is on its chain for everybody to see, so after a while it opens nothing any more (D-16).
  if (!mayReplay(purchase, { shown: proof.paymentId, signedIn, now: proof.now }))
    return { status: 200, headers, body: { status: 'settled', ...proofs } }
  if (output.contentType === FILE)
    return { status: 200, headers, body: { ...JSON.parse(output.body.toString()), receiptId, txHash } }
  return {
    status: output.status,
    headers: { ...headers, ...CONTAINED, 'content-type': output.contentType },
    body: output.body,
  }
}

/** How a bought file's place is kept (PA-33). */
export const FILE = 'application/vnd.souk.file+json'

/** A stranger's answer from our address: shown in a browser it may run nothing and reach nothing. */
const CONTAINED = {
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
}
