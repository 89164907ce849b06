import { randomBytes } from 'node:crypto'
import pino from 'pino'
import { expect } from 'vitest'
import { agentRoutes } from '#faces/v1/agents'
import { authRoutes } from '#faces/v1/auth'
import type { V1Context } from '#faces/v1/context'
import { createAuthenticator } from '#identity'
import { available, balanceOf, pending } from '#ledger'
import { standardMarket } from '#platform/config/market'
import { buildHttp } from '#platform/http/app'
import { createAnswer, createAnswerBook } from '#platform/http/idempotency'
import { rules } from '#platform/http/rules'
import { createOutbound } from '#platform/outbound/index'
import { openTestDatabase } from '#tests/database'
import { NEUTRAL_TRUST } from '#trust'

export interface Ask {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Registered {
  readonly agentId: string
  readonly name: string
  readonly apiKey: string
  readonly keyId: string
  readonly walletAddress: string
  readonly webhookSecret: string
}

const OWN_PORT = 3000

/** In the shape of a Solana address, one per party. */
export const addressOf = (partyId: string) => `So1${partyId.replaceAll('-', '').replaceAll('0', 'z')}`

/** The doors of identity alone, on a real database; chains and other modules stand in for themselves. */
export async function openIdentityWorld() {
  const { store, close } = await openTestDatabase()
  const sealingKey = randomBytes(32)
  const app = await buildHttp({
    log: pino({ level: 'silent' }),
    publicUrl: `http://localhost:${OWN_PORT}`,
    version: '0.0.0',
    authenticate: createAuthenticator(store),
    operatorKey: randomBytes(24).toString('hex'),
    limits: 'off',
    trustProxy: false,
  })
  const souk: Partial<V1Context> = {
    store,
    read: store.read,
    answer: createAnswer(store, createAnswerBook(store, sealingKey)),
    outbound: createOutbound({ allowLoopback: true, ownPorts: () => [OWN_PORT] }),
    market: standardMarket,
    sandbox: true,
    sealingKey,
    trustOf: async () => NEUTRAL_TRUST,
    sellerReputationOf: async () => new Map(),
    conductOf: async () => ({ disputesFiled: 0, disputeRate: 0, restricted: false }),
    ratingSummaryOf: async () => ({ average: null, count: 0 }),
    ratingsOf: async () => ({ items: [], total: 0 }),
    walletBalances: async (partyId) => ({
      available: await balanceOf(store.read, available('USDC', partyId)),
      pending: await balanceOf(store.read, pending('USDC', partyId)),
      escrowed: 0n,
    }),
    depositAddressOf: async (partyId) => addressOf(partyId),
    assignDepositAddress: async (_tx, partyId) => addressOf(partyId),
    checkEmergencyAddress: async () => {},
  }
  for (const routes of [authRoutes, agentRoutes]) await app.register(routes(souk as V1Context), { prefix: '/api/v1' })
  app.get('/api/v1/activated-only', { config: rules({ auth: 'activated' }) }, async () => ({ reached: true }))
  await app.ready()

  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, { key, body, headers }: Ask = {}) => {
    const answer = await app.inject({
      method,
      url: `/api/v1${path}`,
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
    return { status: answer.statusCode, body: answer.json(), headers: answer.headers }
  }
  let names = 0
  const freshName = () => `agent-${++names}`
  return {
    app,
    store,
    sealingKey,
    ask,
    freshName,
    register: async (more: Record<string, unknown> = {}): Promise<Registered> => {
      const { status, body } = await ask('POST', '/auth/register', { body: { name: freshName(), ...more } })
      expect(status).toBe(201)
      return body
    },
    close: async () => {
      await app.close()
      await close()
    },
  }
}

export type IdentityWorld = Awaited<ReturnType<typeof openIdentityWorld>>
