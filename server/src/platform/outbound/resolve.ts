import { Resolver } from 'node:dns/promises'

/** Every address of a name, IPv4 first; throws when there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/**
 * Asks DNS directly (c-ares), not the system's getaddrinfo: that reads the hosts file and search domains, and it occupies
 * one of Node's four pool threads for as long as a stranger's name server likes to wait.
 */
export function createDnsResolve(): Resolve {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const failure = answers.find((answer) => answer.status === 'rejected')
    if (addresses.length === 0) throw failure?.reason ?? new Error(`no address for ${hostname}`)
    return addresses
  }
}
