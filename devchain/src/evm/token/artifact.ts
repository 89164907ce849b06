import { readFileSync } from 'node:fs'

/** What is kept of a compilation: enough to place the token, to speak to it, and to see that it belongs to its source. */
export interface TokenArtifact {
  readonly compiler: string
  /** SHA-256 of the source, in hex. */
  readonly source: string
  readonly abi: readonly unknown[]
  readonly code: `0x${string}`
}

export const ARTIFACT = new URL('./sandbox-usdc.json', import.meta.url)

export function readArtifact(): TokenArtifact {
  return JSON.parse(readFileSync(ARTIFACT, 'utf8')) as TokenArtifact
}
