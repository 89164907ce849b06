import { type Static, Type } from 'typebox'
import type { Rank } from '#kernel/ranking'

/** Why a hit stands where it does; only in answers to a search. */
export const RankView = Type.Object(
  {
    text: Type.Number({ description: 'How well the words fit, 0 to 1: by where they stand, not by how often.' }),
    proof: Type.Number({ description: 'What is proven by paid and delivered work, and by how many buyers, 0 to 1.' }),
    weight: Type.Number({ description: 'Both together: text × (0.3 + 0.7 × proof). The list is ordered by it.' }),
  },
  { description: 'Why it stands where it does.' },
)

/** To spread into a view; nothing where nothing was weighed. */
export function rankView(rank: Rank | null | undefined): { rank?: Static<typeof RankView> } {
  if (!rank) return {}
  const { text, proof, weight } = rank
  return { rank: { text: rounded(text), proof: rounded(proof), weight: rounded(weight) } }
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000
}
