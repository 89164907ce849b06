import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A seller's endpoint that answers what it is asked, after a moment, and counts. */
export interface Seller {
  readonly url: string
  asked(): number
  close(): void
}

const WORK_MS = 20

export async function openSeller(): Promise<Seller> {
  let asked = 0
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    asked++
    await new Promise((resolve) => setTimeout(resolve, WORK_MS))
    response.setHeader('content-type', 'application/json').end(body)
  }
  // The market may die while it asks.
  const server = createServer((request, response) => void answer(request, response).catch(() => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: () => asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
