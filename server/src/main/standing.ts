import { profilesOf } from '#identity'
import type { Db } from '#platform/db'
import { gatherLookups } from '#platform/lookups'
import { completedAsBuyer } from '#receipts'
import { NEUTRAL_CONDUCT, NEUTRAL_TRUST, type Trust, trustOf } from '#trust'
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
      const [profiles, completed] = await Promise.all([profilesOf(db, partyIds), completedAsBuyer(db, partyIds)])
      return new Map(
        partyIds.map((id) => [
          id,
          {
            trustScore: trustIn(profiles.get(id)?.verified ?? false).score,
            disputeRate: NEUTRAL_CONDUCT.clientDisputeRate,
            jobsCompleted: completed.get(id) ?? 0,
          },
        ]),
      )
    },
    // Nothing sold yet (PA-65).
    sellerReputationOf: async (_db, partyIds) =>
      new Map(partyIds.map((id) => [id, { successRate: 1, score: 0, trusted: false }])),
    conductOf: async () => ({ disputesFiled: 0, disputeRate: NEUTRAL_CONDUCT.clientDisputeRate, restricted: false }),
    ratingSummaryOf: async () => ({ average: null, count: 0 }),
    ratingsOf: async () => ({ items: [], total: 0 }),
  }
}
