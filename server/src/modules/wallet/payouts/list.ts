import { offsetOf, type Page, type PageRequest } from '#kernel/page'
import type { Db } from '#platform/db'
import type { Payout } from './payout.ts'
import { countPayoutsOfParty, payoutsOfParty } from './store.ts'

/** A party's withdrawals and panics, newest first. */
export async function withdrawalsOf(
  db: Db,
  { partyId, page }: { partyId: string; page: PageRequest },
): Promise<Page<Payout>> {
  const [items, total] = await Promise.all([
    payoutsOfParty(db, { partyId, limit: page.limit, offset: offsetOf(page) }),
    countPayoutsOfParty(db, partyId),
  ])
  return { items, total }
}
