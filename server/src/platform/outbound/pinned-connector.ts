import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { buildConnector } from 'undici'
import type { Target } from './target.ts'

export interface Pin {
  readonly target: Target
  /** The checked addresses: the only ones a connection may go to. */
  readonly addresses: readonly string[]
  /** Ends the connection at any stage, an unfinished TLS handshake included (undici alone would wait for that). */
  readonly signal: AbortSignal
  /** Last lock, on the address the socket really has. Throws a refusal. */
  readonly checkAddress: (address: string) => void
  readonly onConnected: () => void
}

/** Connects to the checked addresses and nowhere else, with the host's own name in TLS. */
export function pinnedConnector(pin: Pin): buildConnector.connector {
  return (options, callback) => {
    const isTls = options.protocol === 'https:'
    const socket = isTls ? dialTls(pin) : connect(dialOptions(pin))
    const stop = () => socket.destroy(pin.signal.reason)
    const fail = (error: Error) => callback(error, null)
    if (pin.signal.aborted) stop()
    pin.signal.addEventListener('abort', stop, { once: true })
    socket.once('close', () => pin.signal.removeEventListener('abort', stop))
    socket.once('error', fail)
    socket.once('connect', () => checkPeer(pin, socket))
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      if (socket.destroyed) return
      socket.off('error', fail)
      socket.setNoDelay(true)
      pin.onConnected()
      callback(null, socket)
    })
  }
}

function checkPeer(pin: Pin, socket: Socket): void {
  try {
    pin.checkAddress(socket.remoteAddress ?? '')
  } catch (refusal) {
    socket.destroy(refusal as Error)
  }
}

/** `lookup` is not asked for IP literals (net skips it): those were checked as text. */
function dialOptions({ target, addresses }: Pin) {
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const [first] = pinned
    if (options.all) callback(null, pinned)
    else callback(null, first?.address ?? '', first?.family ?? 4)
  }
  return { host: target.host, port: target.port, lookup, autoSelectFamily: true }
}

function dialTls(pin: Pin): Socket {
  const servername = pin.target.isLiteral ? '' : pin.target.host
  return connectTls({ ...dialOptions(pin), servername, ALPNProtocols: ['http/1.1'] })
}
