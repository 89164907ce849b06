/** What a seller's receipts say of it. */
export interface SalesRecord {
  readonly sales: number
  /** Of these, paid for and not delivered. */
  readonly undelivered: number
  /** Distinct buyers that have brought money from outside, none of them the seller's own. */
  readonly buyers: number
}

export interface SellerReputation extends SalesRecord {
  /** Share of the sales that was delivered, 0 to 1. */
  readonly successRate: number
  /** 0 to 100. */
  readonly score: number
  readonly trusted: boolean
}

const BUYERS_FOR_FULL_SCORE = 5
const BUYERS_FOR_TRUST = 3
const SALES_FOR_TRUST = 5
const SUCCESS_FOR_TRUST = 0.9

/** PA-64: half the score is delivering, the other half is having done so for several who do not know one another. */
export function sellerReputation({ sales, undelivered, buyers }: SalesRecord): SellerReputation {
  const successRate = sales === 0 ? 1 : (sales - undelivered) / sales
  const score = 100 * successRate * (0.5 + 0.5 * Math.min(1, buyers / BUYERS_FOR_FULL_SCORE))
  return {
    sales,
    undelivered,
    buyers,
    successRate,
    score: sales === 0 ? 0 : Math.round(score),
    trusted: buyers >= BUYERS_FOR_TRUST && successRate >= SUCCESS_FOR_TRUST && sales >= SALES_FOR_TRUST,
  }
}

/** Who never sold: nothing failed, and nothing is proven (PA-65). */
export const UNKNOWN_SELLER: SellerReputation = sellerReputation({ sales: 0, undelivered: 0, buyers: 0 })
