import ipaddr from 'ipaddr.js'

/**
 * Where an address leads: to the public internet, to this machine, or somewhere a stranger must never send us. `range`
 * says why, in words for a refusal.
 */
export interface Reach {
  readonly kind: 'public' | 'loopback' | 'closed'
  readonly range: string
}

/** Addresses that are unicast by the registries and still not the public internet's to give. */
const PLATFORM_ADDRESSES = new Set([
  '168.63.129.16', // Azure: the host's own wire server, from inside any of its machines
])

/** IPv6 handed out to the public (RFC 4291): an allow-list, as ipaddr.js calls everything unlisted unicast. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * IPv4 carried inside IPv6 (mapped, NAT64, 6to4, Teredo) counts as closed even when the inner address is public: a
 * caller with a public IPv4 address can simply write it down.
 */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return { kind: 'closed', range: 'unreadable' }
  const ip = ipaddr.parse(address)
  const range = ip.range()
  if (range === 'loopback') return { kind: 'loopback', range }
  if (PLATFORM_ADDRESSES.has(ip.toString())) return { kind: 'closed', range: 'platform' }
  if (range !== 'unicast') return { kind: 'closed', range: wordsOf(range) }
  if (ip instanceof ipaddr.IPv6 && !ip.match(GLOBAL_UNICAST)) return { kind: 'closed', range: 'reserved' }
  return { kind: 'public', range: 'public' }
}

/** `carrierGradeNat` → `carrier grade nat` */
function wordsOf(range: string): string {
  return range.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
