import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { addSource, type Counts, removeSource, type Source, sourcesOf } from '#ecosystem'
import type { Store } from '#platform/db'
import { rules } from '#platform/http/rules'

const Nullable = Type.Union([Type.String(), Type.Null()])

const CountsView = Type.Object({
  read: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer(),
  returned: Type.Integer({ description: 'Taken off the market before, and told of again' }),
  gone: Type.Integer({ description: 'Not told of in two passes running, so taken off the market' }),
  skipped: Type.Record(Type.String(), Type.Integer(), { description: 'Left out, by reason' }),
})

const SourceView = Type.Object({
  id: Type.String(),
  url: Type.String({ description: 'The list that is read' }),
  active: Type.Boolean(),
  configured: Type.Boolean({ description: 'Named by BAZAAR_SOURCES' }),
  passes: Type.Integer({ description: 'How often the whole list has been read' }),
  progress: Type.Object({ offset: Type.Integer(), counts: CountsView }, { description: 'Of the pass under way' }),
  last: Type.Union([CountsView, Type.Null()], { description: 'Of the last whole pass' }),
  completedAt: Nullable,
  dueAt: Type.String(),
  failures: Type.Integer({ description: 'In a row' }),
  fault: Nullable,
})

const tags = ['operator']
const config = rules({ auth: 'operator' })

/** Which markets are imported from, and how that goes (PA-7). */
export const operatorEcosystemRoutes =
  ({ store }: { store: Store }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const list = {
      tags,
      summary: 'Sources of imported resources',
      response: { 200: Type.Object({ sources: Type.Array(SourceView) }) },
    }
    app.get('/ecosystem/sources', { config, schema: list }, async () => ({
      sources: (await sourcesOf(store.read)).map(viewOf),
    }))

    const add = {
      tags,
      summary: 'Import from this market from now on, or again now',
      body: Type.Object({ url: Type.String({ minLength: 1, maxLength: 2048 }) }, { additionalProperties: false }),
      response: { 200: SourceView },
    }
    app.post('/ecosystem/sources', { config, schema: add }, async ({ body: { url } }) =>
      viewOf(await store.transact((tx) => addSource(tx, { url }))),
    )

    const remove = {
      tags,
      summary: 'Import from it no more, and take off the market what came from it',
      params: Type.Object({ id: Type.String() }),
      response: { 200: Type.Object({ ok: Type.Boolean() }) },
    }
    app.delete('/ecosystem/sources/:id', { config, schema: remove }, async ({ params: { id } }) => {
      await store.transact((tx) => removeSource(tx, { id }))
      return { ok: true }
    })
  }

function viewOf(source: Source): Static<typeof SourceView> {
  const { id, url, active, configured, pass, nextOffset, counts, lastCounts, failures, fault } = source
  return {
    ...{ id, url, active, configured, failures, fault },
    passes: Number(pass - 1n),
    progress: { offset: Number(nextOffset), counts: countsView(counts) },
    last: lastCounts && countsView(lastCounts),
    completedAt: source.completedAt?.toISOString() ?? null,
    dueAt: source.dueAt.toISOString(),
  }
}

function countsView(counts: Partial<Counts>): Static<typeof CountsView> {
  const { read = 0, added = 0, changed = 0, unchanged = 0, returned = 0, gone = 0, skipped = {} } = counts
  return { read, added, changed, unchanged, returned, gone, skipped: { ...skipped } }
}
