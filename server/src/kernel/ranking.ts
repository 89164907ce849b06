/** Why something stands where it does in an answer to a search; all from 0 to 1. */
export interface Rank {
  /** How well the words fit. */
  readonly text: number
  /** What is proven of it, and of who offers it, by what was paid for and delivered. */
  readonly proof: number
  /** Both together: what answers are ordered by. */
  readonly weight: number
}

/** Something that fits the words of a search, before it is known how its owner has done. */
export interface Match {
  readonly id: string
  readonly ownerId: string
  readonly text: number
  /** What became of its own calls or jobs, 0 to 1. */
  readonly standing: number
  /** It has failed so often that it comes after everything else, whatever speaks for it (PA-66). */
  readonly last: boolean
}

/** Words alone reach so much: whoever says what everybody says stands behind whoever has done it. */
export const WITHOUT_PROOF = 0.3

export function weightOf({ text, proof }: Pick<Rank, 'text' | 'proof'>): number {
  return text * (WITHOUT_PROOF + (1 - WITHOUT_PROOF) * proof)
}

/**
 * Orders matches, the best first, the newest first among equals. Half of what is proven are the outcomes of the thing
 * itself, half those of its owner (0 to 1, by owner; 0 where nothing is known).
 */
export function rankMatches<M extends Match>(
  matches: readonly M[],
  ownerScores: ReadonlyMap<string, number>,
): (M & { readonly rank: Rank })[] {
  const ranked = matches.map((match) => {
    const proof = (match.standing + (ownerScores.get(match.ownerId) ?? 0)) / 2
    return { ...match, rank: { text: match.text, proof, weight: weightOf({ text: match.text, proof }) } }
  })
  return ranked.sort(
    (a, b) => Number(a.last) - Number(b.last) || b.rank.weight - a.rank.weight || (a.id < b.id ? 1 : -1),
  )
}

/** How those who offer things have done, 0 to 1, of everybody asked for in one query. */
export type ScoresOf = (partyIds: readonly string[]) => Promise<ReadonlyMap<string, number>>
