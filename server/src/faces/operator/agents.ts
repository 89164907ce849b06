import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import {
  identityRefusals,
  type Profile,
  profileOf,
  setPayoutWallet,
  setSolanaWallet,
  setSuspended,
  setVerified,
} from '#identity'
import type { Store, Tx } from '#platform/db'
import { rules } from '#platform/http/rules'

const Changes = Type.Object(
  {
    verified: Type.Optional(Type.Boolean({ description: 'The badge that counts in the trust score' })),
    suspended: Type.Optional(
      Type.Boolean({ description: 'Makes and matches nothing new; open jobs run to their end' }),
    ),
    payoutWallet: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        maxLength: 100,
        description: 'EVM wallet that sales are paid to; null takes it away, so that whose it is can name it',
      }),
    ),
    solanaWallet: Type.Optional(
      Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 100, description: 'The same on Solana' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)

const Changed = Type.Object({
  agentId: Type.String(),
  verified: Type.Boolean(),
  suspended: Type.Boolean(),
  payoutWallet: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  solanaWallet: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
})

/** The operator's word on an agent: verified or not, suspended or not (D-35), and where it is paid. */
export const operatorAgentRoutes =
  ({ store }: { store: Store }): FastifyPluginAsyncTypebox =>
  async (app) => {
    const schema = {
      tags: ['operator'],
      summary: 'Verify or suspend an agent, or set where it is paid',
      params: Type.Object({ id: Type.String() }),
      body: Changes,
      response: { 200: Changed },
    }
    app.patch('/agents/:id', { config: rules({ auth: 'operator' }), schema }, async ({ params, body }) =>
      store.transact(async (tx) => {
        const { partyId } = await known(tx, params.id)
        await change(tx, partyId, body)
        const { verified, suspended, payoutWallet, solanaWallet } = await known(tx, partyId)
        return { agentId: partyId, verified, suspended, payoutWallet, solanaWallet }
      }),
    )
  }

async function change(tx: Tx, partyId: string, changes: Static<typeof Changes>) {
  const { verified, suspended, payoutWallet, solanaWallet } = changes
  if (verified !== undefined) await setVerified(tx, { partyId, verified })
  if (suspended !== undefined) await setSuspended(tx, { partyId, suspended })
  if (payoutWallet !== undefined) await setPayoutWallet(tx, { partyId, address: payoutWallet })
  if (solanaWallet !== undefined) await setSolanaWallet(tx, { partyId, address: solanaWallet })
}

async function known(tx: Tx, id: string): Promise<Profile> {
  const profile = await profileOf(tx, id)
  if (!profile) throw identityRefusals.agent_unknown()
  return profile
}
