import sql, { type Sql } from 'sql-template-tag'

const MAX_PREPARED = 1000

const plannedAnew = new WeakSet<Sql>()

/**
 * Marks a statement whose best plan depends on its values (filters that are common or rare by a thousand times): it is
 * planned for them at every call instead of once for all.
 */
export function planForItsValues(statement: Sql): Sql {
  plannedAnew.add(statement)
  return statement
}

/**
 * A list whose length the planner does not see: it guesses the same for every call and so keeps one plan, where it would
 * otherwise plan every short list anew.
 */
export function listed(ids: readonly string[], type: 'uuid' | 'text'): Sql {
  return type === 'uuid' ? sql`array(select unnest(${ids}::uuid[]))` : sql`array(select unnest(${ids}::text[]))`
}

const names = new Map<string, { readonly name: string }>()

/**
 * Gives every statement text a name, so that each connection parses and plans it once. Texts must not vary with their
 * values (lists go in as arrays); beyond the limit a text simply stays unnamed.
 */
export function nameOf(statement: Sql): { readonly name?: string } {
  if (plannedAnew.has(statement)) return {}
  const { text } = statement
  const known = names.get(text)
  if (known) return known
  if (names.size >= MAX_PREPARED) return {}
  const named = { name: `s${names.size + 1}` }
  names.set(text, named)
  return named
}
