export { readAuthorization, type SignedAuthorization, type Token, writeAuthorization } from './authorization.ts'
export type { SettlementChain } from './chain.ts'
export { settlementRefusals } from './errors.ts'
export { createEvmChain } from './evm-chain.ts'
export {
  createEvmFacilitator,
  DEFAULT_FACILITATOR_SETTINGS,
  type EvmFacilitatorSettings,
  type FacilitatorSettings,
} from './facilitator.ts'
export { createFacilitators, type Facilitators } from './facilitators.ts'
export { createOutsideFacilitator } from './outside-facilitator.ts'
export type {
  Asking,
  Facilitator,
  Payment,
  Requirements,
  SettlementNetwork,
  SettlementResult,
  SignedPayment,
  Verdict,
} from './payment.ts'
export type { Settlement } from './store.ts'
export { createSvmChain, type SvmChain } from './svm/chain.ts'
export { createSvmFacilitator } from './svm/facilitator.ts'
export type { SvmSettlement } from './svm/store.ts'
