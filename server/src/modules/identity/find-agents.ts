import { type Rank, rankMatches, type ScoresOf } from '#kernel/ranking'
import { searchQuery } from '#kernel/search'
import type { Db } from '#platform/db'
import type { Profile } from './profile.ts'
import { selectFittingAgents } from './search-store.ts'
import { selectProfiles } from './store.ts'

/** An agent that was searched for. */
export interface FoundAgent extends Profile {
  readonly rank: Rank
}

export interface AgentQuery {
  /** Words, or beginnings of words, of name, capabilities and description, all of them. */
  readonly text: string
  readonly suspended?: boolean
  readonly limit: number
}

/** What is known of sellers where agents are searched; handed over, as receipts know them. */
export interface Proofs {
  readonly scoresOf: ScoresOf
  /** Those with the most to show for it; a bounded list. */
  readonly provenSellers: () => Promise<readonly string[]>
}

const SEARCH_DEPTH = 1000
const WEIGHED = 200

/** Agents that fit, the best first: how well the words fit weighed with what is proven of them (PA-59). */
export async function findAgents(
  db: Db,
  { text, suspended = false, limit }: AgentQuery,
  { scoresOf, provenSellers }: Proofs,
): Promise<FoundAgent[]> {
  const query = searchQuery(text)
  if (!query) return []
  const wanted = { suspended, proven: await provenSellers(), depth: SEARCH_DEPTH, limit: Math.max(2 * limit, WEIGHED) }
  const matches = await selectFittingAgents(db, query, wanted)
  const scores = await scoresOf(matches.map(({ id }) => id))
  const known = matches.map((match) => ({ ...match, standing: scores.get(match.id) ?? 0 }))
  const best = rankMatches(known, scores).slice(0, limit)
  const found = best.map(({ id }) => id)
  const profiles = new Map((await selectProfiles(db, found)).map((profile) => [profile.partyId, profile]))
  return best.flatMap(({ id, rank }) => {
    const profile = profiles.get(id)
    return profile ? [{ ...profile, rank }] : []
  })
}
