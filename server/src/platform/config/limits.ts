import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Reading } from './env.ts'

/** Rate limits: all as documented, some changed by name, or none (sandbox and benchmarks). */
export interface Limits {
  readonly enabled: boolean
  readonly overrides: Readonly<Record<string, LimitOverride>>
}

export interface LimitOverride {
  readonly max: number
  readonly windowSeconds: number
}

const Overrides = Type.Record(
  Type.String({ pattern: '^[a-z][A-Za-z0-9]*$' }),
  Type.Object(
    { max: Type.Integer({ minimum: 1 }), windowSeconds: Type.Integer({ minimum: 1 }) },
    { additionalProperties: false },
  ),
  { additionalProperties: false },
)

export const standardLimits: Limits = { enabled: true, overrides: {} }

export const limits: Reading<Limits> = {
  parse: (text) => {
    if (text === 'on') return standardLimits
    if (text === 'off') return { enabled: false, overrides: {} }
    const overrides = parseJson(text)
    if (Value.Check(Overrides, overrides)) return { enabled: true, overrides }
    throw new Error('must be on, off, or JSON of the limits that differ')
  },
  example: `'{"money": {"max": 50, "windowSeconds": 60}}'`,
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
