import { stripHtml } from '#kernel/text'
import { catalogRefusals } from './errors.ts'
import { DEFAULTS, LIMITS, type Patch, type ServiceChanges, type ServiceDraft, type ServiceFields } from './service.ts'

interface Bounds<T> {
  readonly min: T
  readonly max: T
}

/** A whole service from what its owner wrote: defaults filled in, text cleaned, limits held. */
export function fieldsOf(draft: ServiceDraft): ServiceFields {
  return cleaned({ ...DEFAULTS, ...withoutGaps(draft) }) as ServiceFields
}

/** The fields of a change, cleaned; what is not in it stays away. */
export function changesOf(changes: ServiceChanges): Patch {
  return cleaned(withoutGaps(changes))
}

function withoutGaps(fields: ServiceChanges): Patch {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function cleaned(fields: Patch): Patch {
  const { name, description, category, tags, model, modelProvider } = fields
  holdNumbers(fields)
  return {
    ...fields,
    ...(name === undefined ? {} : { name: text('name', name, LIMITS.name) }),
    ...(description === undefined ? {} : { description: text('description', description, LIMITS.description) }),
    ...(category === undefined ? {} : { category: text('category', category, LIMITS.category) }),
    ...(tags === undefined ? {} : { tags: tagsOf(tags) }),
    ...(model == null ? {} : { model: text('model', model, LIMITS.model) }),
    ...(modelProvider == null ? {} : { modelProvider: text('modelProvider', modelProvider, LIMITS.model) }),
  }
}

const WHOLE_NUMBERS = ['maxExecutionSeconds', 'reviewSeconds', 'maxConcurrentJobs', 'maxQueueSize'] as const

function holdNumbers(fields: Patch): void {
  for (const field of WHOLE_NUMBERS) {
    const value = fields[field]
    if (value != null && !Number.isInteger(value)) throw invalid(field, 'must be a whole number')
    if (value != null) hold(field, value, LIMITS[field])
  }
  if (fields.minClientTrust !== undefined) hold('minClientTrust', fields.minClientTrust, LIMITS.minClientTrust)
  if (fields.priceMicros !== undefined) hold('priceMicros', fields.priceMicros, LIMITS.priceMicros)
}

function hold<T extends number | bigint>(field: string, value: T, { min, max }: Bounds<T>): void {
  if (!(value >= min && value <= max)) throw invalid(field, `must be between ${min} and ${max}`)
}

function tagsOf(tags: readonly string[]): string[] {
  if (tags.length > LIMITS.tags) throw invalid('tags', `may hold at most ${LIMITS.tags} items`)
  const seen = new Map(tags.map((tag) => text('tags', tag, LIMITS.tag)).map((tag) => [tag.toLowerCase(), tag]))
  return [...seen.values()]
}

/** Length is counted after markup and outer blanks are gone, so that `<b></b>` is no name (JP-174). */
function text(field: string, value: string, { min, max }: Bounds<number>): string {
  const clean = stripHtml(value).trim()
  const { length } = [...clean]
  if (length < min || length > max) throw invalid(field, `must have ${min} to ${max} characters`)
  return clean
}

function invalid(field: string, problem: string) {
  return catalogRefusals.service_invalid({ field, problem })
}
