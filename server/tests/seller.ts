import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface OpenSeller {
  readonly url: string
  close(): void
}

/** Somebody's HTTP server, on a free port of this machine. */
export async function startSeller(answer: RequestListener): Promise<OpenSeller> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
