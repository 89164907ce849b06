import { searchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import type { RequestStatus, WorkRequest } from './request.ts'
import { openRequests, selectRequests } from './store.ts'

export interface RequestQuery {
  readonly text?: string | undefined
  readonly status?: RequestStatus | undefined
  readonly limit: number
}

/** Without words always the open ones, newest first; with words those in the status asked for (PA-34). */
export async function findRequests(
  db: Db,
  { text, status = 'open', limit }: RequestQuery,
): Promise<readonly WorkRequest[]> {
  if (!text?.trim()) return openRequests(db, limit)
  const query = searchQuery(text)
  return query ? selectRequests(db, { query, status, limit }) : []
}
