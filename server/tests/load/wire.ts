import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Request {
  readonly path: string
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const HEAD_END = '\r\n\r\n'

/**
 * One keep-alive connection that posts JSON and waits for the answer, one at a time. It does far less than a real client
 * must, because it runs on the processors of the server that it measures.
 */
export async function openWire(host: string, port: number): Promise<Wire> {
  const socket = connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new Wire(socket, `${host}:${port}`)
}

export class Wire {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer = Buffer.alloc(0)
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')))
  }

  post({ path, key, body, headers = {} }: Request): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const type = body === undefined ? '' : 'content-type: application/json\r\n'
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const who = key === undefined ? '' : `authorization: Bearer ${key}\r\n`
    const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${who}${type}${more.join('')}`
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(`${head}content-length: ${Buffer.byteLength(text)}${HEAD_END}${text}`)
    })
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.#waiting?.reject(new Error(`an answer without a length: ${head}`))
      return
    }
    const [from, to] = [headEnd + HEAD_END.length, headEnd + HEAD_END.length + Number(length)]
    if (this.#received.length < to) return
    const body: unknown = JSON.parse(this.#received.toString('utf8', from, to))
    this.#received = this.#received.subarray(to)
    this.#waiting?.resolve({ status: Number(head.slice(9, 12)), body })
  }
}
