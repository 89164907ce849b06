import { profilesOf } from '#identity'
import type { Db } from '#platform/db'
import { gatherLookups } from '#platform/lookups'
import { salesOf, tradesOf } from '#receipts'
import { NEUTRAL_CONDUCT, NEUTRAL_TRUST, sellerReputation, type Trust, trustOf, UNKNOWN_SELLER } from '#trust'
import type { V1Context } from '../faces/v1/context.ts'

/** What the market knows of a party's conduct. Ratings, disputes and reports add to it as they come to exist. */
export function createStanding(
  read: Db,
): Pick<
  V1Context,
  'trustOf' | 'trustsOf' | 'reputationOf' | 'sellerReputationOf' | 'conductOf' | 'ratingSummaryOf' | 'ratingsOf'
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
    conductOf: async () => ({ disputesFiled: 0, disputeRate: NEUTRAL_CONDUCT.clientDisputeRate, restricted: false }),
    ratingSummaryOf: async () => ({ average: null, count: 0 }),
    ratingsOf: async () => ({ items: [], total: 0 }),
  }
}
