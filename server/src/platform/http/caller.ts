import type { FastifyRequest } from 'fastify'
import { httpRefusals } from './errors.ts'

/** What a key may be used for (D-21). */
export const SCOPES = ['read', 'trade', 'withdraw', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Who is asking, as far as a key tells. */
export interface Caller {
  readonly partyId: string
  readonly keyId: string
  readonly name: string
  readonly activated: boolean
  readonly scopes: readonly Scope[]
}

export type Authenticate = (key: string) => Promise<Caller | undefined>

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined
  }
}

/** The caller of a route that demands a key. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw httpRefusals.key_missing()
  return request.caller
}

/** `Authorization: Bearer KEY` or `X-API-Key: KEY`: every key works on every route in either form (D-2). */
export function keyIn(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header = request.headers['x-api-key']
  return bearer ?? (typeof header === 'string' && header !== '' ? header : undefined)
}
