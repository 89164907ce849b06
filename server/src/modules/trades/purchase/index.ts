export {
  type Bought,
  createTill,
  DEFAULT_PURCHASE_SETTINGS,
  type Order,
  type PurchaseDeps,
  type PurchaseSettings,
  type Run,
  type Sale,
  type Till,
} from './buy.ts'
export { purchaseRefusals } from './errors.ts'
export { mayReplay, type Output, type Purchase, type PurchaseState, statusOf, type Ware } from './purchase.ts'
export { purchaseById } from './store.ts'
export { forgettingSweep, purchaseSweep } from './sweep.ts'
