import { isId } from '#kernel/id'
import type { Db } from '#platform/db'
import { eventRefusals } from './errors.ts'
import {
  type NoticeQuery,
  type PageOfNotices,
  type Place,
  selectNewestPlace,
  selectPage,
  selectPlace,
} from './store.ts'

/** A party's own notices, oldest first (D-25). Throws `event_unknown` when it cannot go on where it was told to. */
export async function noticesOf(db: Db, query: NoticeQuery): Promise<PageOfNotices> {
  const page = query.after === null || isId(query.after) ? await selectPage(db, query) : undefined
  if (!page) throw eventRefusals.event_unknown()
  return page
}

/**
 * Where a stream begins: after the notice it names, else after the party's newest. Throws `event_unknown`.
 */
export async function placeToFollow(
  db: Db,
  { partyId, after }: { partyId: string; after: string | null },
): Promise<Place> {
  if (after === null) return selectNewestPlace(db, partyId)
  const place = isId(after) ? await selectPlace(db, { partyId, id: after }) : undefined
  if (!place) throw eventRefusals.event_unknown()
  return place
}
