import type { Dice } from '#tests/crash/dice'
import type { Ask } from '#tests/crash/wire'
import { breakText, ODD_CONTENT_TYPES, ODD_HEADERS, ODD_QUERY, ODD_SEGMENTS, spoil, tooLarge } from './harm.ts'
import { kindOfPath } from './stock.ts'
import { type Surroundings, valueFor } from './values.ts'
import type { JsonSchema, Operation } from './wire-contract.ts'

/** Whose key a request carries. */
export type Who = 'owner' | 'stranger' | 'newcomer' | 'reader' | 'operator' | 'revoked' | 'wrong' | 'nobody'
export type Keys = Readonly<Record<Exclude<Who, 'nobody'>, string>>

export interface FuzzedAsk extends Ask {
  readonly who: Who
  readonly operation: Operation
  /** So large that a server may hang up on it. */
  readonly tooLarge: boolean
}

export interface Fuzzer {
  next(): FuzzedAsk
}

const OPERATORS = '/api/v1/admin/'
const WHO = { owner: 44, stranger: 22, newcomer: 6, reader: 5, operator: 5, revoked: 3, wrong: 5, nobody: 10 }
const WHO_OF_OPERATORS = { ...WHO, operator: 150 }

/** Requests for everything the server says it has: mostly meant well, then broken in one or two ways. */
export function openFuzzer(operations: readonly Operation[], keys: Keys, around: Surroundings): Fuzzer {
  const { dice } = around
  return {
    next: () => {
      const operation = dice.pick(operations)
      const who = dice.weighted(operation.path.startsWith(OPERATORS) ? WHO_OF_OPERATORS : WHO)
      const { payload, type, isTooLarge } = bodyFor(operation, around)
      const given = dice.chance(0.12) ? dice.pick(ODD_HEADERS) : {}
      return {
        ...{ who, operation, tooLarge: isTooLarge },
        method: dice.chance(0.02) ? dice.pick(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) : operation.method,
        path: pathFor(operation, around),
        key: who === 'nobody' || 'x-api-key' in given ? undefined : keys[who],
        body: payload,
        headers: { ...(type === undefined ? {} : { 'content-type': type }), ...given },
      }
    },
  }
}

function pathFor({ path, parameters }: Operation, around: Surroundings): string {
  const { dice, stock } = around
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (dice.chance(0.12)) return dice.pick(ODD_SEGMENTS)
    if (name === 'name') return dice.pick(['hook', 'other'])
    const id = stock.id(dice, kindOfPath(path))
    return dice.chance(0.04) ? id.toUpperCase() : id
  })
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const asked = query.filter(() => dice.chance(0.35)).map(({ name, schema }) => queryPart(name, schema, around))
  if (dice.chance(query.length > 0 ? 0.25 : 0.03)) asked.push(dice.pick(ODD_QUERY))
  return asked.length === 0 ? filled : `${filled}?${asked.join('&')}`
}

function queryPart(name: string, schema: JsonSchema, around: Surroundings): string {
  const value = valueFor(schema, name, around)
  return `${name}=${encodeURIComponent(typeof value === 'object' ? JSON.stringify(value) : String(value))}`
}

interface Payload {
  readonly payload: string | Uint8Array | undefined
  readonly type?: string
  readonly isTooLarge: boolean
}

const BODYLESS = ['GET', 'DELETE']

function bodyFor({ method, body: schema }: Operation, around: Surroundings): Payload {
  const { dice } = around
  // A body where none belongs must not hurt either.
  if (schema === null && !dice.chance(BODYLESS.includes(method) ? 0.02 : 0.15))
    return { payload: undefined, isTooLarge: false }
  if (dice.chance(0.004)) return { payload: tooLarge(dice), isTooLarge: true }
  const meant = structuredClone(valueFor(schema ?? {}, 'body', around))
  const body = dice.chance(0.35) ? spoil(meant, dice) : meant
  const twice = dice.chance(0.1) ? spoil(body, dice) : body
  const json = JSON.stringify(twice) ?? ''
  const payload = dice.chance(0.12) ? breakText(json, dice) : json
  return { payload, isTooLarge: false, ...typeFor(dice) }
}

function typeFor(dice: Dice): { type?: string } {
  return dice.chance(0.05) ? { type: dice.pick(ODD_CONTENT_TYPES) } : {}
}
