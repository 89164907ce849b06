import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Store } from '#platform/db'
import { type RouteRules, rules } from '#platform/http/rules'
import type { Sweeper } from '#platform/sweeps'
import { chainRoutes } from './chains.ts'
import { clockRoutes } from './clock.ts'
import { hookRoutes } from './hooks.ts'

export interface SandboxOptions {
  readonly store: Store
  readonly sweeper: Pick<Sweeper, 'runUntilIdle'>
  readonly publicUrl: string
  readonly solana: { readonly rpcUrl: string; readonly mint: string }
  /** Null: this market does without EVM. */
  readonly base: { readonly rpcUrl: string; readonly chainId: number; readonly token: string } | null
  /** Whether only this machine can reach the server; elsewhere the operator's key is needed. */
  readonly loopback: boolean
}

export interface SandboxParts extends SandboxOptions {
  readonly access: { readonly rules: RouteRules }
}

/** Money, time and mail that are not real. Never hung in live mode, where its paths are not there at all (D-24). */
export const sandboxRoutes =
  (options: SandboxOptions): FastifyPluginAsyncTypebox =>
  async (app) => {
    const parts: SandboxParts = { ...options, access: rules({ auth: options.loopback ? 'public' : 'operator' }) }
    await app.register(chainRoutes(parts), { prefix: '/sandbox' })
    await app.register(clockRoutes(parts), { prefix: '/sandbox' })
    await app.register(hookRoutes(parts), { prefix: '/sandbox' })
  }
