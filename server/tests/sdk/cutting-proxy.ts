import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands before a market, and cuts off whom it is told to, when the market has answered. */
export interface CuttingProxy {
  readonly url: string
  /** Every request that came, in order, with its payment. */
  readonly seen: { path: string; payment: string | null }[]
  /** How many answers were lost. */
  lost(): number
  close(): void
}

/** Whether this request is cut off. */
export type Cut = (asked: { readonly path: string; readonly payment: string | null }) => boolean

export interface Cuts {
  /** Before the market hears of it. */
  readonly arrived?: Cut
  /** When the market has answered. */
  readonly answered?: Cut
}

export async function openCuttingProxy(target: string, { arrived, answered }: Cuts): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const seen: CuttingProxy['seen'] = []
  let lost = 0
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const payment = request.headers['payment-signature']
    const asked = { path: request.url ?? '/', payment: typeof payment === 'string' ? payment : null }
    seen.push(asked)
    if (arrived?.(asked)) return request.socket.destroy()
    const { status, headers, body } = await forward(request, { hostname, port })
    if (answered?.(asked)) {
      lost++
      request.socket.destroy()
    } else response.writeHead(status, headers).end(body)
  }
  const server = createServer((request, response) => void pass(request, response).catch(() => request.socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    lost: () => lost,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Waits for the whole answer: what is cut afterwards has happened. */
function forward(request: IncomingMessage, place: { hostname: string; port: string }): Promise<Reply> {
  const { method, url: path, headers } = request
  return new Promise((resolve, reject) => {
    const onward = send({ ...place, method, path, headers }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.once('error', reject)
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(parts) }),
      )
    })
    onward.once('error', reject)
    request.pipe(onward)
  })
}

/** Cuts the first answer to each payment. */
export function firstOfEachPayment(): Cut {
  const known = new Set<string>()
  return ({ payment }) => {
    if (payment === null || known.has(payment)) return false
    known.add(payment)
    return true
  }
}
