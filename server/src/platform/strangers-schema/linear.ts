import { format as formats } from '@cfworker/json-schema'
import { rewriteSchema, type SchemaObject } from './walk.ts'

export type Draft = '7' | '2019-09' | '2020-12'

/** A checked schema, stripped to what validation reads. Text, as that is what a thread is handed fastest. */
export interface PreparedSchema {
  readonly draft: Draft
  readonly json: string
  /**
   * Whether checking a value costs at most its size times the schema's: then the event loop may do it (see
   * `isCheap`). Without `$ref` a schema is a tree, so each value meets each subschema once at most, combinators
   * included; what remains dangerous is named in `COSTLY`.
   */
  readonly isLinear: boolean
}

const DRAFTS: Readonly<Record<string, Draft>> = {
  'http://json-schema.org/draft-07/schema': '7',
  'https://json-schema.org/draft/2019-09/schema': '2019-09',
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
}

/** Without `$schema` a schema is draft 2020-12, as in MCP and OpenAPI 3.1. Undefined for a dialect we do not know. */
export function draftOf(schema: SchemaObject): Draft | undefined {
  const dialect = schema['$schema']
  if (dialect === undefined) return '2020-12'
  if (typeof dialect !== 'string') return undefined
  const uri = dialect
    .replace(/#$/, '')
    .replace(/^https:\/\/json-schema.org\/draft-07/, 'http://json-schema.org/draft-07')
  return Object.hasOwn(DRAFTS, uri) ? DRAFTS[uri] : undefined
}

/** Backtracking, re-visiting, comparing everything with everything, and copying marks from branch to branch. */
const COSTLY = ['pattern', 'patternProperties', '$ref', 'uniqueItems', 'unevaluatedProperties', 'unevaluatedItems']

/** Formats whose check was read to be linear in the text; the others wait in a worker. */
const LINEAR_FORMATS = new Set([
  'date',
  'time',
  'date-time',
  'duration',
  'uuid',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
])

/** Not read by validation, or (`$id`) changing what a local `$ref` means to the validator. */
const NOT_READ = new Set(['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'])

/** Only for a schema that `checkSchema` has passed. */
export function prepareSchema(source: SchemaObject): PreparedSchema {
  let isLinear = true
  const schema = rewriteSchema(source, (object) => {
    const kept = Object.fromEntries(Object.entries(object).filter(([key, value]) => isRead(key, value)))
    const format = kept['format']
    if (COSTLY.some((keyword) => kept[keyword] !== undefined && kept[keyword] !== false)) isLinear = false
    if (typeof format === 'string' && !LINEAR_FORMATS.has(format)) isLinear = false
    return kept
  })
  return { draft: draftOf(source) ?? '2020-12', json: JSON.stringify(schema), isLinear }
}

/** `id` as text is draft 4's `$id`, which the validator still heeds; unknown formats must not reach its table. */
function isRead(key: string, value: unknown): boolean {
  if (key === 'id') return typeof value !== 'string'
  if (key === 'format') return typeof value === 'string' && Object.hasOwn(formats, value)
  return !NOT_READ.has(key)
}
