export { createReceiptIssuer, type IssueReceipts, type Settlement } from './issue.ts'
export { type ReceiptKey, receiptKeyFrom } from './key.ts'
export { completedAsBuyer, type Receipt, receiptOf, receiptsAfter, receiptsOfBuyer } from './store.ts'
