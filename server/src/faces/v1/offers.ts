import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import {
  browseOffers,
  changeOffer,
  checkOffer,
  checkOfferChanges,
  deactivateOffer,
  findOffers,
  HTTP_METHODS,
  type JsonSchema,
  offerLimits as limits,
  listOffer,
  OFFER_SORTS,
  OFFER_TYPES,
  type OfferQuery,
  type OfferSort,
  type OfferType,
  offerById,
  offerRefusals,
  ownedOffer,
} from '#offers'
import { callerOf } from '#platform/http/caller'
import { TextOrNull } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { CursorQuery, cursorOf, placeOf } from './cursor.ts'
import { OfferCardView, OfferView, offerViewOf, offerViewsOf } from './offer-view.ts'
import { IdParams, LimitQuery, limitOf, payanRules } from './payanagent.ts'
import { CentsInput, microsOfCents } from './usd.ts'

const text = ({ min, max }: { min: number; max: number }) => Type.String({ minLength: min, maxLength: max })
const oneOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ type: 'string', enum: values, description })
const textOrNull = (maxLength: number, description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength, description })
const url = (description: string) => textOrNull(limits.urlChars, description)

/** An object here; what it may say as a schema is checked by the module, with a path to every fault. */
const schema = (description: string) => Type.Unsafe<JsonSchema | null>({ type: ['object', 'null'], description })

const required = {
  title: text(limits.title),
  description: text(limits.description),
  category: text(limits.category),
  priceCents: CentsInput,
  offerType: oneOf<OfferType>(OFFER_TYPES, 'api needs endpoint, download needs fileUrl.'),
}
/** No `default` here: in a change, what is left out stays as it is. */
const optional = {
  tags: Type.Array(text(limits.tag), { maxItems: limits.tags }),
  endpoint: url('Where the calls of an API go: an https URL of a public host.'),
  httpMethod: oneOf(HTTP_METHODS, 'How the endpoint is called; POST unless said.'),
  inputSchema: schema("JSON Schema of a call's input; what does not satisfy it is never charged."),
  outputSchema: schema("JSON Schema of a call's output."),
  estimatedDurationSeconds: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    exclusiveMinimum: 0,
    maximum: limits.estimatedDurationSeconds,
  }),
  fileUrl: url('What the buyer of a download gets; shown to nobody else.'),
  previewDescription: textOrNull(limits.previewDescription.max, 'What a buyer may know beforehand.'),
  externalUrl: url('Where more is told about it.'),
  verificationBody: textOrNull(limits.verificationBodyChars, 'What a probe may send to the endpoint; never shown.'),
  settlesFirst: Type.Boolean({ description: 'Paid before the work instead of after it; downloads always are.' }),
}

const ListBody = Type.Object(
  { ...required, ...Type.Partial(Type.Object(optional)).properties },
  { additionalProperties: false },
)
const ChangeBody = Type.Object(
  Type.Partial(
    Type.Object({
      ...required,
      ...optional,
      isActive: Type.Boolean({ description: 'true lists a deactivated offer again' }),
    }),
  ).properties,
  { additionalProperties: false, minProperties: 1 },
)

const OffersQuery = Type.Object({
  sort: Type.Optional(
    oneOf<OfferSort>(OFFER_SORTS, 'top by proven outcomes (unless said), price cheapest first, new newest first.'),
  ),
  cursor: Type.Optional(CursorQuery),
  q: Type.Optional(
    Type.String({ maxLength: 1000, description: 'Words, or beginnings of words, of title, description and tags.' }),
  ),
  category: Type.Optional(Type.String({ maxLength: 200 })),
  offerType: Type.Optional(oneOf<OfferType>(OFFER_TYPES, 'api or download')),
  ...LimitQuery.properties,
})

const OffersView = Type.Object({
  offers: Type.Array(OfferCardView),
  nextCursor: Type.Optional({ ...TextOrNull, description: 'null at the end; absent with q or category.' }),
})
const DoneView = Type.Object({ ok: Type.Boolean() })

const tags = ['Offers']
const visible = payanRules({ auth: 'public' })
const trade = payanRules({ auth: 'key', scope: 'trade' })

/** Offers of PayanAgent's contract: what is bought by the call (PA-22 to PA-31). */
export const offerRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(reading(souk))
    await app.register(offering(souk))
    await app.register(changing(souk))
  }

const reading =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const all = { tags, summary: 'Find offers', querystring: OffersQuery, response: { 200: OffersView } }
    app.get('/offers', { config: visible, schema: all }, async ({ query }) => {
      const { sort, offerType, q: words, category } = query
      const limit = limitOf(query)
      if (words?.trim() || category?.trim())
        return { offers: await offersFound(souk, { text: words, category, offerType, sort, limit }) }
      return offersPage(souk, { sort: sort ?? 'top', offerType, cursor: query.cursor, limit })
    })

    const one = {
      tags,
      summary: 'One offer, with its schemas',
      params: IdParams,
      response: { 200: Type.Object({ offer: OfferView }) },
    }
    app.get('/offers/:id', { config: visible, schema: one }, async ({ params }) => {
      const offer = await offerById(souk.read, params.id)
      if (!offer?.active) throw offerRefusals.offer_unknown()
      return { offer: await offerViewOf(souk, offer) }
    })
  }

const offering =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags,
      summary: 'List an offer',
      body: ListBody,
      response: { 201: Type.Object({ offerId: Type.String() }) },
    }
    app.post('/offers', { config: trade, schema }, async (request, reply) => {
      const { partyId: sellerId } = callerOf(request)
      const { priceCents, ...draft } = request.body
      const offer = await checkOffer({ ...draft, priceMicros: microsOfCents(priceCents) }, souk)
      return souk.answer(request, reply, 201, async (tx) => ({
        offerId: (await listOffer(tx, { sellerId, offer })).id,
      }))
    })
  }

const changing =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    const change = { tags, summary: 'Change your offer', params: IdParams, body: ChangeBody }
    app.patch(
      '/offers/:id',
      { config: trade, schema: { ...change, response: { 200: DoneView } } },
      async (request, reply) => {
        const whose = { offerId: request.params.id, by: callerOf(request).partyId }
        await ownedOffer(souk.read, whose)
        const changes = await checkOfferChanges(changesOf(request.body), souk)
        return souk.answer(request, reply, 200, async (tx) => {
          await changeOffer(tx, { ...whose, changes })
          return { ok: true }
        })
      },
    )

    const remove = { tags, summary: 'Take your offer off the market', params: IdParams }
    app.delete(
      '/offers/:id',
      { config: trade, schema: { ...remove, response: { 200: DoneView } } },
      async (request, reply) => {
        const whose = { offerId: request.params.id, by: callerOf(request).partyId }
        return souk.answer(request, reply, 200, async (tx) => {
          await deactivateOffer(tx, whose)
          return { ok: true }
        })
      },
    )
  }

/** The contract's words into the module's. */
function changesOf({ priceCents, isActive, ...same }: Static<typeof ChangeBody>) {
  return {
    ...same,
    priceMicros: priceCents === undefined ? undefined : microsOfCents(priceCents),
    active: isActive,
  }
}

/** Offers that fit, as lists show them; the part of discovery that is about offers (PA-59, PA-60). */
export async function offersFound(souk: V1Context, query: OfferQuery): Promise<Static<typeof OfferCardView>[]> {
  return offerViewsOf(souk, await findOffers(souk.read, query, souk.proofs.scoresOf))
}

async function offersPage(
  souk: V1Context,
  {
    sort,
    offerType,
    cursor,
    limit,
  }: { sort: OfferSort; offerType?: OfferType | undefined; cursor?: string | undefined; limit: number },
): Promise<Static<typeof OffersView>> {
  const after = cursor ? placeOf(sort, cursor) : undefined
  const { offers, next } = await browseOffers(souk.read, { sort, offerType, after, limit })
  return { offers: await offerViewsOf(souk, offers), nextCursor: next && cursorOf(sort, next) }
}
