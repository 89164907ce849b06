import sql from 'sql-template-tag'
import type { Match } from '#kernel/ranking'
import type { SearchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import { fitOf, tsqueryOf } from '#platform/db/full-text'
import { planForItsValues } from '#platform/db/prepared'

/**
 * How well the words of a search fit, of `depth` matches: those of `proven` parties first, so that no crowd of newcomers
 * hides them, then the newest; the `limit` best of these.
 */
export async function selectFittingAgents(
  db: Db,
  query: SearchQuery,
  { suspended, proven, depth, limit }: { suspended: boolean; proven: readonly string[]; depth: number; limit: number },
): Promise<Match[]> {
  return db.rows(
    planForItsValues(sql`
      with match as materialized (
        select agent.party_id as id, agent.name, agent.search, agent.party_id = any(${proven}::uuid[]) as proven
        from agent join party on party.id = agent.party_id
        where agent.search @@ (${tsqueryOf(query)}) and (party.suspended_at is not null) = ${suspended}
        order by proven desc, id desc limit ${depth}),
      fitting as (
        select id, proven, ${fitOf({ search: sql`search`, title: sql`name` }, query)} as text from match)
      select id, id as "ownerId", text, 0::double precision as standing, false as last
      from fitting order by proven desc, text desc, id desc limit ${limit}`),
  )
}
