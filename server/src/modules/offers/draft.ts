import { stripHtml } from '#kernel/text'
import { offerRefusals } from './errors.ts'
import {
  CENT,
  DEFAULTS,
  LIMITS,
  type OfferChanges,
  type OfferDraft,
  type OfferFields,
  type OfferSource,
  type Patch,
} from './offer.ts'

/** A whole offer from what its seller wrote: defaults filled in, text cleaned, limits held. Throws `offer_invalid`. */
export function fieldsOf(draft: OfferDraft, source: OfferSource): OfferFields {
  return wholeOf(cleaned({ ...DEFAULTS, ...withoutGaps(draft) }) as OfferFields, source)
}

/** The fields of a change, cleaned; what is not in it stays away. */
export function changesOf(changes: OfferChanges): Patch {
  return cleaned(withoutGaps(changes))
}

/** What only all fields together can tell; a download is paid for before it is handed over (D-12). */
export function wholeOf<T extends OfferFields>(fields: T, source: OfferSource): T {
  const { offerType, endpoint, fileUrl, priceMicros } = fields
  if (offerType === 'api' && endpoint === null) throw invalid('endpoint', 'is needed by an offer of type api')
  if (offerType === 'download' && fileUrl === null) throw invalid('fileUrl', 'is needed by an offer of type download')
  const { [source]: min, max } = LIMITS.priceMicros
  const isWhole = source === 'ecosystem' || priceMicros % CENT === 0n
  if (priceMicros < min || priceMicros > max || !isWhole) throw invalid('price', 'must be 1 to 10000000 whole cents')
  return offerType === 'download' ? { ...fields, settlesFirst: true } : fields
}

function withoutGaps(fields: OfferChanges): Patch {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

const TEXTS = ['title', 'description', 'category', 'previewDescription'] as const

function cleaned(fields: Patch): Patch {
  const texts = TEXTS.flatMap((field) => {
    const value = fields[field]
    return value == null ? [] : [[field, text(field, value, LIMITS[field])]]
  })
  holdDuration(fields.estimatedDurationSeconds ?? null)
  holdBody(fields.verificationBody ?? '')
  return {
    ...fields,
    ...Object.fromEntries(texts),
    ...(fields.tags === undefined ? {} : { tags: tagsOf(fields.tags) }),
  }
}

function holdDuration(seconds: number | null): void {
  const max = LIMITS.estimatedDurationSeconds
  if (seconds === null || (seconds > 0 && seconds <= max)) return
  throw invalid('estimatedDurationSeconds', `must be more than 0 and at most ${max}`)
}

function holdBody(body: string): void {
  const max = LIMITS.verificationBodyChars
  if (body.length > max) throw invalid('verificationBody', `may have ${max} characters at most`)
}

function tagsOf(tags: readonly string[]): string[] {
  if (tags.length > LIMITS.tags) throw invalid('tags', `may hold at most ${LIMITS.tags} items`)
  const seen = new Map(tags.map((tag) => text('tags', tag, LIMITS.tag)).map((tag) => [tag.toLowerCase(), tag]))
  return [...seen.values()]
}

/** Length is counted after markup and outer blanks are gone, so that `<b></b>` is no title. */
function text(field: string, value: string, { min, max }: { min: number; max: number }): string {
  const clean = stripHtml(value).trim()
  const { length } = [...clean]
  if (length < min || length > max) throw invalid(field, `must have ${min} to ${max} characters`)
  return clean
}

function invalid(field: string, problem: string) {
  return offerRefusals.offer_invalid({ field, problem, details: [`${field}: ${problem}`] })
}
