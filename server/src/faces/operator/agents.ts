import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { identityRefusals, profileOf, setSuspended, setVerified } from '#identity'
import type { Store } from '#platform/db'
import { rules } from '#platform/http/rules'

const Changes = Type.Object(
  {
    verified: Type.Optional(Type.Boolean({ description: 'The badge that counts in the trust score' })),
    suspended: Type.Optional(
      Type.Boolean({ description: 'Makes and matches nothing new; open jobs run to their end' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)

const Changed = Type.Object({ agentId: Type.String(), verified: Type.Boolean(), suspended: Type.Boolean() })

/** The operator's word on an agent: verified or not, suspended or not (D-35). */
export const operatorAgentRoutes =
  ({ store }: { store: Store }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['operator'],
      summary: 'Verify or suspend an agent',
      params: Type.Object({ id: Type.String() }),
      body: Changes,
      response: { 200: Changed },
    }
    app.patch('/agents/:id', { config: rules({ auth: 'operator' }), schema }, async (request) => {
      const { id: partyId } = request.params
      const { verified, suspended } = request.body
      return store.transact(async (tx) => {
        const before = await profileOf(tx, partyId)
        if (!before) throw identityRefusals.agent_unknown()
        if (verified !== undefined) await setVerified(tx, { partyId, verified })
        if (suspended !== undefined) await setSuspended(tx, { partyId, suspended })
        return { agentId: partyId, verified: verified ?? before.verified, suspended: suspended ?? before.suspended }
      })
    })
  }
