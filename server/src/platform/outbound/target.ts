import { isIP } from 'node:net'
import { outboundRefusals } from './errors.ts'

/** A stranger's URL whose text has passed every rule that needs no network. */
export interface Target {
  readonly url: URL
  /** Name without a trailing dot, or an IP address without brackets, as the URL standard normalised it. */
  readonly host: string
  readonly port: number
  readonly isLiteral: boolean
}

const MAX_URL_CHARS = 2048

/** Whatever the URL parser would silently strip or turn into a slash: what we check must be what was written. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const BENT = /[\u0000-\u0020\u007f\\]/

/** Names that mean something only inside somebody's network. */
const INNER_NAMES = /(^|\.)(internal|local|localdomain|lan|intranet|corp|home|arpa|onion)$/

/** Ports from 1024 up that speak something other than HTTP: the fetch standard's list, then databases and caches. */
const OTHER_PROTOCOLS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
  1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 6379, 6443, 9042, 10250, 11211, 27017,
])

/** Reads a stranger's URL; throws `url_not_allowed` naming the rule it breaks. */
export function readTarget(text: string, sandbox: boolean): Target {
  if (text.length > MAX_URL_CHARS) throw broken(`it is longer than ${MAX_URL_CHARS} characters`)
  if (BENT.test(text)) throw broken('it contains a space, a control character or a backslash')
  const url = URL.parse(text)
  if (!url) throw broken('it is not a URL')
  checkScheme(url, sandbox)
  if (url.username || url.password) throw broken('it carries a user name or a password')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  checkPort(port, sandbox)
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const isLiteral = isIP(host) !== 0
  if (!isLiteral) checkName(host, sandbox)
  return { url, host, port, isLiteral }
}

function checkScheme(url: URL, sandbox: boolean): void {
  if (url.protocol === 'https:') return
  if (url.protocol !== 'http:') throw broken(`its scheme is not ${sandbox ? 'http or https' : 'https'}`)
  if (!sandbox) throw broken('it must be https')
}

function checkPort(port: number, sandbox: boolean): void {
  const isWeb = port === 443 || (sandbox && port === 80) || (port >= 1024 && !OTHER_PROTOCOLS.has(port))
  if (!isWeb) throw broken(`port ${port} is not one for HTTP`)
}

function checkName(host: string, sandbox: boolean): void {
  if (isLocalhost(host)) {
    if (!sandbox) throw broken('it points to this machine (loopback)')
    return
  }
  if (!host.includes('.')) throw broken('its host is a name of a private network')
  if (host.split('.').includes('')) throw broken('its host is not a name')
  if (INNER_NAMES.test(host)) throw broken('its host is a name of a private network')
}

/** RFC 6761: these names are loopback by definition and are never looked up. */
export function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/** The URL itself is not repeated: it may hold a password. */
export function broken(rule: string): Error {
  return outboundRefusals.url_not_allowed({ rule })
}
