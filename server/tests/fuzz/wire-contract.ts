import type { Market } from '#tests/crash/market'

export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: JsonSchema
}

/** One operation of the running server, as it describes itself. */
export interface Operation {
  readonly method: string
  /** With `{name}` where a parameter goes. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body: JsonSchema | null
  /** Status → what its JSON must satisfy. */
  readonly responses: ReadonlyMap<number, JsonSchema>
}

interface Described {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: JsonSchema }>> }>>
}

const JSON_TYPE = 'application/json'

/** Everything `/openapi.json` lists, but the reference pages. */
export async function operationsOf({ insist }: Pick<Market, 'insist'>): Promise<Operation[]> {
  const { status, body } = await insist({ method: 'GET', path: '/openapi.json' })
  if (status !== 200) throw new Error(`no /openapi.json: ${status}`)
  const paths = Object.entries(body.paths as Record<string, Record<string, Described>>)
  return paths
    .filter(([path]) => !path.startsWith('/docs'))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, told]) => operation(method, path, told)))
}

function operation(method: string, path: string, { parameters = [], requestBody, responses }: Described): Operation {
  const declared = Object.entries(responses).flatMap(([status, { content }]): [number, JsonSchema][] => {
    const schema = content?.[JSON_TYPE]?.schema
    return schema && /^\d+$/.test(status) ? [[Number(status), schema]] : []
  })
  const body = requestBody?.content[JSON_TYPE]?.schema ?? null
  return { method: method.toUpperCase(), path, parameters, body, responses: new Map(declared) }
}
