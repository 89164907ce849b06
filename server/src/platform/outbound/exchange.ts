import { Client, type Dispatcher, errors } from 'undici'
import { Refusal } from '#kernel/refusal'
import { outboundRefusals } from './errors.ts'
import { type Pin, pinnedConnector } from './pinned-connector.ts'

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

interface Exchange extends Omit<Pin, 'onConnected'> {
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
export async function exchange(order: Exchange): Promise<Omit<OutboundAnswer, 'durationMs'>> {
  const progress = { connected: false }
  const client = new Client(order.target.url.origin, {
    connect: pinnedConnector({
      ...order,
      onConnected: () => {
        progress.connected = true
      },
    }),
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: order.maxResponseBytes,
  })
  try {
    const { url } = order.target
    const response = await client.request({
      method: order.request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: requestHeaders(order.request.headers ?? {}),
      body: order.request.body ?? null,
      signal: order.signal,
      reset: true,
    })
    const body = Buffer.from(await response.body.arrayBuffer())
    return { status: response.statusCode, headers: responseHeaders(response.headers), body }
  } catch (error) {
    throw refusalFor(error, order, progress.connected)
  } finally {
    await client.destroy()
  }
}

function requestHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !OURS.test(name))
  return { 'user-agent': 'Souk', ...Object.fromEntries(kept) }
}

function responseHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}

function refusalFor(error: unknown, order: Exchange, connected: boolean): unknown {
  const { timeoutMs, maxResponseBytes } = order
  const { host } = order.target
  if (error instanceof Refusal || error instanceof errors.InvalidArgumentError) return error
  if (order.signal.aborted) return order.signal.reason
  if (error instanceof errors.ResponseExceededMaxSizeError || error instanceof errors.HeadersOverflowError) {
    return because(outboundRefusals.endpoint_answer_too_large({ host, maxResponseBytes }), error)
  }
  const reason = reasonOf(error)
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
