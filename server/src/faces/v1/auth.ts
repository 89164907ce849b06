import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { type Enrolled, type EnrolmentTerms, prepareEnrolment, registerAgent } from '#enrolment'
import {
  addKey,
  type KeyRow,
  listKeys,
  MAX_ROTATION_SECONDS,
  ROTATION_SECONDS,
  revokeKey,
  rotateWebhookSecret,
} from '#identity'
import { formatUsdc } from '#kernel/money'
import { callerOf, SCOPES } from '#platform/http/caller'
import { rules } from '#platform/http/rules'
import { bodyOptional } from '#platform/http/validation'
import { RevokeQuery } from './agent-keys.ts'
import { TextOrNull } from './agent-view.ts'
import { CallbackUrl, Capabilities, Description } from './agents.ts'
import type { V1Context } from './context.ts'

/** JustPayAI's door: unique names, activation by a first deposit, keys that begin with `jp_`. */
const TERMS: EnrolmentTerms = { uniqueName: true, needsActivation: true, keyLook: 'jp' }

const strict = { additionalProperties: false }

const Registration = Type.Object(
  {
    name: Type.String({ minLength: 2, maxLength: 50, pattern: '^[A-Za-z0-9_-]+$' }),
    description: Type.Optional(Description),
    capabilities: Type.Optional(Capabilities),
    callbackUrl: Type.Optional(CallbackUrl),
    email: Type.Optional(
      Type.String({ format: 'email', maxLength: 254, description: 'For account recovery; never shown to others.' }),
    ),
    password: Type.Optional(Type.String({ minLength: 8, maxLength: 1024, description: 'For signing in on the web.' })),
    emergencyAddress: Type.Optional(
      Type.String({
        minLength: 32,
        maxLength: 44,
        description: 'Solana wallet that POST /api/v1/wallet/panic pays to. Without it the first depositor becomes it.',
      }),
    ),
  },
  strict,
)

const RegistrationView = Type.Object({
  agentId: Type.String(),
  name: Type.String(),
  apiKey: Type.String({ description: 'Shown this once.' }),
  keyId: Type.String(),
  walletAddress: Type.String(),
  depositAddress: Type.String({ description: 'The same as walletAddress.' }),
  activated: Type.Boolean(),
  activationFee: Type.String(),
  activation: Type.Object({ status: Type.String(), fee: Type.String(), instructions: Type.String() }),
  webhookSecret: Type.String({ description: 'Signs the webhooks you receive. Shown this once.' }),
  emergencyAddress: TextOrNull,
})

const Scopes = Type.Array(Type.Enum([...SCOPES]), { minItems: 1, uniqueItems: true })

const KeyOrder = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    scopes: Type.Optional({ ...Scopes, description: 'At most those of the key that asks, which is also the default.' }),
    expiresAt: Type.Optional(Type.String({ format: 'date-time', description: 'Never, where nothing is said.' })),
  },
  strict,
)

const MadeKeyView = Type.Object({
  apiKey: Type.String({ description: 'Shown this once.' }),
  keyPrefix: Type.String(),
  keyId: Type.String(),
  scopes: Scopes,
  expiresAt: TextOrNull,
})

const KeyView = Type.Object({
  keyId: Type.String(),
  keyPrefix: Type.String(),
  name: Type.String(),
  scopes: Scopes,
  createdAt: Type.String(),
  expiresAt: TextOrNull,
  lastUsedAt: { ...TextOrNull, description: 'Exact to a minute.' },
  madeBy: { ...TextOrNull, description: 'keyId of the key that asked for it; null for the first one.' },
  current: Type.Boolean({ description: 'The key of this very request.' }),
})

const RevokedView = Type.Object({
  message: Type.String(),
  revoked: Type.Array(Type.String(), { description: 'keyIds' }),
})

const Rotation = Type.Object(
  {
    previousValidSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_ROTATION_SECONDS,
        default: ROTATION_SECONDS,
        description: 'How long the secret before signs as well; 0 after a leak.',
      }),
    ),
  },
  strict,
)

const RotatedView = Type.Object({
  webhookSecret: Type.String({ description: 'Shown this once.' }),
  previousValidUntil: Type.String({ description: 'Until then the previous secret signs too.' }),
})

const tags = ['Keys and registration']

/** Registration and keys (JP-1 to JP-17). */
export const authRoutes =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    await app.register(registration(souk))
    await app.register(keys(souk))
  }

const registration =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/auth/register',
      {
        config: rules({ auth: 'public', limit: 'register' }),
        schema: {
          summary: 'Register an agent',
          tags,
          body: Registration,
          response: { 201: RegistrationView },
        },
      },
      async (request, reply) => {
        const enrolment = await prepareEnrolment(request.body, souk)
        return souk.answer(request, reply, 201, async (tx) => {
          const { sealingKey, assignDepositAddress } = souk
          const enrolled = await registerAgent(tx, enrolment, { terms: TERMS, sealingKey, assignDepositAddress })
          return registrationView(souk, request.body, enrolled)
        })
      },
    )

    app.get(
      '/auth/verify',
      {
        config: rules({ auth: 'key' }),
        schema: {
          summary: 'Check a key',
          tags,
          response: {
            200: Type.Object({ valid: Type.Literal(true), agentId: Type.String(), name: Type.String() }),
          },
        },
      },
      async (request) => {
        const { partyId, name } = callerOf(request)
        return { valid: true as const, agentId: partyId, name }
      },
    )

    app.post(
      '/auth/webhook-secret',
      {
        config: rules({ auth: 'key', scope: 'admin' }),
        schema: { summary: 'Make a new webhook secret', tags, body: Rotation, response: { 200: RotatedView } },
        preValidation: bodyOptional,
      },
      async (request, reply) => {
        const { partyId } = callerOf(request)
        return souk.answer(request, reply, 200, async (tx) => {
          const rotated = await rotateWebhookSecret(tx, { partyId, sealingKey: souk.sealingKey, ...request.body })
          return { ...rotated, previousValidUntil: rotated.previousValidUntil.toISOString() }
        })
      },
    )
  }

const keys =
  (souk: V1Context): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/auth/keys',
      {
        // What a strong key made must not be handed to a weak one that repeats the request (D-33).
        config: rules({ auth: 'key', replayTo: 'key' }),
        schema: { summary: 'Make another key', tags, body: KeyOrder, response: { 201: MadeKeyView } },
      },
      async (request, reply) => {
        const { expiresAt, ...order } = request.body
        const by = callerOf(request)
        return souk.answer(request, reply, 201, async (tx) => {
          const ending = expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }
          const { keyId, key, prefix, ...made } = await addKey(tx, { by, ...order, ...ending })
          return { apiKey: key, keyPrefix: prefix, keyId, ...made, expiresAt: made.expiresAt?.toISOString() ?? null }
        })
      },
    )

    app.get(
      '/auth/keys',
      {
        config: rules({ auth: 'key' }),
        schema: { summary: 'List your keys', tags, response: { 200: Type.Object({ keys: Type.Array(KeyView) }) } },
      },
      async (request) => {
        const { partyId, keyId } = callerOf(request)
        return { keys: (await listKeys(souk.read, partyId)).map((row) => keyView(row, keyId)) }
      },
    )

    app.delete(
      '/auth/keys/:keyId',
      {
        config: rules({ auth: 'key', scope: 'admin' }),
        schema: {
          summary: 'Revoke a key',
          tags,
          params: Type.Object({ keyId: Type.String() }),
          querystring: RevokeQuery,
          response: { 200: RevokedView },
        },
      },
      async (request, reply) => {
        const { partyId } = callerOf(request)
        return souk.answer(request, reply, 200, async (tx) => {
          const { children: andChildren = false } = request.query
          const revoked = await revokeKey(tx, { partyId, keyId: request.params.keyId, andChildren })
          return { message: 'Key revoked; it works nowhere any more', revoked }
        })
      },
    )
  }

function registrationView(
  { market }: V1Context,
  { name, emergencyAddress }: Static<typeof Registration>,
  { partyId, firstKey, webhookSecret, depositAddress }: Enrolled,
): Static<typeof RegistrationView> {
  const fee = `${formatUsdc(market.activationFeeMicros)} USDC`
  return {
    agentId: partyId,
    name,
    apiKey: firstKey.key,
    keyId: firstKey.keyId,
    walletAddress: depositAddress,
    depositAddress,
    activated: false,
    activationFee: fee,
    activation: {
      status: 'pending',
      fee,
      instructions: `Send at least ${fee.replace('.00 ', ' ')} to your wallet address to activate`,
    },
    webhookSecret,
    emergencyAddress: emergencyAddress ?? null,
  }
}

function keyView(row: KeyRow, currentId: string): Static<typeof KeyView> {
  return {
    keyId: row.keyId,
    keyPrefix: row.prefix,
    name: row.name,
    scopes: [...row.scopes],
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    madeBy: row.madeBy,
    current: row.keyId === currentId,
  }
}
