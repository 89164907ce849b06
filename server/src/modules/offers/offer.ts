import type { Micros } from '#kernel/money'

/** What a call costs at least where it is listed here; imported offers may cost less (PA-25). */
export const CENT: Micros = 10_000n

/** Lengths are counted in characters, after markup has been taken out. */
export const LIMITS = {
  title: { min: 1, max: 200 },
  description: { min: 1, max: 2000 },
  category: { min: 1, max: 100 },
  tags: 20,
  tag: { min: 1, max: 50 },
  previewDescription: { min: 1, max: 1000 },
  urlChars: 2048,
  verificationBodyChars: 16_384,
  estimatedDurationSeconds: 31_536_000,
  /** 10,000,000 cents. */
  priceMicros: { native: CENT, ecosystem: 1n, max: 10_000_000n * CENT },
} as const

export const DEFAULTS = {
  tags: [],
  endpoint: null,
  httpMethod: 'POST',
  inputSchema: null,
  outputSchema: null,
  estimatedDurationSeconds: null,
  fileUrl: null,
  previewDescription: null,
  externalUrl: null,
  verificationBody: null,
  settlesFirst: false,
} as const

export const OFFER_TYPES = ['api', 'download'] as const
export type OfferType = (typeof OFFER_TYPES)[number]

export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type HttpMethod = (typeof HTTP_METHODS)[number]

/** Listed here by its seller, or imported from elsewhere (PA-7). */
export type OfferSource = 'native' | 'ecosystem'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What lists show of an offer. */
export interface OfferCard {
  readonly id: string
  readonly sellerId: string
  readonly title: string
  readonly description: string
  readonly category: string
  readonly tags: readonly string[]
  readonly priceMicros: Micros
  readonly offerType: OfferType
  readonly httpMethod: HttpMethod
  readonly estimatedDurationSeconds: number | null
  readonly previewDescription: string | null
  readonly externalUrl: string | null
  /** Paid before the work instead of after it (D-12); always so for downloads. */
  readonly settlesFirst: boolean
  readonly source: OfferSource
  readonly externalResourceId: string | null
  readonly active: boolean
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** All of it. `endpoint` may hold secrets of the seller's, `fileUrl` and `verificationBody` are never public (PA-27). */
export interface Offer extends OfferCard {
  /** Where the calls of an API go; an API always has one. */
  readonly endpoint: string | null
  readonly inputSchema: JsonSchema | null
  readonly outputSchema: JsonSchema | null
  /** What the buyer of a download gets; a download always has one. */
  readonly fileUrl: string | null
  readonly verificationBody: string | null
}

/** What a seller decides about an offer. */
export type OfferFields = Omit<
  Offer,
  'id' | 'sellerId' | 'source' | 'externalResourceId' | 'active' | 'createdAt' | 'updatedAt'
>

/** The seller's fields and `active`, each there only when it is to change. */
export type Patch = Partial<OfferFields & { readonly active: boolean }>

type Maybe<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** An offer as its seller describes it: what has a default may be left out. */
export type OfferDraft = Omit<OfferFields, keyof typeof DEFAULTS> & Maybe<OfferFields>

/** A change: fields left out stay as they are; `active: true` lists a deactivated offer again. */
export type OfferChanges = Maybe<OfferFields & { readonly active: boolean }>

export type HealthState = 'healthy' | 'degraded' | 'failing'

/** What is known about an offer from its calls, and from asking its endpoint. */
export interface OfferStanding {
  readonly paidCalls: number
  readonly deliveredCalls: number
  /** Distinct ones. */
  readonly buyers: number
  readonly health: HealthState
  readonly healthReason: string | null
  /** Null while nobody has asked. */
  readonly probedAt: Date | null
  /** Nobody has asked for a day: what it says of health may no longer be so. */
  readonly stale: boolean
}
