export { createReceiptIssuer, type IssueReceipts, type Settlement } from './issue.ts'
export { type ReceiptKey, receiptKeyFrom } from './key.ts'
export { completedAsBuyer, type Receipt, receiptOf, receiptsAfter } from './store.ts'
