import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { SandboxParts } from './index.ts'

const tags = ['Sandbox']
const KEPT = 1000
const Name = Type.Object({ name: Type.String({ maxLength: 100 }) })
const Filter = Type.Object({ name: Type.Optional(Type.String({ maxLength: 100 })) })

const Received = Type.Object({
  name: Type.String(),
  receivedAt: Type.String({ format: 'date-time' }),
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.Unknown({ description: 'Parsed where it is JSON.' }),
  raw: Type.String({ description: 'The text as it came, which signatures are made of.' }),
})

interface Hook {
  readonly name: string
  readonly receivedAt: string
  readonly headers: Record<string, string>
  readonly body: unknown
  readonly raw: string
}

/** A place to point a webhook at and see what comes, and the mails that would have been sent. Kept in memory only. */
export const hookRoutes =
  ({ access }: SandboxParts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const received: Hook[] = []
    // Whatever is sent is kept as it is: a receiver that is choosy would hide what a webhook really says.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => body)

    const store = {
      tags,
      summary: 'Receive anything',
      params: Name,
      response: { 200: Type.Object({ ok: Type.Boolean() }) },
    }
    app.post('/hooks/:name', { config: access, schema: store }, async (request) => {
      const raw = typeof request.body === 'string' ? request.body : ''
      const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]))
      const { name } = request.params
      received.unshift({ name, receivedAt: new Date().toISOString(), headers, body: jsonIn(raw), raw })
      received.splice(KEPT)
      return { ok: true }
    })

    const List = Type.Object({ webhooks: Type.Array(Received) })
    const list = { tags, summary: 'What was received, newest first', querystring: Filter, response: { 200: List } }
    app.get('/webhooks', { config: access, schema: list }, async (request) => {
      const { name } = request.query
      return { webhooks: received.filter((hook) => name === undefined || hook.name === name) }
    })

    const Mails = Type.Object({ mails: Type.Array(Type.Unknown()) })
    const outbox = { tags, summary: 'Mails that would have been sent', response: { 200: Mails } }
    app.get('/outbox', { config: access, schema: outbox }, async () => ({ mails: [] }))
  }

function jsonIn(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return null
  }
}
