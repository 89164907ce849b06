import sql, { type Sql } from 'sql-template-tag'
import { WITHOUT_PROOF } from '#kernel/ranking'
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

/**
 * How well what was found fits, 0 to 1: by where all the words stand and never by how often, so that saying a word a
 * hundred times gains nothing, and a title that says everything says each thing less. Title 0.8, and up to 1 the fewer
 * other words it has; title and topics 0.6; anywhere 0.4.
 */
export function fitOf({ search, title }: { search: Sql; title: Sql }, query: SearchQuery): Sql {
  const { inTitle, inTopics, stemsInTopics, count } = query
  const words = sql`cardinality(regexp_split_to_array(btrim(${title}), '\\s+'))`
  return sql`(case
    when ${search} @@ ${inTitle}::tsquery
      then 0.8 + 0.2 * least(1, ${count}::double precision / greatest(1, ${words}))
    when ${search} @@ (${inTopics}::tsquery || to_tsquery('english', ${stemsInTopics})) then 0.6
    else 0.4 end)::double precision`
}

/** `weightOf`, where the database orders by it. */
export function weighed({ text, proof }: { text: Sql; proof: Sql }): Sql {
  return sql`(${text} * (${WITHOUT_PROOF}::double precision + ${1 - WITHOUT_PROOF}::double precision * ${proof}))`
}
