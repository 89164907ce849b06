import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { type EnrolmentTerms, prepareEnrolment, registerAgent } from '#enrolment'
import { type AgentQuery, findAgents, identityRefusals, listAgents, updateProfile } from '#identity'
import { type Caller, callerOf } from '#platform/http/caller'
import { httpRefusals } from '#platform/http/errors'
import { A2aCapabilities, AgentCardView, agentCardView, PROVIDER_TYPES, TextOrNull } from './agent-view.ts'
import type { V1Context } from './context.ts'
import { IdParams, LimitQuery, limitOf, payanRules } from './payanagent.ts'

const Name = Type.String({ minLength: 1, maxLength: 100 })
const Description = Type.String({ minLength: 1, maxLength: 2000 })
const Tags = Type.Array(Type.String({ maxLength: 50 }), { maxItems: 20 })
const WebUrl = Type.String({ format: 'uri', pattern: '^https?://', maxLength: 2048 })
const Email = Type.String({ format: 'email', maxLength: 254, description: 'Never shown to others.' })

const strict = { additionalProperties: false }

/** No `default` here: in a change, what is left out stays as it is. */
const optional = {
  tags: Type.Optional(Tags),
  agentUrl: Type.Optional(WebUrl),
  ownerEmail: Type.Optional(Email),
  a2aCapabilities: Type.Optional(A2aCapabilities),
}

const Registration = Type.Object(
  {
    name: Name,
    description: Description,
    walletAddress: Type.String({
      pattern: '^(0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44})$',
      description: 'Wallet that sales are paid to, on EVM or on Solana; it cannot be changed.',
    }),
    solanaWalletAddress: Type.Optional(
      Type.String({
        pattern: '^[1-9A-HJ-NP-Za-km-z]{32,44}$',
        description: 'Wallet that sales on Solana are paid to, beside one on EVM.',
      }),
    ),
    chain: Type.Optional(Type.String({ maxLength: 50, description: 'base or solana, after the wallet, unless said' })),
    providerType: Type.Optional(Type.Enum([...PROVIDER_TYPES], { description: 'agent unless said' })),
    discoverySource: Type.Optional(Type.String({ maxLength: 500, description: 'How you heard of us; never shown.' })),
    ...optional,
  },
  strict,
)

const RegistrationView = Type.Object({
  agentId: Type.String(),
  apiKey: Type.String({ description: 'Shown this once.' }),
  apiKeyPrefix: Type.String(),
  message: Type.String(),
})

const Changes = Type.Object({ name: Type.Optional(Name), description: Type.Optional(Description), ...optional }, strict)

const ListQuery = Type.Object({
  ...LimitQuery.properties,
  status: Type.Optional(Type.Enum(['active', 'suspended'], { description: 'active unless said' })),
  cursor: Type.Optional(Type.String({ format: 'uuid', description: 'nextCursor of the page before' })),
  q: Type.Optional(
    Type.String({ maxLength: 1000, description: 'Words, or beginnings of words; the best come first, without pages' }),
  ),
})
const ListView = Type.Object({ agents: Type.Array(AgentCardView), nextCursor: TextOrNull })

const tags = ['Agents']

/** PayanAgent's doors to agents: register, list, change (PA-15 to PA-19). */
export const agentDirectoryRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(registration(souk))
    await app.register(directory(souk))
  }

const registration =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    // Free names and no activation: only JustPayAI's door asks for a first deposit (D-2).
    const keyLook = souk.sandbox ? 'pk_test' : 'pk_live'
    const terms: EnrolmentTerms = { uniqueName: false, needsActivation: false, keyLook }

    app.post(
      '/agents',
      {
        config: payanRules({ auth: 'public', limit: 'payanRegister' }),
        schema: {
          summary: 'Register an agent that is paid at its own wallet',
          tags,
          body: Registration,
          response: { 201: RegistrationView },
        },
      },
      async (request, reply) => {
        const {
          tags: capabilities = [],
          walletAddress,
          solanaWalletAddress,
          agentUrl,
          ownerEmail,
          ...rest
        } = request.body
        const enrolment = await prepareEnrolment(
          {
            ...{ ...rest, capabilities, ...walletsIn({ walletAddress, solanaWalletAddress }) },
            ...(rest.chain === undefined ? {} : { chain: rest.chain }),
            ...(agentUrl === undefined ? {} : { websiteUrl: agentUrl }),
            ...(ownerEmail === undefined ? {} : { email: ownerEmail }),
          },
          souk,
        )
        return souk.answer(request, reply, 201, async (tx) => {
          const { sealingKey, assignDepositAddress } = souk
          const { partyId, firstKey } = await registerAgent(tx, enrolment, { terms, sealingKey, assignDepositAddress })
          const message = 'Store your API key securely. It cannot be retrieved again.'
          return { agentId: partyId, apiKey: firstKey.key, apiKeyPrefix: firstKey.prefix, message }
        })
      },
    )
  }

const directory =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/agents',
      {
        config: payanRules({ auth: 'public' }),
        schema: {
          summary: 'Find agents, without q the newest first',
          tags,
          querystring: ListQuery,
          response: { 200: ListView },
        },
      },
      async ({ query }) => {
        const limit = limitOf(query)
        const suspended = query.status === 'suspended'
        if (query.q?.trim())
          return { agents: await agentsFound(souk, { text: query.q, suspended, limit }), nextCursor: null }
        const found = await listAgents(souk.read, { suspended, before: query.cursor ?? null, limit: limit + 1 })
        const page = found.slice(0, limit)
        const ids = page.map(({ partyId }) => partyId)
        const reputations = await souk.sellerReputationOf(souk.read, ids)
        const agents = page.map((profile) => agentCardView(profile, reputations.get(profile.partyId)))
        return { agents, nextCursor: found.length > limit ? (ids.at(-1) ?? null) : null }
      },
    )

    app.patch(
      '/agents/:id',
      {
        config: payanRules({ auth: 'key', scope: 'trade' }),
        schema: {
          summary: 'Change your profile, by your id',
          tags,
          params: IdParams,
          body: Changes,
          response: { 200: Type.Object({ message: Type.String() }) },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request)
        const { tags: capabilities, agentUrl, ownerEmail, ...rest } = request.body
        if (request.params.id.toLowerCase() !== caller.partyId) throw identityRefusals.not_your_profile()
        if (ownerEmail !== undefined) requireAdmin(caller)
        const changes = {
          ...rest,
          ...(capabilities === undefined ? {} : { capabilities }),
          ...(agentUrl === undefined ? {} : { websiteUrl: agentUrl }),
          ...(ownerEmail === undefined ? {} : { email: ownerEmail }),
        }
        return souk.answer(request, reply, 200, async (tx) => {
          await updateProfile(tx, { partyId: caller.partyId, changes })
          return { message: 'Agent updated' }
        })
      },
    )
  }

/** Agents that fit, as lists show them; the part of discovery that is about agents (PA-59). */
export async function agentsFound(souk: V1Context, query: AgentQuery): Promise<Static<typeof AgentCardView>[]> {
  const found = await findAgents(souk.read, query, souk.proofs)
  const ids = found.map(({ partyId }) => partyId)
  const reputations = await souk.sellerReputationOf(souk.read, ids)
  return found.map((profile) => agentCardView(profile, reputations.get(profile.partyId)))
}

/** Whoever reads the owner's mail may be believed one day to be the owner, so that a weak key must not turn it (D-33). */
function requireAdmin({ scopes }: Caller): void {
  if (!scopes.includes('admin')) throw httpRefusals.scope_missing({ scope: 'admin' })
}

interface Named {
  readonly walletAddress: string
  readonly solanaWalletAddress: string | undefined
}

/** One wallet for each kind of network; the first one named says which chain this agent is of. */
function walletsIn({ walletAddress, solanaWalletAddress: solanaWallet }: Named) {
  if (walletAddress.startsWith('0x'))
    return { payoutWallet: walletAddress, chain: 'base', ...(solanaWallet === undefined ? {} : { solanaWallet }) }
  if (solanaWallet !== undefined && solanaWallet !== walletAddress) throw identityRefusals.wallets_conflict()
  return { solanaWallet: walletAddress, chain: 'solana' }
}
