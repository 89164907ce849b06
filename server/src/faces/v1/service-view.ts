import { type Static, Type } from 'typebox'
import type { FoundService, JsonSchema, ListedService, Service, ServiceCard, ServiceStanding } from '#catalog'
import { type Profile, profilesOf } from '#identity'
import { TextOrNull } from './agent-view.ts'
import { MicrosView } from './amounts.ts'
import type { V1Context } from './context.ts'
import { RankView, rankView } from './rank-view.ts'

const cardFields = {
  id: Type.String(),
  agentId: Type.String({ description: 'The agent that offers it.' }),
  name: Type.String(),
  description: Type.String(),
  category: Type.String(),
  tags: Type.Array(Type.String()),
  model: TextOrNull,
  modelProvider: TextOrNull,
  pricePerJob: MicrosView,
  maxExecutionTimeSecs: Type.Integer(),
  reviewTimeoutSecs: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: "Seconds a client has to review a delivery; null: the market's default.",
  }),
  autoAccept: Type.Boolean(),
  maxConcurrentJobs: Type.Integer(),
  queueEnabled: Type.Boolean(),
  maxQueueSize: Type.Integer(),
  minClientTrustScore: Type.Number({ description: '0 to 1.' }),
  active: Type.Boolean({ description: 'false: no longer listed and not to be hired.' }),
  version: Type.Integer({ description: 'Grows with every change.' }),
  provider: Type.Object({
    id: Type.String(),
    name: Type.String(),
    avatarUrl: TextOrNull,
    websiteUrl: TextOrNull,
    verified: Type.Boolean(),
    trustScore: Type.Number({ description: '0 to 1.' }),
  }),
  ratings: Type.Object({
    average: Type.Unsafe<number | null>({ type: ['number', 'null'], description: '1 to 5.' }),
    count: Type.Integer(),
  }),
  completedJobs: Type.Integer(),
  url: Type.String({ description: 'Public page of the service.' }),
  buyUrl: {
    ...TextOrNull,
    description: 'Where it is bought with a wallet alone, by x402; null where this market cannot send money back.',
  },
  createdAt: Type.String(),
  updatedAt: Type.String(),
}

/** What lists show: everything but schemas and examples. */
export const ServiceCardView = Type.Object({ ...cardFields, rank: Type.Optional(RankView) })

const JsonObject = Type.Unsafe<JsonSchema>({ type: 'object', additionalProperties: true })

export const ServiceView = Type.Object({
  ...cardFields,
  inputSchema: JsonObject,
  outputSchema: JsonObject,
  exampleInput: Type.Unknown({ description: 'null: none was given.' }),
  exampleOutput: Type.Unknown({ description: 'null: none was given.' }),
})

/** What a service is shown with. */
export interface Showcase {
  readonly profiles: ReadonlyMap<string, Profile>
  /** 0 to 1, by party. */
  readonly trustScores: ReadonlyMap<string, number>
  readonly publicUrl: string
  readonly sellsToWallets: boolean
}

/** All providers of a list at once. Asked before a unit of work, never within. */
export async function showcaseOf(souk: V1Context, ownerIds: readonly string[]): Promise<Showcase> {
  const distinct = [...new Set(ownerIds)]
  const [profiles, reputations] = await Promise.all([
    profilesOf(souk.read, distinct),
    souk.reputationOf(souk.read, distinct),
  ])
  const trustScores = new Map([...reputations].map(([id, { trustScore }]) => [id, trustScore]))
  const { publicUrl, sellsToWallets } = souk
  return { profiles, trustScores, publicUrl, sellsToWallets }
}

function serviceCardView(service: ListedService | FoundService, showcase: Showcase): Static<typeof ServiceCardView> {
  return { ...cardView(service, service, showcase), ...rankView('rank' in service ? service.rank : null) }
}

const NO_STANDING: ServiceStanding = { completedJobs: 0, ratingAverage: null, ratingCount: 0 }

export function serviceView(
  service: Service,
  { standing = NO_STANDING, ...showcase }: Showcase & { readonly standing?: ServiceStanding | undefined },
): Static<typeof ServiceView> {
  const { inputSchema, outputSchema, exampleInput, exampleOutput } = service
  return { ...cardView(service, standing, showcase), inputSchema, outputSchema, exampleInput, exampleOutput }
}

function cardView(
  service: ServiceCard,
  { completedJobs, ratingAverage, ratingCount }: ServiceStanding,
  showcase: Showcase,
): Static<typeof ServiceCardView> {
  return {
    id: service.id,
    agentId: service.ownerId,
    name: service.name,
    description: service.description,
    category: service.category,
    tags: [...service.tags],
    model: service.model,
    modelProvider: service.modelProvider,
    pricePerJob: String(service.priceMicros),
    maxExecutionTimeSecs: service.maxExecutionSeconds,
    reviewTimeoutSecs: service.reviewSeconds,
    autoAccept: service.autoAccept,
    maxConcurrentJobs: service.maxConcurrentJobs,
    queueEnabled: service.queueEnabled,
    maxQueueSize: service.maxQueueSize,
    minClientTrustScore: service.minClientTrust,
    active: service.active,
    version: service.version,
    provider: providerView(service.ownerId, showcase),
    ratings: { average: ratingAverage, count: ratingCount },
    completedJobs,
    url: `${showcase.publicUrl}/services/${service.id}`,
    buyUrl: showcase.sellsToWallets ? `/x402/${service.id}` : null,
    createdAt: service.createdAt.toISOString(),
    updatedAt: service.updatedAt.toISOString(),
  }
}

function providerView(id: string, { profiles, trustScores }: Showcase): Static<typeof ServiceCardView>['provider'] {
  const profile = profiles.get(id)
  return {
    id,
    name: profile?.name ?? '',
    avatarUrl: profile?.avatarUrl ?? null,
    websiteUrl: profile?.websiteUrl ?? null,
    verified: profile?.verified ?? false,
    trustScore: trustScores.get(id) ?? 0,
  }
}

export async function serviceViewsOf(
  souk: V1Context,
  services: readonly (ListedService | FoundService)[],
): Promise<Static<typeof ServiceCardView>[]> {
  const showcase = await showcaseOf(
    souk,
    services.map(({ ownerId }) => ownerId),
  )
  return services.map((service) => serviceCardView(service, showcase))
}
