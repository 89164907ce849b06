export { acceptBid, type Offered, placeBid } from './bidding.ts'
export { requestRefusals } from './errors.ts'
export { findRequests, type RequestQuery } from './finding.ts'
export { consent, type Decision, decide, dispute, fulfill, requestForm, requestWithOrder, resolve } from './moves.ts'
export { checkDraft, type PostDeps, postRequest } from './post.ts'
export {
  type Bid,
  escrowOf,
  REQUEST,
  REQUEST_STATUSES,
  type RequestDraft,
  type RequestStatus,
  statusOf,
  type WorkRequest,
} from './request.ts'
export { DEFAULT_SETTLING, type Settled, type SettlingDeps, settledOf, settleRequest } from './settling.ts'
export { bidsOf, markTold, requestById } from './store.ts'
export type { RequestSettings } from './terms.ts'
