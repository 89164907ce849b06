import sql, { type Sql } from 'sql-template-tag'
import type { SearchQuery, SearchText } from '#kernel/search'

/** The tsvector of what something is found by: its words as they are, and their English stems beside. */
export function tsvectorOf({ vector, title, body }: SearchText): Sql {
  return sql`${vector}::tsvector || setweight(to_tsvector('english', ${title}), 'B')
    || setweight(to_tsvector('english', ${body}), 'C')`
}

/** Beginnings of words, or the same words in another English form. */
export function tsqueryOf({ prefixes, words }: SearchQuery): Sql {
  return sql`${prefixes}::tsquery || plainto_tsquery('english', ${words})`
}
