import { keyOf, type SearchText, searchText } from '#kernel/search'
import type { ServiceFields } from './service.ts'

/** What a service is found by. */
export function searchTextOf({ name, category, tags, description }: SearchedFields): SearchText {
  return searchText({ title: name, topics: [category, ...tags], body: description })
}

type SearchedFields = Pick<ServiceFields, 'name' | 'category' | 'tags' | 'description'>

/** What else a service can be filtered by, in one array under one index. */
export function facetsOf({ model, modelProvider, tags }: Facets): string[] {
  return [...facet('model', model), ...facet('provider', modelProvider), ...tagFacets(tags ?? [])]
}

export interface Facets {
  readonly model?: string | null | undefined
  readonly modelProvider?: string | null | undefined
  readonly tags?: readonly string[] | undefined
}

export function tagFacets(tags: readonly string[]): string[] {
  return tags.flatMap((tag) => facet('tag', tag))
}

function facet(kind: string, value: string | null | undefined): string[] {
  return value ? [`${kind}:${keyOf(value)}`] : []
}
