export {
  type Change,
  createEngine,
  type Door,
  type Engine,
  type MoveRequest,
  type OrderForm,
  type PayOut,
  type Placement,
} from './engine.ts'
export { orderRefusals } from './errors.ts'
export {
  type Bargain,
  type ChainPayment,
  costOf,
  feeOf,
  isClosed,
  isPaidOnChain,
  type Move,
  ORDER_STATES,
  type Order,
  type OrderState,
  payoutOf,
} from './order.ts'
export {
  escrowedOf,
  lockQueued,
  type OrderFilter,
  type OrderWork,
  orderById,
  ordersById,
  ordersOf,
  undeliveredOf,
  workOf,
} from './store.ts'
export { lapseSweep } from './sweep.ts'
export type { Terms } from './terms.ts'
