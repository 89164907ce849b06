import { type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DAY_SECONDS, HOUR_SECONDS } from '#kernel/time'
import type { Reading } from './env.ts'
import { nearest } from './nearest.ts'

interface Setting<T> {
  readonly schema: TSchema
  readonly standard: T
}

/** Every fee, limit and window of the market that the operator may change, with what the contracts document (D-7). */
const SETTINGS = {
  /** On top of a job's or campaign task's amount, paid by the buyer (JP-60, JP-118). */
  jobFeeBps: bps(300),
  /** Taken once, from a JustPayAI agent's first credited USDC (JP-25, D-2). */
  activationFeeMicros: micros(1_000_000n),
  withdrawalFeeMicros: micros(100_000n),
  withdrawalMinMicros: micros(5_000_000n),
  /** A changed or later withdrawal address waits so long (JP-141, D-34). */
  addressCooldownSeconds: seconds(DAY_SECONDS),
  panicMinMicros: micros(100_000n),
  panicsPerDay: count(3),
  /** Outgoing money stays still so long after a panic without an emergency address (D-32). */
  panicFreezeSeconds: seconds(DAY_SECONDS),
  /** A single deposit of at least so much names the emergency address (D-32). */
  emergencyDepositMinMicros: micros(1_000_000n),
  /** A direct job that its provider does not accept expires (JP-70). */
  jobAcceptSeconds: seconds(300),
  /** An open job must be delivered so soon after its application was accepted (JP-72). */
  openJobDeliverSeconds: seconds(300),
  /** Silence on a delivered job accepts it (JP-76). */
  jobReviewSeconds: seconds(300),
  /** A direct job waits so long for a free slot of its service. */
  queueWaitSeconds: seconds(DAY_SECONDS),
  /** How long an open job takes applications, when it does not say (JP-59). */
  applicationWindowSeconds: seconds(DAY_SECONDS),
  /** How often a listing that is well is looked at; 0: never. */
  probeEverySeconds: seconds(6 * HOUR_SECONDS),
  /** How often one host is asked at most, whatever is listed on it. */
  probesPerHostHour: count(60),
  /** Of a disputed job's amount, within these bounds, never refunded (JP-90, JP-92). */
  disputeFeeBps: bps(500),
  disputeFeeMinMicros: micros(100_000n),
  disputeFeeMaxMicros: micros(5_000_000n),
  /** For evidence, and for the ruling; after it the dispute ends as silence would have (D-6). */
  disputeEvidenceSeconds: seconds(72 * HOUR_SECONDS),
  disputeRulingSeconds: seconds(14 * DAY_SECONDS),
  /** A request that nobody was chosen for ends, with what is in escrow back (D-12). */
  requestOpenSeconds: seconds(30 * DAY_SECONDS),
  /** What was accepted and not fulfilled for so long ends, with what is in escrow back (PA-56). */
  requestFulfilSeconds: seconds(14 * DAY_SECONDS),
  /** Silence on what was fulfilled releases the escrow (D-12). */
  requestReviewSeconds: seconds(7 * DAY_SECONDS),
  /** A party with so many disputes and such a share of them is kept from creating jobs and disputes (JP-98). */
  restrictedDisputesMin: count(3),
  restrictedDisputeRateBps: bps(4000),
} as const

export type Market = { readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K]['standard'] }

/** `SOUK_MARKET`: settings that differ, as JSON. Micro-units are whole numbers or their digits in quotes. */
export const market: Reading<Market> = {
  parse: (text) => {
    const given = parseObject(text)
    const wrong = Object.keys(given).flatMap((name) => faultOf(name, given[name]) ?? [])
    if (wrong.length > 0) throw new Error(wrong.join('; '))
    const values = Object.entries(SETTINGS).map(([name, { standard }]) => [name, chosenValue(given[name], standard)])
    const chosen = Object.fromEntries(values) as Market
    checkTogether(chosen)
    return chosen
  },
  example: `'{"jobFeeBps": 250, "withdrawalMinMicros": "10000000"}'`,
}

export const standardMarket: Market = market.parse('{}')

function faultOf(name: string, value: unknown): string | null {
  if (!Object.hasOwn(SETTINGS, name)) {
    const names = Object.keys(SETTINGS)
    const meant = nearest(name, names)
    return `has an unknown setting "${name}" (${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`})`
  }
  const { schema } = SETTINGS[name as keyof Market]
  if (Value.Check(schema, value)) return null
  return `has ${name} ${JSON.stringify(value)}, which must be ${(schema as { description?: string }).description}`
}

function chosenValue(given: unknown, standard: number | bigint): number | bigint {
  if (given === undefined) return standard
  return typeof standard === 'bigint' ? BigInt(given as string | number) : (given as number)
}

function checkTogether(chosen: Market): void {
  if (chosen.withdrawalFeeMicros >= chosen.withdrawalMinMicros) {
    throw new Error('must have a withdrawalFeeMicros below withdrawalMinMicros')
  }
  if (chosen.disputeFeeMinMicros > chosen.disputeFeeMaxMicros) {
    throw new Error('must have a disputeFeeMinMicros of at most disputeFeeMaxMicros')
  }
}

function parseObject(text: string): Record<string, unknown> {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new Error('must be JSON')
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new Error('must be a JSON object')
  return given as Record<string, unknown>
}

function bps(standard: number): Setting<number> {
  return {
    standard,
    schema: Type.Integer({ minimum: 0, maximum: 10_000, description: 'basis points from 0 to 10000' }),
  }
}

function seconds(standard: number): Setting<number> {
  const description = 'whole seconds from 0 to 31622400 (a year)'
  return { standard, schema: Type.Integer({ minimum: 0, maximum: 366 * DAY_SECONDS, description }) }
}

function count(standard: number): Setting<number> {
  return { standard, schema: Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'a whole number' }) }
}

function micros(standard: bigint): Setting<bigint> {
  const number = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
  const digits = Type.String({ pattern: '^[0-9]{1,18}$' })
  return { standard, schema: Type.Union([number, digits], { description: 'whole micro-units' }) }
}
