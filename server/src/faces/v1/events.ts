import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { type Events, eventRefusals, type Notice, noticesOf, placeToFollow } from '#events'
import type { Db } from '#platform/db'
import { callerOf } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { streamOf } from './event-stream.ts'

export type EventContext = Pick<Events, 'feed' | 'types'> & { readonly read: Db }

const [DEFAULT_LIMIT, MAX_LIMIT] = [20, 100]

const Types = Type.String({
  maxLength: 1000,
  pattern: '^[a-zA-Z0-9_.]+(,[a-zA-Z0-9_.]+)*$',
  description: 'Only events of this type; several with commas between.',
})

const ListQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'nextCursor of the page before, or the id of any event; the oldest kept one is first without it.',
      }),
    ),
    type: Type.Optional(Types),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
  },
  { additionalProperties: false },
)

const StreamQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({ maxLength: 100, description: 'Begins after this event; with the next one to happen without it.' }),
    ),
    type: Type.Optional(Types),
  },
  { additionalProperties: false },
)

const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'The last event that was received; stands above `after`. Clients send it by themselves.',
    }),
  ),
})

const EventView = Type.Object({
  id: Type.String({ description: 'The same as `webhook-id` of its webhook' }),
  type: Type.String(),
  timestamp: Type.String({ format: 'date-time' }),
  data: Type.Unknown({ description: 'As in the webhook' }),
})

const EventList = Type.Object({
  events: Type.Array(EventView),
  nextCursor: Type.String({ description: 'Send it as `after`, now or any time within 30 days.' }),
  hasMore: Type.Boolean({ description: 'More of it is there already' }),
})

const tags = ['Events']

/** What happened to the caller: as a list, and as a stream of server-sent events that can be resumed (D-25). */
export const eventRoutes =
  (souk: EventContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    // Before the server waits for its connections: streams would never end by themselves.
    app.addHook('preClose', () => souk.feed.close())

    app.get(
      '/events',
      {
        config: rules({ auth: 'key' }),
        schema: { summary: 'Your events, newest last', tags, querystring: ListQuery, response: { 200: EventList } },
      },
      async (request) => {
        const { after = null, type, limit = DEFAULT_LIMIT } = request.query
        const query = { partyId: callerOf(request).partyId, after, types: typesIn(souk, type), limit }
        const { notices, hasMore, upTo } = await noticesOf(souk.read, query)
        return { events: notices.map(eventView), nextCursor: upTo, hasMore }
      },
    )

    app.get(
      '/events/stream',
      {
        config: rules({ auth: 'key' }),
        schema: {
          summary: 'Your events as they happen, as server-sent events',
          tags,
          querystring: StreamQuery,
          headers: StreamHeaders,
          response: {
            200: {
              description:
                'Each `data:` is an event as in the list, each `id:` its id. Comments come while nothing happens.',
              content: { 'text/event-stream': { schema: Type.String() } },
            },
          },
        },
      },
      async (request, reply) => {
        const { partyId, keyId } = callerOf(request)
        const types = typesIn(souk, request.query.type)
        const after = request.headers['last-event-id'] || (request.query.after ?? null)
        const place = await placeToFollow(souk.read, { partyId, after })
        const stream = streamOf(souk.feed, { partyId, keyId, place, types, view: eventView })
        // Buffering or compressing on the way would keep events back.
        reply.headers({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' })
        return reply.type('text/event-stream').send(stream as never)
      },
    )
  }

/** Refuses types that no event has, as waiting for them would be in vain. */
function typesIn({ types }: EventContext, wanted: string | undefined): string[] | null {
  if (wanted === undefined) return null
  const named = wanted.split(',')
  const unknown = named.find((type) => !types.includes(type))
  if (unknown !== undefined) throw eventRefusals.event_type_unknown({ type: unknown, types: types.join(', ') })
  return named
}

function eventView({ id, type, body, at }: Notice): Static<typeof EventView> {
  const { data = null } = JSON.parse(body) as { data?: unknown }
  return { id, type, timestamp: at.toISOString(), data }
}
