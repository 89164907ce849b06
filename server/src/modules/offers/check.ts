import { Refusal } from '#kernel/refusal'
import { type Outbound, outboundRefusals } from '#platform/outbound/index'
import { checkSchema } from '#platform/strangers-schema/index'
import { changesOf, fieldsOf } from './draft.ts'
import { offerRefusals } from './errors.ts'
import type { OfferChanges, OfferDraft, OfferFields, OfferSource, Patch } from './offer.ts'

/** An offer that may be listed; only `checkOffer` makes one. */
export interface CheckedOffer {
  readonly fields: OfferFields
  readonly source: OfferSource
}

/** A change that may be made; only `checkOfferChanges` makes one. */
export interface CheckedOfferChanges {
  readonly changes: Patch
}

interface Checks {
  readonly outbound: Pick<Outbound, 'checkUrl'>
}

/**
 * Checks a new offer before its unit of work: limits, schemas (D-31), and that no URL leads inside (PA-29), for which DNS
 * is asked. Throws `offer_invalid` or `url_not_allowed`.
 */
export async function checkOffer(
  draft: OfferDraft,
  { outbound, source = 'native' }: Checks & { readonly source?: OfferSource },
): Promise<CheckedOffer> {
  const fields = fieldsOf(draft, source)
  await holdStrangers(fields, outbound)
  return { fields, source }
}

/** The same for a change; what it has to fit with is looked at when it is made. */
export async function checkOfferChanges(draft: OfferChanges, { outbound }: Checks): Promise<CheckedOfferChanges> {
  const changes = changesOf(draft)
  await holdStrangers(changes, outbound)
  return { changes }
}

async function holdStrangers(fields: Patch, outbound: Checks['outbound']): Promise<void> {
  for (const field of ['inputSchema', 'outputSchema'] as const) holdSchema(field, fields[field] ?? null)
  const urls = ['endpoint', 'fileUrl', 'externalUrl'] as const
  await Promise.all(urls.map((field) => holdUrl(field, fields[field] ?? null, outbound)))
}

function holdSchema(field: 'inputSchema' | 'outputSchema', schema: object | null): void {
  const faults = schema === null ? [] : checkSchema(schema)
  const [first] = faults
  if (!first) return
  const where = first.path === '' ? '' : ` at ${first.path}`
  throw offerRefusals.offer_invalid({
    field,
    problem: `is not acceptable${where}: ${first.message}`,
    details: faults.map(({ path, message }) => `${field}${path}: ${message}`),
  })
}

/** Three fields may hold a URL, so the refusal names the one at fault. */
async function holdUrl(field: string, url: string | null, outbound: Checks['outbound']): Promise<void> {
  if (url === null) return
  try {
    await outbound.checkUrl(url)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'url_not_allowed') throw error
    throw outboundRefusals.url_not_allowed({ ...error.details, field, details: [`${field}: ${error.message}`] })
  }
}
