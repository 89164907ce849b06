export {
  type Bought,
  createTill,
  DEFAULT_PURCHASE_SETTINGS,
  type Order,
  type PurchaseDeps,
  type PurchaseSettings,
  type Till,
} from './buy.ts'
export { purchaseRefusals } from './errors.ts'
export type { CallLine, Forwarded, Line, Lines, OrderLine, RelayLine, Run, Sale } from './line.ts'
export {
  mayReplay,
  type Output,
  type Purchase,
  type PurchaseState,
  statusOf,
  type Ware,
  type WareName,
} from './purchase.ts'
export { latestPurchase, type NewPurchase, purchaseById } from './store.ts'
export { forgettingSweep, purchaseSweeps } from './sweep.ts'
