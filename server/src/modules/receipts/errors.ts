import { defineRefusals } from '#kernel/refusal'

export const receiptRefusals = defineRefusals({
  receipt_unknown: [
    'missing',
    'Receipt not found',
    'Check the id; GET /api/v1/receipts lists all receipts, newest first.',
  ],
})
