import { profilesOf } from '#identity'
import type { Db } from '#platform/db'
import { gatherLookups } from '#platform/lookups'
import { provenSellers, salesOf, tradesOf } from '#receipts'
import { NEUTRAL_CONDUCT, NEUTRAL_TRUST, sellerReputation, type Trust, trustOf, UNKNOWN_SELLER } from '#trust'
import type { V1Context } from '../faces/v1/context.ts'

/** So many sellers with the most to show are found whatever crowd uses the same words. */
const PROVEN_SELLERS = 500

/** What the market knows of a party's conduct. Ratings, disputes and reports add to it as they come to exist. */
export function createStanding(
  read: Db,
): Pick<
  V1Context,
  | 'trustOf'
  | 'trustsOf'
  | 'reputationOf'
  | 'sellerReputationOf'
  | 'proofs'
  | 'conductOf'
  | 'ratingSummaryOf'
  | 'ratingsOf'
> {
  const trustIn = (verified: boolean): Trust => trustOf({ ...NEUTRAL_CONDUCT, verified })
  const trustsOf = async (db: Db, partyIds: readonly string[]) =>
    new Map([...(await profilesOf(db, partyIds))].map(([id, { verified }]) => [id, trustIn(verified)]))
  const gathered = gatherLookups(read, trustsOf)
  return {
    trustsOf,
    trustOf: async (partyId) => (await gathered(partyId)) ?? NEUTRAL_TRUST,
    reputationOf: async (db, partyIds) => {
      const [profiles, trades] = await Promise.all([profilesOf(db, partyIds), tradesOf(db, partyIds)])
      return new Map(
        partyIds.map((id) => [
          id,
          {
            trustScore: trustIn(profiles.get(id)?.verified ?? false).score,
            disputeRate: NEUTRAL_CONDUCT.clientDisputeRate,
            jobsCompleted: Number(trades.get(id)?.bought ?? 0n),
          },
        ]),
      )
    },
    sellerReputationOf: async (db, partyIds) => {
      const sales = await salesOf(db, partyIds)
      return new Map(
        partyIds.map((id) => {
          const known = sales.get(id)
          return [id, known ? sellerReputation(known) : UNKNOWN_SELLER]
        }),
      )
    },
    proofs: {
      provenSellers: () => provenSellers(read, PROVEN_SELLERS),
      scoresOf: async (partyIds) => {
        const sales = await salesOf(read, partyIds)
        return new Map([...sales].map(([id, known]) => [id, sellerReputation(known).score / 100]))
      },
    },
    conductOf: async () => ({ disputesFiled: 0, disputeRate: NEUTRAL_CONDUCT.clientDisputeRate, restricted: false }),
    ratingSummaryOf: async () => ({ average: null, count: 0 }),
    ratingsOf: async () => ({ items: [], total: 0 }),
  }
}
