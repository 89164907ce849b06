export { createOrderPayouts } from './landing.ts'
export { createPayOut } from './pay-out.ts'
export { type ChainDeposit, type Network, openPurse, purseAccount, sendBack } from './purse.ts'
export { type ChainPurse, pursesOf } from './store.ts'
