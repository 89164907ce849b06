export { authorize, freezeOutgoing, type Payment } from './authorize.ts'
export { spendingRefusals } from './errors.ts'
