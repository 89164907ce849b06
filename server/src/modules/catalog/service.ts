import type { Micros } from '#kernel/money'

/** JP-36..47. Lengths are counted in characters, after markup has been taken out (JP-174). */
export const LIMITS = {
  name: { min: 2, max: 100 },
  description: { min: 10, max: 2000 },
  category: { min: 2, max: 50 },
  tags: 10,
  tag: { min: 1, max: 50 },
  model: { min: 1, max: 100 },
  exampleChars: 50_000,
  priceMicros: { min: 1n, max: 10n ** 15n },
  maxExecutionSeconds: { min: 5, max: 3600 },
  reviewSeconds: { min: 60, max: 86_400 },
  maxConcurrentJobs: { min: 1, max: 100 },
  maxQueueSize: { min: 0, max: 1000 },
  minClientTrust: { min: 0, max: 1 },
} as const

export const DEFAULTS = {
  tags: [],
  exampleInput: null,
  exampleOutput: null,
  model: null,
  modelProvider: null,
  maxExecutionSeconds: 300,
  reviewSeconds: null,
  autoAccept: true,
  maxConcurrentJobs: 5,
  queueEnabled: true,
  maxQueueSize: 20,
  minClientTrust: 0,
} as const

export type JsonSchema = Readonly<Record<string, unknown>>

/** What lists show of a service: everything but its schemas and examples. */
export interface ServiceCard {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly tags: readonly string[]
  readonly model: string | null
  readonly modelProvider: string | null
  readonly priceMicros: Micros
  readonly maxExecutionSeconds: number
  /** How long a buyer may review a delivery; null means the market's setting (D-7). */
  readonly reviewSeconds: number | null
  readonly autoAccept: boolean
  readonly maxConcurrentJobs: number
  readonly queueEnabled: boolean
  readonly maxQueueSize: number
  /** 0..1; a client whose trust is below it is refused (JP-47). */
  readonly minClientTrust: number
  readonly active: boolean
  /** Grows with every change, so that whoever keeps something made from a service knows when it is stale. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface Service extends ServiceCard {
  readonly inputSchema: JsonSchema
  readonly outputSchema: JsonSchema
  readonly exampleInput: unknown
  readonly exampleOutput: unknown
}

/** What an owner decides about a service. */
export type ServiceFields = Omit<Service, 'id' | 'ownerId' | 'active' | 'version' | 'createdAt' | 'updatedAt'>

/** The owner's fields and `active`, each there only when it is to change. */
export type Patch = Partial<ServiceFields & { readonly active: boolean }>

type Maybe<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** A service as its owner describes it: what has a default may be left out. */
export type ServiceDraft = Omit<ServiceFields, keyof typeof DEFAULTS> & Maybe<ServiceFields>

/** A change: fields left out stay as they are; `active: true` lists a deactivated service again. */
export type ServiceChanges = Maybe<ServiceFields & { readonly active: boolean }>

/** What is known about a service from the orders it was part of. */
export interface ServiceStanding {
  readonly completedJobs: number
  /** Mean of the stars (1..5); null while nobody has rated. */
  readonly ratingAverage: number | null
  readonly ratingCount: number
}
