import { defineRefusals } from '#kernel/refusal'

export const purchaseRefusals = defineRefusals({
  purchase_unknown: [
    'missing',
    'There is no such purchase',
    'Take the id from X-Purchase-Id or from an error that names it.',
  ],
  payment_spent_elsewhere: [
    'conflict',
    'This payment was made for another purchase',
    'Sign a new payment for this one. To repeat a purchase, send the very same request again.',
  ],
  payment_id_reused: [
    'conflict',
    'This payment id belongs to another payment',
    'Use one id per purchase; to repeat a purchase send the same id with the same payment.',
  ],
  order_being_paid: [
    'conflict',
    'A payment for this is under way already',
    'Wait for what becomes of it, and read the object again; do not pay twice.',
  ],
  order_refused: [
    'conflict',
    'The payment arrived, and what it was for could not be had any more: {reason}. All of it goes back to the payer (purchase {purchaseId})',
    'Look at what is on offer now. The money returns to the wallet that paid, without a fee.',
  ],
  settlement_unknown: [
    'unknown',
    'The payment was sent to its chain, and the chain has not answered yet (purchase {purchaseId})',
    'Send the same request with the same payment again in a few seconds. Do not sign a new one: this one may have paid.',
  ],
  still_working: [
    'unknown',
    'The seller is still at work (purchase {purchaseId})',
    'Send the same request with the same payment again in a few seconds.',
  ],
})
