import { type Static, Type } from 'typebox'
import { type Profile, profilesOf } from '#identity'
import {
  type FoundOffer,
  type ListedOffer,
  type Offer,
  type OfferCard,
  type OfferStanding,
  offerStandingsOf,
} from '#offers'
import type { SellerReputation } from '#trust'
import { ReputationView, reputationView, TextOrNull } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { RankView, rankView } from './rank-view.ts'
import { redactedUrl } from './redaction.ts'
import { CentsView, centsView, UsdView, usdView } from './usd.ts'

const Time = Type.String({ description: 'ISO 8601' })

/** What asking the endpoint now and then has shown, and how paid calls were answered. */
const HealthView = Type.Object({
  status: Type.String({ description: 'healthy, degraded or failing' }),
  reason: TextOrNull,
  checkedAt: { ...TextOrNull, description: 'null while nobody has looked.' },
  stale: Type.Boolean({ description: 'Nobody has looked for a day.' }),
})

const cardFields = {
  _id: Type.String(),
  id: Type.String(),
  sellerId: Type.String(),
  title: Type.String(),
  description: Type.String(),
  category: Type.String(),
  tags: Type.Array(Type.String()),
  priceCents: CentsView,
  priceUsd: UsdView,
  currency: Type.String(),
  offerType: Type.String({ description: 'api or download' }),
  httpMethod: Type.String(),
  estimatedDurationSeconds: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
  previewDescription: TextOrNull,
  externalUrl: TextOrNull,
  settlesFirst: Type.Boolean({ description: 'Paid before the work instead of after it.' }),
  source: Type.String({ description: 'native: listed here; ecosystem: imported' }),
  externalResourceId: TextOrNull,
  isActive: Type.Boolean(),
  paidCalls: Type.Integer(),
  deliveredCalls: Type.Integer(),
  buyers: Type.Integer({ description: 'Distinct buyers.' }),
  health: HealthView,
  seller: Type.Object({
    _id: Type.String(),
    id: Type.String(),
    name: Type.String(),
    verified: Type.Boolean(),
    reputation: ReputationView,
  }),
  buyUrl: Type.String({ description: 'Where it is bought: GET or POST, paid by x402.' }),
  createdAt: Time,
  updatedAt: Time,
}

/** What lists show: everything but endpoint and schemas. */
export const OfferCardView = Type.Object({ ...cardFields, rank: Type.Optional(RankView) })

const SchemaOrNull = Type.Unsafe<Offer['inputSchema']>({ type: ['object', 'null'], additionalProperties: true })

export const OfferView = Type.Object({
  ...cardFields,
  endpoint: { ...TextOrNull, description: 'Where calls go; values that look like secrets are REDACTED.' },
  inputSchema: SchemaOrNull,
  outputSchema: SchemaOrNull,
})

interface Sellers {
  readonly profiles: ReadonlyMap<string, Profile>
  readonly reputations: ReadonlyMap<string, SellerReputation>
}

export async function offerViewsOf(
  souk: V1Context,
  offers: readonly (ListedOffer | FoundOffer)[],
): Promise<Static<typeof OfferCardView>[]> {
  const sellers = await sellersOf(souk, offers)
  return offers.map((offer) => ({
    ...cardView(offer, offer, sellers),
    ...rankView('rank' in offer ? offer.rank : null),
  }))
}

const NO_STANDING: OfferStanding = {
  paidCalls: 0,
  deliveredCalls: 0,
  buyers: 0,
  health: 'healthy',
  healthReason: null,
  probedAt: null,
  stale: false,
}

export async function offerViewOf(souk: V1Context, offer: Offer): Promise<Static<typeof OfferView>> {
  const [sellers, standings] = await Promise.all([sellersOf(souk, [offer]), offerStandingsOf(souk.read, [offer.id])])
  const { endpoint, inputSchema, outputSchema } = offer
  return {
    ...cardView(offer, standings.get(offer.id) ?? NO_STANDING, sellers),
    endpoint: shownUrl(endpoint),
    inputSchema,
    outputSchema,
  }
}

/** All sellers of a list at once. */
async function sellersOf(souk: V1Context, offers: readonly OfferCard[]): Promise<Sellers> {
  const distinct = [...new Set(offers.map(({ sellerId }) => sellerId))]
  const [profiles, reputations] = await Promise.all([
    profilesOf(souk.read, distinct),
    souk.sellerReputationOf(souk.read, distinct),
  ])
  return { profiles, reputations }
}

function cardView(offer: OfferCard, standing: OfferStanding, sellers: Sellers): Static<typeof OfferCardView> {
  return {
    _id: offer.id,
    id: offer.id,
    sellerId: offer.sellerId,
    title: offer.title,
    description: offer.description,
    category: offer.category,
    tags: [...offer.tags],
    priceCents: centsView(offer.priceMicros),
    priceUsd: usdView(offer.priceMicros),
    currency: 'USDC',
    offerType: offer.offerType,
    httpMethod: offer.httpMethod,
    estimatedDurationSeconds: offer.estimatedDurationSeconds,
    previewDescription: offer.previewDescription,
    externalUrl: shownUrl(offer.externalUrl),
    settlesFirst: offer.settlesFirst,
    source: offer.source,
    externalResourceId: shownUrl(offer.externalResourceId),
    isActive: offer.active,
    paidCalls: standing.paidCalls,
    deliveredCalls: standing.deliveredCalls,
    buyers: standing.buyers,
    health: {
      status: standing.health,
      reason: standing.healthReason,
      checkedAt: standing.probedAt?.toISOString() ?? null,
      stale: standing.stale,
    },
    seller: sellerView(offer.sellerId, sellers),
    buyUrl: `/x402/${offer.id}`,
    createdAt: offer.createdAt.toISOString(),
    updatedAt: offer.updatedAt.toISOString(),
  }
}

function sellerView(id: string, { profiles, reputations }: Sellers): Static<typeof OfferCardView>['seller'] {
  const profile = profiles.get(id)
  return {
    _id: id,
    id,
    name: profile?.name ?? '',
    verified: profile?.verified ?? false,
    reputation: reputationView(reputations.get(id)),
  }
}

function shownUrl(url: string | null): string | null {
  return url === null ? null : redactedUrl(url)
}
