import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as startRequest } from 'node:http'
import { Refusal } from '#kernel/refusal'
import { outboundRefusals } from './errors.ts'
import { dialPinned, type Pin } from './pinned-dial.ts'

export interface OutboundRequest {
  readonly url: string
  /** Default GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** Headers about the connection itself (Host, Content-Length, …) are ours and are left out. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Whole exchange: DNS, connection, TLS, headers and body. */
  readonly timeoutMs?: number
  readonly maxResponseBytes?: number
}

export interface OutboundAnswer {
  readonly status: number
  /** Lower-case names; repeated headers joined by `, `. No prototype, as the names are a stranger's. */
  readonly headers: Readonly<Record<string, string>>
  /** As sent: nothing is decompressed, so nothing can swell. */
  readonly body: Buffer
  readonly durationMs: number
}

type Answer = Omit<OutboundAnswer, 'durationMs'>

interface Exchange extends Pin {
  readonly request: OutboundRequest
  readonly timeoutMs: number
  readonly maxResponseBytes: number
}

const OURS = /^(host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i
const MAX_HEADER_BYTES = 16 * 1024

/**
 * One request on one fresh connection. Connections are not kept: a kept one may die just as a request is written, and
 * then nobody knows whether a paid call was made.
 */
export async function exchange(order: Exchange): Promise<Answer> {
  const progress = { connected: false }
  const call = openRequest(order, progress)
  try {
    return await collect(call, order)
  } catch (error) {
    throw refusalFor(error, order, progress.connected)
  } finally {
    call.destroy()
  }
}

/** With `createConnection` and no agent, Node neither pools nor looks at proxies. */
function openRequest(order: Exchange, progress: { connected: boolean }): ClientRequest {
  const { url } = order.target
  return startRequest({
    method: order.request.method ?? 'GET',
    path: url.pathname + url.search,
    headers: requestHeaders(order),
    maxHeaderSize: MAX_HEADER_BYTES,
    createConnection: (_options, onCreate) => {
      dialPinned(order, (error, socket) => {
        progress.connected = error === null
        // Without an error there is a socket, and with one Node looks at the error only.
        onCreate(error, socket as NonNullable<typeof socket>)
      })
      return undefined
    },
  })
}

function requestHeaders({ request, target }: Exchange): Record<string, string | number> {
  const kept = Object.entries(request.headers ?? {}).filter(([name]) => !OURS.test(name))
  const length = request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }
  return { 'user-agent': 'Souk', ...Object.fromEntries(kept), ...length, host: target.url.host, connection: 'close' }
}

function collect(call: ClientRequest, { request, maxResponseBytes }: Exchange): Promise<Answer> {
  return new Promise((done, fail) => {
    call.on('error', fail)
    call.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', fail)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxResponseBytes) fail(new TooLarge())
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const status = response.statusCode ?? 0
        done({ status, headers: plainHeaders(response.headers), body: Buffer.concat(chunks) })
      })
    })
    call.end(request.body)
  })
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}

class TooLarge extends Error {}

function refusalFor(error: unknown, order: Exchange, connected: boolean): unknown {
  const { timeoutMs, maxResponseBytes } = order
  const { host } = order.target
  if (error instanceof Refusal) return error
  if (order.signal.aborted) return order.signal.reason
  const reason = reasonOf(error)
  if (error instanceof TooLarge || reason === 'HPE_HEADER_OVERFLOW') {
    return because(outboundRefusals.endpoint_answer_too_large({ host, maxResponseBytes }), error)
  }
  const refusal = connected
    ? outboundRefusals.endpoint_broke_off({ host, reason, timeoutMs })
    : outboundRefusals.url_unreachable({ host, reason })
  return because(refusal, error)
}

/** A short word such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`; never a message, which would name inner addresses. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : 'no answer'
}

/** Keeps the technical cause for our log; it is never shown. */
export function because<E extends Error>(refusal: E, cause: unknown): E {
  refusal.cause = cause
  return refusal
}
