import { networkInterfaces } from 'node:os'
import { reachOf } from './addresses.ts'
import { outboundRefusals } from './errors.ts'
import { because, exchange, type OutboundAnswer, type OutboundRequest, reasonOf } from './exchange.ts'
import { createDnsResolve, type Resolve } from './resolve.ts'
import { broken, isLocalhost, readTarget, type Target } from './target.ts'

export { outboundRefusals } from './errors.ts'
export type { OutboundAnswer, OutboundRequest } from './exchange.ts'

export interface OutboundOptions {
  /** Sandbox: http and loopback are allowed too. */
  readonly allowLoopback: boolean
  /** Ports this server, its database and its chains listen on: never called on this machine's addresses. */
  readonly ownPorts: () => readonly number[]
  /** What of this server may be called after all: the sandbox's catch-all receiver. */
  readonly ownDoor?: (url: URL) => boolean
  readonly timeoutMs?: number
  readonly maxResponseBytes?: number
  /** For tests; DNS otherwise. */
  readonly resolve?: Resolve
}

/** The only way to call an address that a stranger gave us (PA-29, D-30). */
export interface Outbound {
  /**
   * For when a URL is saved: throws `url_not_allowed` when it breaks a rule now. A name without an address passes, as DNS
   * may be late; it is checked again at every call.
   */
  checkUrl(url: string): Promise<void>
  /** Any status is an answer, 3xx included: redirects are never followed. Throws a refusal of `outboundRefusals`. */
  fetch(request: OutboundRequest): Promise<OutboundAnswer>
  /** Breaks off what is under way; later calls throw. */
  close(): void
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_RESPONSE_BYTES = 64 * 1024
/** At save time DNS is only asked, never waited for. */
const CHECK_TIMEOUT_MS = 1000

export function createOutbound(options: OutboundOptions): Outbound {
  const sandbox = options.allowLoopback
  const resolve = options.resolve ?? createDnsResolve()
  const closing = new AbortController()
  const checkAddress = (target: Target) => (address: string) => assertAllowed(address, target, options)

  return {
    async checkUrl(url) {
      const target = readTarget(url, sandbox)
      const addresses = await within(CHECK_TIMEOUT_MS, target, addressesOf(target, resolve)).catch(() => [])
      addresses.forEach(checkAddress(target))
    },

    async fetch(request) {
      const startedAt = performance.now()
      const target = readTarget(request.url, sandbox)
      const timeoutMs = request.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const maxResponseBytes = request.maxResponseBytes ?? options.maxResponseBytes ?? DEFAULT_RESPONSE_BYTES
      const deadline = new AbortController()
      const signal = AbortSignal.any([deadline.signal, closing.signal])
      const tooSlow = outboundRefusals.endpoint_too_slow({ host: target.host, timeoutMs })
      const timer = setTimeout(() => deadline.abort(tooSlow), timeoutMs)
      try {
        const addresses = await abortable(addressesOf(target, resolve), signal)
        addresses.forEach(checkAddress(target))
        const order = { target, addresses, request, timeoutMs, maxResponseBytes, signal }
        const answer = await exchange({ ...order, checkAddress: checkAddress(target) })
        return { ...answer, durationMs: Math.round(performance.now() - startedAt) }
      } finally {
        clearTimeout(timer)
      }
    },

    close() {
      closing.abort(new Error('outbound calls are closed'))
    },
  }
}

/** Resolved once: the connection goes to these very addresses, so a second DNS answer changes nothing (rebinding). */
async function addressesOf(target: Target, resolve: Resolve): Promise<readonly string[]> {
  const { host } = target
  if (target.isLiteral) return [host]
  if (isLocalhost(host)) return ['127.0.0.1', '::1']
  try {
    const addresses = await resolve(host)
    if (addresses.length === 0) throw new Error('no address')
    return addresses
  } catch (error) {
    throw because(outboundRefusals.url_unreachable({ host, reason: reasonOf(error) }), error)
  }
}

function assertAllowed(address: string, target: Target, options: OutboundOptions): void {
  const { kind, range } = reachOf(address)
  const isOpen = kind === 'public' || (kind === 'loopback' && options.allowLoopback)
  if (!isOpen) {
    const where = kind === 'loopback' ? 'this machine (loopback)' : `an address that is not public (${range})`
    throw broken(`it points to ${where}`)
  }
  const isOwn = options.ownPorts().includes(target.port) && (kind === 'loopback' || isOurs(address))
  if (isOwn && !options.ownDoor?.(target.url)) {
    throw broken('it points to this server itself')
  }
}

function isOurs(address: string): boolean {
  return Object.values(networkInterfaces()).some((cards) => cards?.some((card) => card.address === address))
}

async function within<T>(limitMs: number, target: Target, work: Promise<T>): Promise<T> {
  const tooSlow = outboundRefusals.url_unreachable({ host: target.host, reason: 'DNS' })
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(tooSlow), limitMs)
  return abortable(work, limit.signal).finally(() => clearTimeout(timer))
}

/** `work`, or the signal's reason if that comes first. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    const stop = () => fail(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(done, fail).finally(() => signal.removeEventListener('abort', stop))
  })
}
