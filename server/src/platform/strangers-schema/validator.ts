import { hash } from 'node:crypto'
import { type Check, checkOf } from './apply.ts'
import { checkSchema } from './check-schema.ts'
import { fault, type SchemaFault } from './fault.ts'
import { type PreparedSchema, prepareSchema } from './linear.ts'
import { createPool, type Pool } from './pool.ts'
import { measure, type SchemaObject } from './walk.ts'

export interface SchemaValidatorOptions {
  /** How long one check may take in a worker. */
  readonly timeMs?: number
  /** Workers kept once they were needed, and at most. */
  readonly workers?: number
  readonly maxWorkers?: number
  readonly maxWaiting?: number
}

export interface SchemaValidator {
  /**
   * What is wrong with `value` by a stranger's schema, at most 20 faults; empty when it is valid. A schema that
   * `checkSchema` refuses, or that takes too long, is a fault of path `''`. Throws the refusal `schema_checks_busy`.
   */
  validate(schema: unknown, value: unknown): Promise<SchemaFault[]>
  close(): Promise<void>
}

/** Values of the value times characters of the schema: at most this is done on the event loop (10 ms at worst). */
const MAX_WORK_HERE = 50_000
const MAX_REMEMBERED = 256

/** A schema's verdict, remembered by its text. */
interface Known {
  readonly faults: readonly SchemaFault[]
  readonly prepared?: PreparedSchema
  /** Only for linear schemas. */
  readonly check?: Check
}

export function createSchemaValidator(options: SchemaValidatorOptions = {}): SchemaValidator {
  const { timeMs = 250, workers = 1, maxWorkers = 2, maxWaiting = 64 } = options
  const pool = createPool({ timeMs, workers, maxWorkers, maxWaiting })
  const known = new Map<string, Known>()
  return {
    validate: async (schema, value) => validate({ known, pool }, schema, value),
    close: () => pool.close(),
  }
}

async function validate(
  { known, pool }: { known: Map<string, Known>; pool: Pool },
  schema: unknown,
  value: unknown,
): Promise<SchemaFault[]> {
  const { faults, prepared, check } = recall(known, schema)
  if (!prepared) return [...faults]
  if (value === undefined) return [fault('', 'there is no value')]
  if (check && isCheap(prepared, value)) return check(value)
  const text = jsonOf(value)
  return text === undefined ? [fault('', 'the value is not JSON')] : pool.run({ schema: prepared, value: text })
}

function isCheap({ json }: PreparedSchema, value: unknown): boolean {
  const limit = MAX_WORK_HERE / json.length
  return measure(value, limit).values <= limit
}

function recall(known: Map<string, Known>, schema: unknown): Known {
  const key = keyOf(schema)
  if (key === undefined) return { faults: refused(checkSchema(schema)) }
  const found = known.get(key) ?? study(schema)
  // Last used, last in the map's order.
  known.delete(key)
  known.set(key, found)
  if (known.size > MAX_REMEMBERED) known.delete(known.keys().next().value as string)
  return found
}

/** Schemas come fresh from the database each time, so they are known by their text. Undefined when there is none. */
function keyOf(schema: unknown): string | undefined {
  const text = jsonOf(schema)
  return text === undefined ? undefined : hash('sha256', text, 'base64')
}

/** Undefined for what JSON cannot say. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function study(schema: unknown): Known {
  const faults = checkSchema(schema)
  if (faults.length > 0) return { faults: refused(faults) }
  const prepared = prepareSchema(schema as SchemaObject)
  return prepared.isLinear ? { faults, prepared, check: checkOf(prepared) } : { faults, prepared }
}

function refused(faults: readonly SchemaFault[]): SchemaFault[] {
  return faults.map(({ path, message }) => fault('', `the schema itself is not acceptable: ${path} ${message}`))
}
