import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Parsed where the answer says it is JSON, else undefined. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
}

export interface Ask {
  readonly method: string
  /** As it goes over the wire. */
  readonly path: string
  readonly key?: string | undefined
  readonly body?: object | string | Uint8Array | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** The request went out, or could not; nobody knows what became of it. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

const sockets = new Agent({ keepAlive: true, maxSockets: 256 })
const PATIENCE_MS = 20_000

/** One exchange over a real socket. Rejects with `NoAnswer`, and with nothing else. */
export function exchange(base: string, { method, path, key, body, headers = {} }: Ask): Promise<Reply> {
  const payload =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new NoAnswer(`${method} ${path}: ${error.message}`, { cause: error }))
    const { hostname, port } = new URL(base)
    const sent = httpRequest({
      ...{ hostname, port, method, path, agent: sockets, timeout: PATIENCE_MS },
      headers: {
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)))
    let answered = false
    // A server may answer, and hang up, before it has read everything.
    sent.on('error', (error) => answered || fail(error))
    sent.on('response', (response) => {
      answered = true
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('aborted', () => fail(new Error('the answer broke off')))
      const finish = () =>
        resolve(replyOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks).toString()))
      response.on('end', finish)
      // A stream has no end: what it begins with is the answer.
      if (response.headers['content-type'] !== 'text/event-stream') return
      response.once('data', () => {
        finish()
        response.destroy()
      })
    })
    sent.end(payload)
  })
}

function replyOf(status: number, headers: IncomingHttpHeaders, text: string): Reply {
  const isJson = String(headers['content-type']).includes('json')
  return { status, headers, text, body: isJson ? parsed(text) : undefined }
}

/** The answer to a HEAD says that it is JSON and is empty. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
