import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getBase58Encoder } from '@solana/kit'

/** A node that stands before the real one: what the issuer of a token or the weather can do to it, and no local chain can. */
export interface RpcProxy {
  readonly rpcUrl: string
  /** From now on this wallet's token account is shown as frozen by the token's issuer. */
  freeze(owner: string): void
  /** Whether it answers at all. */
  setDown(down: boolean): void
  close(): Promise<void>
}

const TOKEN_ACCOUNT_BYTES = 165
const OWNER_AT = 32
const KEY_BYTES = 32
const STATE_AT = 108
const FROZEN = 2
const BASE64_OF_ACCOUNT = /[A-Za-z0-9+/]{220}/g

export async function openRpcProxy(target: string): Promise<RpcProxy> {
  const frozen = new Set<string>()
  let isDown = false
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (isDown) return void request.socket.destroy()
    const body = Buffer.concat(chunks)
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(withFrozen(await answer.text(), frozen))
  }
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: (owner) => void frozen.add(Buffer.from(getBase58Encoder().encode(owner)).toString('hex')),
    setDown: (down) => {
      isDown = down
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** In the text itself: reading and writing it again would spoil numbers that no double holds. */
function withFrozen(text: string, frozen: ReadonlySet<string>): string {
  return text.replace(BASE64_OF_ACCOUNT, (base64) => {
    const bytes = Buffer.from(base64, 'base64')
    const owner = bytes.subarray(OWNER_AT, OWNER_AT + KEY_BYTES).toString('hex')
    if (bytes.length !== TOKEN_ACCOUNT_BYTES || !frozen.has(owner)) return base64
    bytes[STATE_AT] = FROZEN
    return bytes.toString('base64')
  })
}
