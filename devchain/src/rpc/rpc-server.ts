import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BrokenPipeline } from './fault-plan.ts'
import { INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError } from './rpc-error.ts'

const MAX_BODY_BYTES = 512 * 1024
const MAX_BATCH = 100

export type RpcMethod = (params: readonly unknown[]) => unknown
export type RpcMethods = Readonly<Record<string, RpcMethod>>
/** Looks up what answers to a name; undefined where nothing does. */
export type FindMethod = (name: string) => RpcMethod | undefined

interface Listening {
  readonly methods: RpcMethods | FindMethod
  readonly host: string
  /** Tried in order; 0 takes any free one. */
  readonly ports: readonly number[]
}

export async function serveRpc({ methods, host, ports }: Listening): Promise<{ port: number; close(): Promise<void> }> {
  const find = typeof methods === 'function' ? methods : among(methods)
  const server = createServer((request, response) => {
    answer(find, request, response).catch((cause: unknown) => {
      if (!response.headersSent) response.writeHead(cause instanceof BrokenPipeline ? 503 : 500)
      response.end(cause instanceof BrokenPipeline ? 'upstream connect error' : 'internal error')
    })
  })
  server.keepAliveTimeout = 30_000
  await listen(server, host, [...ports])
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const among =
  (methods: RpcMethods): FindMethod =>
  (name) =>
    Object.hasOwn(methods, name) ? methods[name] : undefined

async function listen(server: Server, host: string, ports: number[]): Promise<void> {
  const port = ports.shift() ?? 0
  const taken = await new Promise<unknown>((resolve) => {
    server.once('error', resolve)
    server.listen(port, host, () => {
      server.off('error', resolve)
      resolve(null)
    })
  })
  if (taken === null) return
  if (ports.length === 0) throw taken
  await listen(server, host, ports)
}

async function answer(find: FindMethod, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET' && request.url === '/health') return void response.end('ok')
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end('use POST')
  const body = await readBody(request)
  if (body === null) return void response.writeHead(413, { connection: 'close' }).end('request body too large')
  const reply = await replyTo(find, body)
  if (reply === undefined) return void response.writeHead(204).end()
  const text = JSON.stringify(reply, exactIntegers)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function replyTo(find: FindMethod, body: string): Promise<unknown> {
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch {
    return failure(null, new RpcError(PARSE_ERROR, 'Parse error'))
  }
  if (!Array.isArray(request)) return replyToOne(find, request)
  if (request.length === 0 || request.length > MAX_BATCH)
    return failure(null, new RpcError(INVALID_REQUEST, 'Invalid request'))
  const replies: unknown[] = []
  for (const one of request) {
    const reply = await replyToOne(find, one)
    if (reply !== undefined) replies.push(reply)
  }
  return replies.length === 0 ? undefined : replies
}

/** undefined for a notification, which asks for no answer. */
async function replyToOne(find: FindMethod, request: unknown): Promise<unknown> {
  if (!isRequest(request)) return failure(null, new RpcError(INVALID_REQUEST, 'Invalid request'))
  const { id, method, params = [] } = request
  try {
    if (!Array.isArray(params)) throw new RpcError(INVALID_REQUEST, 'Invalid request: params must be an array')
    const run = find(method)
    if (run === undefined) throw new RpcError(METHOD_NOT_FOUND, 'Method not found')
    const result = await run(params)
    return id === undefined ? undefined : { jsonrpc: '2.0', result, id }
  } catch (cause) {
    if (cause instanceof BrokenPipeline) throw cause
    return id === undefined ? undefined : failure(id, cause)
  }
}

interface RpcRequest {
  readonly id?: string | number | null
  readonly method: string
  readonly params?: unknown
}

const isRequest = (value: unknown): value is RpcRequest =>
  typeof value === 'object' && value !== null && 'method' in value && typeof value.method === 'string'

function failure(id: RpcRequest['id'], cause: unknown) {
  const known = cause instanceof RpcError ? cause : null
  const message = cause instanceof Error ? cause.message : String(cause)
  const data = known?.data === undefined ? {} : { data: known.data }
  return { jsonrpc: '2.0', error: { code: known?.code ?? INTERNAL_ERROR, message, ...data }, id: id ?? null }
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** u64 values go out as bare integers, as a node writes them. */
const exactIntegers = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? rawJson(value.toString()) : value
