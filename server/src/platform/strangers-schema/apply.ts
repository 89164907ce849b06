import { type OutputUnit, Validator } from '@cfworker/json-schema'
import { fault, MAX_FAULTS, type SchemaFault } from './fault.ts'
import type { PreparedSchema } from './linear.ts'

export type Check = (value: unknown) => SchemaFault[]

/** Interprets the schema (D-31: no code is made of strangers' text). The result never throws. */
export function checkOf({ json, draft }: PreparedSchema): Check {
  const validator = new Validator(JSON.parse(json), draft, false)
  return (value) => {
    try {
      const result = validator.validate(value)
      return result.valid ? [] : faultsOf(result.errors)
    } catch (error) {
      return [fault('', `the schema cannot be applied to this value (${(error as Error).name})`)]
    }
  }
}

/** These only say that something inside them is wrong, which is said too. */
const WRAPPERS = new Set([
  ...['properties', 'additionalProperties', 'patternProperties', 'propertyNames', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'allOf', 'if', '$ref', 'dependentSchemas'],
])

function faultsOf(errors: readonly OutputUnit[]): SchemaFault[] {
  const faults: SchemaFault[] = []
  for (const { keyword, instanceLocation, error } of errors) {
    if (faults.length === MAX_FAULTS) break
    if (WRAPPERS.has(keyword)) continue
    // `#/a%20b` → `/a b`
    const path = decodeURIComponent(instanceLocation.slice(1))
    faults.push(fault(path, keyword === 'false' ? 'is not allowed here' : error))
  }
  return faults.length > 0 ? faults : [fault('', 'does not match the schema')]
}
