export { readAuthorization, type SignedAuthorization, type Token, writeAuthorization } from './authorization.ts'
export { ChainUnreachable, type SettlementChain } from './chain.ts'
export type { Payment, Requirements } from './check.ts'
export { settlementRefusals } from './errors.ts'
export { createEvmChain } from './evm-chain.ts'
export {
  createFacilitator,
  DEFAULT_FACILITATOR_SETTINGS,
  type Facilitator,
  type FacilitatorSettings,
  type SettlementResult,
  type Verdict,
} from './facilitator.ts'
export { createOutsideFacilitator } from './outside-facilitator.ts'
export type { Settlement } from './store.ts'
