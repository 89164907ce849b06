import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Target } from './target.ts'

export interface Pin {
  readonly target: Target
  /** The checked addresses: the only ones a connection may go to. */
  readonly addresses: readonly string[]
  /** Ends the connection at any stage, from the first packet to the last byte of an answer. */
  readonly signal: AbortSignal
  /** Last lock, on the address the socket really has. Throws a refusal. */
  readonly checkAddress: (address: string) => void
}

type OnDialled = (error: Error | null, socket?: Socket) => void

/** Connects to the checked addresses and nowhere else, with the host's own name in TLS. */
export function dialPinned(pin: Pin, onDialled: OnDialled): void {
  const isTls = pin.target.url.protocol === 'https:'
  const socket = isTls ? dialTls(pin) : connect(dialOptions(pin))
  const stop = () => socket.destroy(pin.signal.reason)
  if (pin.signal.aborted) stop()
  pin.signal.addEventListener('abort', stop, { once: true })
  socket.once('close', () => pin.signal.removeEventListener('abort', stop))
  // Stays, as between our listener and Node's there is a tick in which an error would end the process.
  socket.on('error', () => {})
  socket.once('error', onDialled)
  socket.once('connect', () => checkPeer(pin, socket))
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    if (socket.destroyed) return
    socket.off('error', onDialled)
    socket.setNoDelay(true)
    onDialled(null, socket)
  })
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
