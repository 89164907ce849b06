const MAX_PREPARED = 1000

/**
 * Gives every statement text a name, so that each connection parses and plans it once. Texts must not vary with their
 * values (lists go in as arrays); beyond the limit a text simply stays unnamed.
 */
function createStatementNames(limit: number) {
  const names = new Map<string, { name: string }>()
  return {
    nameOf(text: string): { name?: string } {
      const known = names.get(text)
      if (known) return known
      if (names.size >= limit) return {}
      const named = { name: `s${names.size + 1}` }
      names.set(text, named)
      return named
    },
  }
}

export const statementNames = createStatementNames(MAX_PREPARED)
