import { Ajv, type AnySchema } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseJsonStrict } from '#platform/json-body'

const INTEGER = /^-?(0|[1-9]\d{0,15})$/
const DECIMAL = /^-?(0|[1-9]\d{0,15})(\.\d{1,15})?$/

/** Nothing is coerced and nothing is silently dropped where a body may move money (D-30). */
export function validateStrictly(app: FastifyInstance): void {
  const ajv = new Ajv({
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
    allErrors: true,
    strict: false,
  })
  addFormats.default(ajv)
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const validate = ajv.compile(schema as AnySchema)
    const fromText = httpPart === 'body' ? (data: unknown) => data : textReader(schema as ObjectSchema)
    return (data: unknown) => {
      const value = fromText(data)
      return validate(value)
        ? { value }
        : { error: Object.assign(new Error('invalid'), { validation: validate.errors }) as never }
    }
  })
  app.setSchemaErrorFormatter((errors, context) =>
    Object.assign(new Error('invalid'), { statusCode: 400, validation: errors, validationContext: context }),
  )
}

/** Strict JSON in, whatever its charset says; an empty body is no body. */
export function readJsonStrictly(app: FastifyInstance): void {
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    body.length === 0 ? undefined : parseJsonStrict(body),
  )
}

/** Before validation, on a route whose body may be left out entirely. */
export async function bodyOptional(request: FastifyRequest): Promise<void> {
  request.body ??= {}
}

interface ObjectSchema {
  readonly properties?: Record<string, { readonly type?: string }>
}

/** Query strings and path parameters are text; only text that plainly is a number becomes one. */
function textReader(schema: ObjectSchema): (data: unknown) => unknown {
  const typed = Object.entries(schema.properties ?? {}).filter(([, { type }]) => type && type !== 'string')
  return (data) => {
    const value: Record<string, unknown> = { ...(data as Record<string, unknown>) }
    for (const [name, { type }] of typed) {
      const text = value[name]
      if (typeof text !== 'string') continue
      if (type === 'integer' && INTEGER.test(text)) value[name] = Number(text)
      if (type === 'number' && DECIMAL.test(text)) value[name] = Number(text)
      if (type === 'boolean' && (text === 'true' || text === 'false')) value[name] = text === 'true'
    }
    return value
  }
}
