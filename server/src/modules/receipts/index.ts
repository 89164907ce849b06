export { receiptRefusals } from './errors.ts'
export { createReceiptIssuer, type IssueReceipts } from './issue.ts'
export { type ReceiptKey, receiptKeyFrom } from './key.ts'
export {
  type Circumstances,
  previousIn,
  type Receipt,
  SETTLEMENT_TYPES,
  type Settlement,
  type SettlementType,
} from './receipt.ts'
export {
  newestReceipts,
  paymentsBy,
  receiptById,
  receiptIdsOf,
  receiptOf,
  receiptsAfter,
  receiptsOfOrder,
  receiptsOfParty,
  type Side,
  type Stretch,
} from './store.ts'
export { fundingReader, type OwnersOf, tallySweep } from './tally.ts'
export { provenSellers, type Sales, salesOf, type Trades, tradesOf } from './tally-store.ts'
