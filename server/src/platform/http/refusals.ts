import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, type RefusalKind } from '#kernel/refusal'
import { UnknownOutcome } from '#platform/db/outcome'
import { httpRefusals } from './errors.ts'

/** JP-171's statuses; a face with another contract brings its own table. */
const STATUS: Record<RefusalKind, number> = {
  invalid: 400,
  unfunded: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  unprocessable: 422,
  limited: 429,
  unsupported: 501,
  upstream: 502,
  unknown: 503,
}

const TITLES: Record<number, string> = {
  400: 'The request cannot be understood',
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict with the present state',
  413: 'Too large',
  415: 'Wrong content type',
  422: 'Cannot be processed',
  429: 'Too many requests',
  500: 'Something broke on our side',
  501: 'Not done here',
  502: 'Somebody we asked failed',
  503: 'Not available right now',
}

const RETRY_AFTER_SECONDS = 1

interface Problem {
  readonly status: number
  readonly error: string
  readonly code: string
  readonly fix: string
  readonly extras?: Record<string, unknown>
}

/** Every error leaves as RFC 9457 problem details with `error` (the sentence), `code`, `fix` and `request_id` beside. */
export function sendRefusals(app: FastifyInstance, publicUrl: string): void {
  const send = createSender(publicUrl)
  app.setErrorHandler((error: FastifyError, request, reply) => send(request, reply, problemOf(error, request)))
  app.setNotFoundHandler((request, reply) => send(request, reply, nothingAt(request)))
}

/** A path that cannot even be looked for is refused before any handler of errors is asked; Fastify takes this as an option. */
export function refusePaths(publicUrl: string): FrameworkErrors {
  const send = createSender(publicUrl)
  return (error, request, reply) => {
    const isTooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH'
    void send(request, reply, isTooLong ? nothingAt(request) : problemOf(error, request))
  }
}

type FrameworkErrors = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void

function createSender(publicUrl: string) {
  return (request: FastifyRequest, reply: FastifyReply, problem: Problem) => {
    const { status, code, fix, extras } = problem
    // Fastify refuses some requests before it knows their route.
    const error = request.routeOptions?.config?.rules?.words?.[code] ?? problem.error
    if ((status === 503 || code === 'busy') && !reply.hasHeader('retry-after'))
      reply.header('retry-after', RETRY_AFTER_SECONDS)
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    const contentType = request.headers.accept?.includes('application/problem+json')
      ? 'application/problem+json'
      : 'application/json'
    const first = { error, code, fix }
    const rest = { status, title: TITLES[status] ?? 'Refused', detail: error, request_id: request.id }
    // What mends the request is read first; no detail may stand in the place of the standard's members.
    const body = { ...first, ...extras, ...first, ...rest, type: `${publicUrl}/refusals#${code}` }
    return reply
      .code(status)
      .header('content-type', `${contentType}; charset=utf-8`)
      .serializer(JSON.stringify)
      .send(body)
  }
}

function nothingAt({ method, url }: FastifyRequest): Problem {
  return ofRefusal(httpRefusals.no_such_path({ method, path: url.split('?', 1)[0] ?? '' }))
}

function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof Refusal) return ofRefusal(error)
  if (error instanceof UnknownOutcome) {
    request.log.error({ err: error }, 'the outcome of a commit is unknown')
    return ofRefusal(httpRefusals.outcome_unknown())
  }
  if (error.validation) return ofValidation(error)
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return { status, error: error.message, code: codeOf(error), fix: fixOf(status) }
  request.log.error({ err: error }, 'a request failed')
  return {
    status: 500,
    error: 'Something broke on our side',
    code: 'internal',
    fix: 'Send the request again; if it keeps failing, tell the operator the request_id.',
  }
}

function ofRefusal(refusal: Refusal): Problem {
  return {
    status: STATUS[refusal.kind],
    error: refusal.message,
    code: refusal.code,
    fix: refusal.fix,
    extras: refusal.details,
  }
}

interface ValidationFault {
  readonly instancePath?: string
  readonly message?: string
  readonly params?: Record<string, unknown>
}

/** Names every field at fault: an agent mends its request from this text alone. */
function ofValidation(error: FastifyError): Problem {
  const where = error.validationContext ?? 'body'
  const found = (error.validation as ValidationFault[]).slice(0, 20)
  const faults = found.map((fault) => {
    const path = `${where}${(fault.instancePath ?? '').replaceAll('/', '.')}`
    const extra = fault.params?.['additionalProperty']
    if (typeof extra === 'string') return `${path} has an unknown field "${extra}"`
    const allowed = fault.params?.['allowedValues']
    return `${path} ${fault.message ?? 'is invalid'}${Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''}`
  })
  const refusal = httpRefusals.invalid_request({ message: faults[0] ?? error.message })
  const details = found.map((fault) => detailOf(fault, where))
  return { ...ofRefusal(refusal), extras: { errors: faults, details } }
}

/** `path: message`, with the path as it stands in the body and nothing before it (PA-63). */
function detailOf({ instancePath = '', message, params }: ValidationFault, where: string): string {
  const [missing, extra] = [params?.['missingProperty'], params?.['additionalProperty']]
  const last = missing ?? extra
  const path = [...instancePath.split('/').slice(1), ...(typeof last === 'string' ? [last] : [])].join('.') || where
  if (typeof missing === 'string') return `${path}: is required`
  return typeof extra === 'string' ? `${path}: is not known here` : `${path}: ${message ?? 'is invalid'}`
}

function codeOf(error: FastifyError): string {
  return (error.code ?? 'invalid_request').replace(/^FST_ERR_(CTP_)?/, '').toLowerCase()
}

function fixOf(status: number): string {
  if (status === 413) return 'Send a smaller body.'
  if (status === 415) return 'Send the header "content-type: application/json" and a JSON body.'
  return 'Mend the request and send it again.'
}
