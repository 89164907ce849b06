import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutbound, type Outbound, type OutboundOptions } from './index.ts'

const servers: (Server | TcpServer)[] = []
const outbounds: Outbound[] = []

afterEach(() => {
  for (const outbound of outbounds.splice(0)) outbound.close()
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  }
})

function sandbox(options: Partial<OutboundOptions> = {}): Outbound {
  const outbound = createOutbound({ allowLoopback: true, ownPorts: () => [], ...options })
  outbounds.push(outbound)
  return outbound
}

async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

const serve = (handler: RequestListener) => listen(createServer(handler))
const serveRaw = (handler: (socket: Socket) => void) =>
  listen(createTcpServer((socket) => handler(socket.on('error', () => {}))))

describe('an outbound call', () => {
  it('sends method, path, headers and body, and returns the whole answer', async () => {
    const port = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        response.writeHead(201, { 'X-Seen': `${request.method} ${request.url}`, 'set-cookie': ['a=1', 'b=2'] })
        response.end(JSON.stringify({ body, headers: request.headers }))
      })
    })
    const answer = await sandbox().fetch({
      url: `http://localhost:${port}/run?x=1#top`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        Host: 'evil.example',
        'Content-Length': '3',
        Connection: 'keep-alive',
      },
      body: '{"a":1}',
    })
    expect(answer).toMatchObject({ status: 201, headers: { 'x-seen': 'POST /run?x=1', 'set-cookie': 'a=1, b=2' } })
    expect(answer.durationMs).toBeGreaterThanOrEqual(0)
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      body: '{"a":1}',
      headers: {
        host: `localhost:${port}`,
        'content-type': 'application/json',
        connection: 'close',
        'content-length': '7',
      },
    })
  })

  it('does not follow redirects: a 302 to the metadata service is an answer like any other', async () => {
    let calls = 0
    const port = await serve((_request, response) => {
      calls += 1
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end('moved')
    })
    const answer = await sandbox().fetch({ url: `http://127.0.0.1:${port}/` })
    expect(answer).toMatchObject({ status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data' } })
    expect(calls).toBe(1)
  })

  it('goes to the address that was checked, whatever DNS says next (rebinding)', async () => {
    const port = await serve((request, response) => response.end(request.headers.host))
    const answers = [['127.0.0.1'], ['10.0.0.1'], ['169.254.169.254']]
    let asked = 0
    const outbound = sandbox({ resolve: async () => answers[asked++] ?? [] })
    const answer = await outbound.fetch({ url: `http://rebind.example:${port}/` })
    expect([answer.body.toString(), asked]).toEqual([`rebind.example:${port}`, 1])
    await expect(outbound.fetch({ url: `http://rebind.example:${port}/` })).rejects.toMatchObject({
      code: 'url_not_allowed',
    })
  })

  it('tries every checked address', async () => {
    const port = await serve((_request, response) => response.end('here'))
    const outbound = sandbox({ resolve: async () => ['::1', '127.0.0.2', '127.0.0.1'] })
    const answer = await outbound.fetch({ url: `http://many.example:${port}/` })
    expect(answer.body.toString()).toBe('here')
  })

  it('names the host in TLS although it connects to an address', async () => {
    let hello = ''
    const port = await serveRaw((socket) =>
      socket.on('data', (chunk) => {
        hello += chunk.toString('latin1')
        socket.destroy()
      }),
    )
    const outbound = sandbox({ resolve: async () => ['127.0.0.1'] })
    await expect(outbound.fetch({ url: `https://pinned.example:${port}/` })).rejects.toMatchObject({
      code: 'url_unreachable',
    })
    expect(hello).toContain('pinned.example')
  })

  it("never calls the server's own ports, under any name of this machine", async () => {
    const port = await serve((_request, response) => response.end('me'))
    const outbound = sandbox({ ownPorts: () => [port], resolve: async () => ['127.0.0.1'] })
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '[::1]', 'me.example', '0x7f000001']) {
      const url = `http://${host}:${port}/`
      await expect(outbound.checkUrl(url)).rejects.toThrow('this server itself')
      await expect(outbound.fetch({ url })).rejects.toThrow('this server itself')
    }
  })

  it('uses no proxy from the environment', async () => {
    const proxy = await serve((_request, response) => response.end('proxy'))
    const port = await serve((_request, response) => response.end('direct'))
    const before = process.env['http_proxy']
    process.env['http_proxy'] = `http://127.0.0.1:${proxy}`
    try {
      const answer = await sandbox().fetch({ url: `http://127.0.0.1:${port}/` })
      expect(answer.body.toString()).toBe('direct')
    } finally {
      if (before === undefined) delete process.env['http_proxy']
      else process.env['http_proxy'] = before
    }
  })
})

describe('an outbound call ends', () => {
  const limits = { timeoutMs: 150, maxResponseBytes: 1000 }

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['drips its headers', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n')],
    ['drips its body', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x')],
  ])('in time when the endpoint %s', async (_name, handler) => {
    const port = await serveRaw(handler)
    const startedAt = performance.now()
    await expect(sandbox().fetch({ url: `http://127.0.0.1:${port}/`, ...limits })).rejects.toMatchObject({
      code: 'endpoint_too_slow',
      kind: 'unprocessable',
    })
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('in time when TLS is never finished, and when DNS is silent', async () => {
    const port = await serveRaw(() => {})
    const outbound = sandbox({ timeoutMs: 100, resolve: () => new Promise(() => {}) })
    const urls = [`https://127.0.0.1:${port}/`, 'http://silent.example/']
    for (const url of urls) await expect(outbound.fetch({ url })).rejects.toMatchObject({ code: 'endpoint_too_slow' })
  })

  it.each<[string, string]>([
    ['announced', 'HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n'],
    ['chunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n'],
    ['endless', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['in the headers', 'HTTP/1.1 200 OK\r\nx-long: '],
  ])('when the answer is too large: %s', async (name, head) => {
    const port = await serveRaw((socket) => {
      socket.write(head + 'x'.repeat(name === 'in the headers' ? 40_000 : 2000))
    })
    await expect(
      sandbox().fetch({ url: `http://127.0.0.1:${port}/`, maxResponseBytes: 1000, timeoutMs: 2000 }),
    ).rejects.toMatchObject({ code: 'endpoint_answer_too_large' })
  })

  it('with the answer when it is exactly as large as allowed, and not swollen by compression', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'.repeat(1000))
    })
    const answer = await sandbox().fetch({ url: `http://127.0.0.1:${port}/`, ...limits })
    expect(answer.body.toString()).toBe('x'.repeat(1000))
  })

  it.each<[string, string]>([
    ['no answer', ''],
    ['half an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['something else', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('as broken off after %s, since the endpoint may have acted', async (_name, text) => {
    const port = await serveRaw((socket) => socket.once('data', () => socket.end(text)))
    await expect(sandbox().fetch({ url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({
      code: 'endpoint_broke_off',
    })
  })

  it('as unreachable when nobody listens: nothing was sent', async () => {
    const port = await serve(() => {})
    servers.pop()?.close()
    await expect(sandbox().fetch({ url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({
      code: 'url_unreachable',
      details: { host: '127.0.0.1', reason: 'ECONNREFUSED' },
    })
  })

  it('when the outbound is closed', async () => {
    const port = await serveRaw(() => {})
    const outbound = sandbox()
    const call = outbound.fetch({ url: `http://127.0.0.1:${port}/` })
    outbound.close()
    await expect(call).rejects.toThrow('closed')
    await expect(outbound.fetch({ url: `http://127.0.0.1:${port}/` })).rejects.toThrow('closed')
  })
})

function drip(socket: Socket, head: string, drop: string): void {
  socket.write(head)
  const timer = setInterval(() => socket.write(drop), 10)
  socket.on('close', () => clearInterval(timer))
}
