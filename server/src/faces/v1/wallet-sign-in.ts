import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { claimAgent, provePayoutWallet } from '#identity'
import { callerOf } from '#platform/http/caller'
import { type SignedIn, signInRefusals, spendSignIn } from '#sign-in'
import type { V1Context } from './context.ts'
import { payanRules } from './payanagent.ts'

const CLAIM = '/api/v1/auth/wallet'
const PROOF = '/api/v1/agents/me/wallet'
const PURCHASE = '/api/v1/purchases/'
const JOB = '/x402/jobs/'

/** What a wallet's owner reads before signing, by what it is for. */
function purposeOf(path: string): string {
  if (path === CLAIM) return 'Get an API key for the agent of this wallet.'
  if (path === PROOF) return 'Prove that an agent is paid at this wallet.'
  return 'See what this wallet has bought.'
}

const Challenge = Type.Object({
  info: Type.Object({
    ...{ domain: Type.String(), uri: Type.String(), statement: Type.String(), version: Type.String() },
    ...{ nonce: Type.String(), issuedAt: Type.String(), expirationTime: Type.String() },
    resources: Type.Array(Type.String()),
  }),
  supportedChains: Type.Array(Type.Object({ chainId: Type.String(), type: Type.String() })),
  schema: Type.Unknown(),
})

const ChallengeQuery = Type.Object({
  for: Type.Optional(
    Type.String({
      pattern: `^(${CLAIM}|${PROOF}|(${PURCHASE}|${JOB})[0-9a-f-]{36})$`,
      description: `The path it is for: ${CLAIM} unless said, ${PROOF}, ${PURCHASE}ID or ${JOB}ID`,
    }),
  ),
})

const Claimed = Type.Object({
  agentId: Type.String(),
  apiKey: Type.String({ description: 'Shown this once.' }),
  apiKeyPrefix: Type.String(),
  keyId: Type.String(),
  walletAddress: Type.String(),
})

const Proven = Type.Object({ agentId: Type.String(), walletAddress: Type.String(), walletVerified: Type.Boolean() })

const tags = ['Keys and registration']
const description =
  'The challenge of GET /api/v1/auth/wallet, signed by the wallet (CAIP-122), goes base64 into the header SIGN-IN-WITH-X.'

/** What a wallet's signature gives besides purchases: a key for its agent (PA-13), and a proven place to be paid at. */
export const walletSignInRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/auth/wallet',
      {
        config: payanRules({ auth: 'public' }),
        schema: {
          summary: 'A challenge for a wallet to sign',
          tags,
          querystring: ChallengeQuery,
          response: { 200: Challenge },
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store')
        const path = request.query.for ?? CLAIM
        return souk.signIn.challenge(path, purposeOf(path)) as never
      },
    )

    app.post(
      '/auth/wallet',
      {
        config: payanRules({ auth: 'public', limit: 'payanRegister' }),
        schema: { summary: 'Get a key for the agent of your wallet', description, tags, response: { 201: Claimed } },
      },
      async (request, reply) => {
        const wallet = await signed(souk, request, CLAIM)
        const look = souk.sandbox ? 'pk_test' : 'pk_live'
        return souk.answer(request, reply, 201, async (tx) => {
          await spendSignIn(tx, wallet)
          const { partyId: agentId, key } = await claimAgent(tx, { wallet, look })
          // Whoever comes in by a wallet may use the market as everybody else does.
          await souk.assignDepositAddress(tx, agentId)
          const { key: apiKey, prefix: apiKeyPrefix, keyId } = key
          return { agentId, apiKey, apiKeyPrefix, keyId, walletAddress: wallet.address }
        })
      },
    )

    app.post(
      '/agents/me/wallet',
      {
        config: payanRules({ auth: 'key', scope: 'admin' }),
        schema: {
          summary: 'Prove the wallet you are paid at',
          description: `${description} An agent that has named none is paid at this one from then on.`,
          tags: ['Agents'],
          response: { 200: Proven },
        },
      },
      async (request, reply) => {
        const { partyId } = callerOf(request)
        const wallet = await signed(souk, request, PROOF)
        return souk.answer(request, reply, 200, async (tx) => {
          await spendSignIn(tx, wallet)
          const walletAddress = await provePayoutWallet(tx, { partyId, wallet })
          return { agentId: partyId, walletAddress, walletVerified: true }
        })
      },
    )
  }

async function signed({ signIn }: V1Context, request: FastifyRequest, path: string): Promise<SignedIn> {
  const header = request.headers['sign-in-with-x']
  if (typeof header !== 'string' || header === '') throw signInRefusals.sign_in_missing()
  return signIn.read(header, [path])
}
