// Writes the SDK's types from the description of the wire. Our own instead of openapi-typescript, which needs the API that
// TypeScript 7 no longer has; the routes use a small part of JSON Schema, and whatever is new to it is said out loud.

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema of any shape
type Schema = any

interface Operation {
  readonly summary?: string
  readonly parameters?: readonly {
    name: string
    in: string
    required?: boolean
    schema: Schema
    description?: string
  }[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const JSON_TYPE = 'application/json'
/** What a value may be, beyond its type, is the server's to say. */
const BOUNDS = [
  ...['format', 'pattern', 'default', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum'],
  ...['exclusiveMaximum', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties', 'examples', 'title'],
]
const SHAPES = [
  'type',
  'description',
  'properties',
  'required',
  'items',
  'enum',
  'const',
  'anyOf',
  'additionalProperties',
]
const KNOWN = new Set([...BOUNDS, ...SHAPES])

/** A TypeScript file: `paths`, as openapi-fetch reads it, and `Problem`, which every refusal is. */
export function wireTypes({ paths }: OpenApi): string {
  const entries = Object.entries(paths).map(
    ([path, methods]) =>
      `  '${path}': {\n${Object.entries(methods)
        .map(([method, each]) => operationOf(method, each))
        .join('')}  }\n`,
  )
  return `// Made from server/openapi.json: UPDATE_OPENAPI=1 npm test -- server/tests/openapi.test.ts

/** What every refusal looks like. */
export type Problem = ${typeOf(problemIn(paths), '')}

interface Refused {
  content: { '${JSON_TYPE}': Problem }
}

/** Every route of the market. */
export interface paths {
${entries.join('')}}
`
}

function problemIn(paths: OpenApi['paths']): Schema {
  const all = Object.values(paths).flatMap((methods) => Object.values(methods))
  const texts = new Set(all.map(({ responses }) => JSON.stringify(responses?.['4XX']?.content?.[JSON_TYPE]?.schema)))
  const [text, ...others] = texts
  if (text === undefined || others.length > 0) throw new Error('refusals have more than one shape')
  return JSON.parse(text)
}

function operationOf(method: string, { summary, parameters = [], requestBody, responses = {} }: Operation): string {
  const places = ['query', 'header', 'path', 'cookie'].map((place) => {
    const named = parameters.filter((each) => each.in === place)
    if (named.length === 0) return `        ${place}?: never\n`
    const isOptional = named.every(({ required }) => !required)
    const schema = {
      type: 'object',
      properties: Object.fromEntries(
        named.map((each) => [each.name, { description: each.description, ...each.schema }]),
      ),
      required: named.filter(({ required }) => required).map(({ name }) => name),
    }
    return `        ${place}${isOptional ? '?' : ''}: ${typeOf(schema, '        ')}\n`
  })
  const body = requestBody
    ? `      requestBody${requestBody.required ? '' : '?'}: ${contentOf(requestBody.content, '      ')}\n`
    : '      requestBody?: never\n'
  return (
    `${docOf(summary, '    ')}    ${method}: {\n      parameters: {\n${places.join('')}      }\n${body}` +
    `      responses: {\n${answersOf(responses)}        '4XX': Refused\n        '5XX': Refused\n      }\n    }\n`
  )
}

/** Sellers' answers are of every kind, so a route that describes none may answer anything. */
function answersOf(responses: NonNullable<Operation['responses']>): string {
  const described = Object.entries(responses).filter(([status]) => /^\d+$/.test(status))
  if (described.length === 0) return `        200: { content: { '${JSON_TYPE}': unknown } }\n`
  return described
    .map(([status, { content }]) =>
      content === undefined
        ? `        ${status}: { content?: never }\n`
        : `        ${status}: ${contentOf(content, '        ')}\n`,
    )
    .join('')
}

function contentOf(content: Content, indent: string): string {
  const kinds = Object.entries(content).map(([kind, { schema }]) => `'${kind}': ${typeOf(schema, indent)}`)
  return `{ content: { ${kinds.join('; ')} } }`
}

function typeOf(schema: Schema, indent: string): string {
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword))
  if (unknown.length > 0) throw new Error(`tools/sdk/wire-types.ts does not know ${unknown} yet`)
  const { type, anyOf, items } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return union(schema.enum.map((value: unknown) => JSON.stringify(value)))
  if (anyOf) return union(anyOf.map((each: Schema) => typeOf(each, indent)))
  if (Array.isArray(type)) return union(type.map((each) => typeOf({ ...schema, type: each }, indent)))
  if (type === 'array') return items === undefined ? 'unknown[]' : `(${typeOf(items, indent)})[]`
  if (type === 'object') return objectOf(schema, indent)
  if (type === 'integer') return 'number'
  return type ?? 'unknown'
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ')
}

function objectOf({ properties = {}, required = [], additionalProperties: more }: Schema, indent: string): string {
  const deeper = `${indent}  `
  const members = Object.entries<Schema>(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
    const mark = required.includes(name) ? '' : '?'
    return `${docOf(schema.description, deeper)}${deeper}${key}${mark}: ${typeOf(schema, deeper)}\n`
  })
  if (members.length === 0) return `Record<string, ${typeof more === 'object' ? typeOf(more, indent) : 'unknown'}>`
  const rest = more === true || typeof more === 'object' ? `${deeper}[name: string]: unknown\n` : ''
  return `{\n${members.join('')}${rest}${indent}}`
}

function docOf(text: string | undefined, indent: string): string {
  return text ? `${indent}/** ${text.replaceAll('*/', '*\\/').replaceAll('\n', ' ')} */\n` : ''
}
