/** Deeper than this nobody's input is; what refers to itself ends here. */
const MAX_DEPTH = 8
const MAX_CHARS = 200
const MAX_ITEMS = 5

type Schema = Readonly<Record<string, unknown>>

/** The smallest thing that a JSON Schema seems to ask for. A guess: whoever shows it must check it against the schema. */
export function exampleOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return {}
  const given = schema as Schema
  const [example] = [given['examples'], given['enum']].flatMap((list) => (Array.isArray(list) ? [list[0]] : []))
  const said = given['example'] ?? given['const'] ?? given['default'] ?? example
  if (said !== undefined) return said
  const branches = given['anyOf'] ?? given['oneOf']
  if (Array.isArray(branches) && given['type'] === undefined) return exampleOf(branches[0], depth + 1)
  return ofType(typeOf(given), given, depth)
}

function typeOf({ type, properties, items }: Schema): unknown {
  if (Array.isArray(type)) return type.find((each) => each !== 'null') ?? 'null'
  return type ?? (properties === undefined && items !== undefined ? 'array' : 'object')
}

function ofType(type: unknown, schema: Schema, depth: number): unknown {
  if (type === 'string') return textOf(schema)
  if (type === 'integer' || type === 'number') return numberOf(schema)
  if (type === 'boolean') return false
  if (type === 'null') return null
  if (type === 'array') {
    const length = Math.min(wholeOf(schema['minItems']), MAX_ITEMS)
    return Array.from({ length }, () => exampleOf(schema['items'], depth + 1))
  }
  const properties = (schema['properties'] ?? {}) as Schema
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const named = required.filter((name) => typeof name === 'string')
  return Object.fromEntries(
    named.map((name) => [name, exampleOf(Object.hasOwn(properties, name) ? properties[name] : {}, depth + 1)]),
  )
}

const OF_FORMAT: Readonly<Record<string, string>> = {
  uri: 'https://example.com/',
  url: 'https://example.com/',
  email: 'agent@example.com',
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  uuid: '01890000-0000-7000-8000-000000000000',
}

function textOf({ format, minLength }: Schema): string {
  const formed = typeof format === 'string' && Object.hasOwn(OF_FORMAT, format) ? OF_FORMAT[format] : undefined
  return formed ?? 'x'.repeat(Math.min(Math.max(wholeOf(minLength), 1), MAX_CHARS))
}

function numberOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): number {
  if (typeof minimum === 'number') return minimum
  if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1
  if (typeof maximum === 'number') return Math.min(maximum, 1)
  return typeof exclusiveMaximum === 'number' ? Math.min(exclusiveMaximum - 1, 1) : 1
}

function wholeOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0
}
