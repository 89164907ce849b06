import { dereference } from '@cfworker/json-schema'
import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fault, MAX_FAULTS, type SchemaFault } from './fault.ts'
import { type Draft, draftOf, prepareSchema } from './linear.ts'
import { escapeStep, isObject, measure, rewriteSchema, type SchemaObject } from './walk.ts'

const MAX_BYTES = 64 * 1024
const MAX_DEPTH = 32
/** Reading a schema takes a few µs a value, on the event loop. */
const MAX_VALUES = 5000

/** The validator's own marks, and the key that could change an object's prototype. */
const FORBIDDEN_KEYS = ['__proto__', '__absolute_uri__', '__absolute_ref__', '__absolute_recursive_ref__']

/** References that depend on how the validator came here; ours does not follow them. */
const DYNAMIC = ['$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor']

/**
 * What is wrong with a stranger's schema at the moment it is saved; empty when it may be kept. An object of at most
 * 64 kB, 32 levels and 5,000 values, of draft-07, 2019-09 or 2020-12, valid by that draft, whose `$ref`s stay inside it
 * (D-31, JP-40).
 */
export function checkSchema(schema: unknown): SchemaFault[] {
  if (!isObject(schema)) return [fault('', 'a schema must be a JSON object')]
  const { values, depth } = measure(schema, MAX_VALUES)
  if (depth > MAX_DEPTH) return [fault('', `a schema may be nested ${MAX_DEPTH} levels deep at most`)]
  if (values > MAX_VALUES) return [fault('', `a schema may hold ${MAX_VALUES} values at most`)]
  if (bytesOf(schema) > MAX_BYTES) return [fault('', `a schema may be ${MAX_BYTES} bytes at most`)]
  const forbidden = forbiddenKeys(schema, '')
  if (forbidden.length > 0) return forbidden
  const draft = draftOf(schema)
  if (!draft)
    return [fault('/$schema', 'must be draft-07, draft 2019-09 or draft 2020-12 of json-schema.org, or absent')]
  const stages = [() => metaschemaFaults(schema, draft), () => keywordFaults(schema), () => danglingRefs(schema)]
  for (const stage of stages) {
    const faults = stage()
    if (faults.length > 0) return faults.slice(0, MAX_FAULTS)
  }
  return []
}

/** Infinity for what JSON cannot say. */
function bytesOf(schema: SchemaObject): number {
  try {
    return Buffer.byteLength(JSON.stringify(schema))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function forbiddenKeys(value: unknown, path: string): SchemaFault[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = `${path}/${escapeStep(key)}`
    return FORBIDDEN_KEYS.includes(key) ? [fault(at, 'is not a key we take')] : forbiddenKeys(inner, at)
  })
}

/** Compiles the drafts' own metaschemas, once and only when asked; never a stranger's schema. */
const OPTIONS = { strict: false, validateFormats: false, logger: false, addUsedSchema: false } as const
const METASCHEMAS: Readonly<Record<Draft, () => Ajv | Ajv2019 | Ajv2020>> = {
  '7': once(() => new Ajv(OPTIONS)),
  '2019-09': once(() => new Ajv2019(OPTIONS)),
  '2020-12': once(() => new Ajv2020(OPTIONS)),
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

function metaschemaFaults(schema: SchemaObject, draft: Draft): SchemaFault[] {
  const ajv = METASCHEMAS[draft]()
  // Without `$schema` Ajv takes the class's own draft, which is the one we mean.
  const { $schema: _dialect, ...rest } = schema
  if (ajv.validateSchema(rest)) return []
  return (ajv.errors ?? []).map(({ instancePath, message }) => fault(instancePath, message ?? 'is not valid'))
}

function keywordFaults(schema: SchemaObject): SchemaFault[] {
  const faults: SchemaFault[] = []
  rewriteSchema(schema, (object, path) => {
    const ref = object['$ref']
    const patterns = [
      object['pattern'],
      ...Object.keys(isObject(object['patternProperties']) ? object['patternProperties'] : {}),
    ]
    if (ref !== undefined && !String(ref).startsWith('#'))
      faults.push(fault(`${path}/$ref`, 'must point into this schema (#…)'))
    if (path !== '' && object['$id'] !== undefined) faults.push(fault(`${path}/$id`, 'is allowed at the top only'))
    for (const keyword of DYNAMIC) {
      if (object[keyword] !== undefined) faults.push(fault(`${path}/${keyword}`, 'is not supported; use $ref'))
    }
    for (const pattern of patterns) {
      if (typeof pattern === 'string' && !isPattern(pattern))
        faults.push(fault(path, `not a regular expression: ${pattern}`))
    }
    return object
  })
  return faults
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u')
    return true
  } catch {
    return false
  }
}

/** Asks the validator's own table of places, so that what passes here is found there. */
function danglingRefs(schema: SchemaObject): SchemaFault[] {
  try {
    const places = dereference(JSON.parse(prepareSchema(schema).json))
    const used = Object.values(places).filter((place) => typeof place === 'object' && typeof place.$ref === 'string')
    const dangling = used.filter((place) => typeof place === 'object' && !(`${place.__absolute_ref__}` in places))
    return dangling.map((place) => fault('', `$ref ${(place as { $ref: string }).$ref} points to nothing`))
  } catch (error) {
    return [fault('', `its references cannot be read: ${(error as Error).message}`)]
  }
}
