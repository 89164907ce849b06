import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { addKey, listKeys, revokeKey } from '#identity'
import { callerOf } from '#platform/http/caller'
import { bodyOptional } from '#platform/http/validation'
import { TextOrNull } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { payanRules } from './payanagent.ts'

const UNNAMED = 'unnamed'

const KeyOrder = Type.Object(
  { label: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) },
  { additionalProperties: false },
)

const MadeKeyView = Type.Object({
  id: Type.String(),
  key: Type.String({ description: 'Shown this once.' }),
  prefix: Type.String(),
  createdAt: Type.String(),
})

const KeyView = Type.Object({
  id: Type.String(),
  prefix: Type.String(),
  label: Type.String(),
  isActive: Type.Boolean({ description: 'Not expired; revoked ones are not listed.' }),
  createdAt: Type.String(),
  lastUsedAt: TextOrNull,
  madeBy: { ...TextOrNull, description: 'id of the key that asked for it; null for the first one.' },
})

export const RevokeQuery = Type.Object({
  children: Type.Optional(
    Type.Boolean({ description: 'true: also every key it made, and they made; then the key may be revoked already' }),
  ),
})

const tags = ['Keys and registration']

/** The keys of `/api/v1/auth/keys`, in PayanAgent's words (D-1): what one shows the other shows. */
export const agentKeyRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/agents/me/api-keys',
      {
        config: payanRules({ auth: 'key' }),
        schema: { summary: 'List your keys', tags, response: { 200: Type.Object({ apiKeys: Type.Array(KeyView) }) } },
      },
      async (request) => {
        const { partyId } = callerOf(request)
        const [keys, now] = await Promise.all([listKeys(souk.read, partyId), souk.store.now()])
        const apiKeys = keys.map(({ keyId: id, prefix, name: label, createdAt, expiresAt, lastUsedAt, madeBy }) => ({
          ...{ id, prefix, label, madeBy },
          isActive: expiresAt === null || expiresAt > now,
          createdAt: createdAt.toISOString(),
          lastUsedAt: lastUsedAt?.toISOString() ?? null,
        }))
        return { apiKeys }
      },
    )

    app.post(
      '/agents/me/api-keys',
      {
        // What a strong key made must not be handed to a weak one that repeats the request (D-33).
        config: payanRules({ auth: 'key', replayTo: 'key' }),
        schema: { summary: 'Make another key', tags, body: KeyOrder, response: { 201: MadeKeyView } },
        preValidation: bodyOptional,
      },
      async (request, reply) => {
        const by = callerOf(request)
        const { label: name = UNNAMED } = request.body
        const look = souk.sandbox ? 'pk_test' : 'pk_live'
        return souk.answer(request, reply, 201, async (tx) => {
          const { keyId: id, key, prefix } = await addKey(tx, { by, name, look })
          return { id, key, prefix, createdAt: tx.now.toISOString() }
        })
      },
    )

    app.delete(
      '/agents/me/api-keys/:keyId',
      {
        config: payanRules({ auth: 'key', scope: 'admin' }),
        schema: {
          summary: 'Revoke a key',
          tags,
          params: Type.Object({ keyId: Type.String() }),
          querystring: RevokeQuery,
          response: { 200: Type.Object({ success: Type.Literal(true) }) },
        },
      },
      async (request, reply) => {
        const { partyId } = callerOf(request)
        return souk.answer(request, reply, 200, async (tx) => {
          const { children: andChildren = false } = request.query
          await revokeKey(tx, { partyId, keyId: request.params.keyId, andChildren })
          return { success: true as const }
        })
      },
    )
  }
