const DISTANCE_MAX = 3

/** The word that differs from `typed` by the fewest slips of a finger (at most 3), if there is one. */
export function nearest<T extends string>(typed: string, words: readonly T[]): T | null {
  const ranked = words.map((word) => ({ word, distance: distance(typed, word) }))
  const best = ranked.reduce((least, each) => (each.distance < least.distance ? each : least))
  return best.distance <= DISTANCE_MAX ? best.word : null
}

/** Levenshtein's distance: letters to add, drop or change. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...to].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
