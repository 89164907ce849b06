/**
 * A chain did not answer, or not sensibly: nothing is known, and nothing was done (D-28). Without its cause, as libraries
 * put the URL of the node into what they throw, and many nodes want their key in it.
 */
export class ChainUnreachable extends Error {
  override readonly name = 'ChainUnreachable'
  /** As whoever asked calls it: `solana`, `eip155:8453`. */
  readonly network: string
  constructor(network: string, cause: unknown) {
    super(`${network} did not answer: ${saidBy(cause)}`)
    this.network = network
  }
}

const URL_LIKE = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"')]+/gi

/** What went wrong, in one line and without where the node stands. */
function saidBy(cause: unknown): string {
  const { message, shortMessage, details } = (cause instanceof Error ? cause : { message: String(cause) }) as Said
  // viem's own words for people; its whole message repeats the request.
  const said = shortMessage === undefined ? message : [shortMessage, details].filter(Boolean).join(' ')
  return (said.split('\n')[0] ?? '').replace(URL_LIKE, '(its node)') || 'it did not say why'
}

interface Said {
  readonly message: string
  readonly shortMessage?: string
  readonly details?: string
}
