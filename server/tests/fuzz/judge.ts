import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Reply } from '#tests/crash/wire'
import type { FuzzedAsk } from './requests.ts'
import type { JsonSchema, Operation } from './wire-contract.ts'

const DOCUMENTED = [400, 401, 403, 404, 409, 413, 415, 422, 429]
/** The ways to say "not now" while the chain lives: the chain is slow, somebody else is at it, or a seller is not ready. */
const NOT_NOW = [
  ...['chain_unreachable', 'sandbox_chain', 'unavailable'],
  ...['chain_silent', 'settlement_unknown', 'still_working', 'seller_without_wallet'],
  ...['provider_without_wallet', 'settlement_under_way'],
]
/** Whose fault it is when somebody we asked for a buyer fails. */
const SELLERS_FAULT = 'seller_failed'

/** What only ever comes from inside: stacks, paths, SQL, connection strings. */
const INSIDES: readonly RegExp[] = [
  /\n\s+at [\w.<>[\] ]+ ?\(?[^\s)]+:\d+:\d+\)?/,
  /node_modules|node:internal|file:\/\/\/|\/server\/src\//,
  /postgres(ql)?:\/\//,
  /syntax error at or near|invalid input syntax|violates \w+[ -]\w+ constraint|duplicate key value|relation "|out of range for type/,
  /ECONNREFUSED|ENOENT|EACCES/,
  /\b(TypeError|RangeError|ReferenceError|SyntaxError): /,
]

/** A public catch-all shows what was sent to it, keys and all; it exists in the sandbox only. */
const SHOWS_WHAT_IT_WAS_SENT = '/sandbox/webhooks'

export interface Judge {
  /** What is wrong with an answer; empty when nothing is. */
  faultsOf(ask: FuzzedAsk, reply: Reply): string[]
}

/** Judges answers by what the server documents, and by what nobody may ever see. */
export function openJudge(secrets: readonly string[]): Judge {
  const compiled = new Map<JsonSchema, ValidateFunction>()
  const ajv = new Ajv2020({ strict: false, allErrors: false })
  addFormats.default(ajv)
  const validatorOf = (schema: JsonSchema): ValidateFunction => {
    const known = compiled.get(schema) ?? ajv.compile(schema)
    compiled.set(schema, known)
    return known
  }
  const notAsDeclared = ({ operation, method }: FuzzedAsk, { status, body, text, headers }: Reply): string[] => {
    if (method !== operation.method) return []
    const isJson = String(headers['content-type']).includes('json')
    if (isJson && body === undefined) return [`says it is JSON and is not: ${text.slice(0, 300)}`]
    const schema = operation.responses.get(status)
    if (!schema) return isDeclared(operation) ? [`status ${status} is not declared`] : []
    const validate = validatorOf(schema)
    return validate(body) ? [] : [`not as declared: ${ajv.errorsText(validate.errors)}: ${text.slice(0, 300)}`]
  }
  return {
    faultsOf: (ask, reply) => [
      ...leaks(ask, reply, secrets),
      ...(reply.status >= 500 ? broken(reply) : []),
      ...(reply.status >= 400 && reply.status < 500 ? unhelpful(ask, reply) : []),
      ...(reply.status >= 200 && reply.status < 300 ? notAsDeclared(ask, reply) : []),
      ...(reply.status >= 300 && reply.status < 400 ? [`an unexpected ${reply.status}`] : []),
    ],
  }
}

/** Some answers are no JSON, and say nothing of their shape. */
function isDeclared({ responses }: Operation): boolean {
  return [...responses.keys()].some((status) => status < 300)
}

function leaks({ path }: FuzzedAsk, { text }: Reply, secrets: readonly string[]): string[] {
  const seen = INSIDES.filter((inside) => inside.test(text)).map(
    (inside) => `shows insides (${inside.source}): ${text.slice(0, 400)}`,
  )
  const hidden = path.startsWith(SHOWS_WHAT_IT_WAS_SENT) ? [] : secrets.filter((secret) => text.includes(secret))
  return [...seen, ...hidden.map((secret) => `shows the secret ${secret.slice(0, 6)}…: ${text.slice(0, 400)}`)]
}

function broken({ status, body, text }: Reply): string[] {
  if (status === 503 && NOT_NOW.includes(body?.code)) return []
  if (status === 502 && body?.code === SELLERS_FAULT) return []
  return [`answered ${status}: ${text.slice(0, 400)}`]
}

/** D-6 of every contract: a sentence, a code and a remedy, whatever was wrong. */
function unhelpful({ method }: FuzzedAsk, { status, body, text, headers }: Reply): string[] {
  // What it costs is the remedy, in the words of x402.
  if (status === 402 && headers['payment-required'] !== undefined) return []
  if (!DOCUMENTED.includes(status)) return [`status ${status} is documented nowhere: ${text.slice(0, 300)}`]
  if (method === 'HEAD') return []
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
  if (!body || !isText(body.error) || !isText(body.fix) || !/^[a-z][a-z0-9_]*$/.test(body.code))
    return [`no {error, code, fix}: ${status} ${text.slice(0, 300)}`]
  return body.status === status ? [] : [`the body says ${body.status}, the status line ${status}`]
}
