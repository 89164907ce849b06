export { type SalesRecord, type SellerReputation, sellerReputation, UNKNOWN_SELLER } from './reputation.ts'
export { type Conduct, NEUTRAL_CONDUCT, NEUTRAL_TRUST, provenScore, type Trust, trustOf } from './score.ts'
