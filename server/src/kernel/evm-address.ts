import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'

const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const ZERO = `0x${'0'.repeat(40)}`
/** A digit of the hash from which on the letter at its place is upper case (EIP-55). */
const UPPER_FROM = 8

/**
 * An address as every wallet reads it: in mixed case its letters are a checksum (EIP-55), which must be right; lower case
 * stays, upper case gets its checksum. Undefined for anything else, and for the zero address, from which nothing returns.
 */
export function readEvmAddress(text: string): string | undefined {
  if (!ADDRESS.test(text) || text === ZERO) return undefined
  const digits = text.slice(2)
  if (digits === digits.toLowerCase()) return text
  const checked = checksummed(digits.toLowerCase())
  return digits === digits.toUpperCase() || text === checked ? checked : undefined
}

function checksummed(digits: string): string {
  const hash = bytesToHex(keccak_256(new TextEncoder().encode(digits)))
  const isUpper = (place: number) => Number.parseInt(hash.charAt(place), 16) >= UPPER_FROM
  return `0x${[...digits].map((digit, place) => (isUpper(place) ? digit.toUpperCase() : digit)).join('')}`
}
