import { getAddress, isAddress, zeroAddress } from 'viem'

/**
 * An address as every wallet reads it: in mixed case its letters are a checksum (EIP-55), which must be right; lower case
 * stays, upper case gets its checksum. Undefined for anything else, and for the zero address, from which nothing returns.
 */
export function readEvmAddress(text: string): string | undefined {
  if (!isAddress(text, { strict: false }) || text === zeroAddress) return undefined
  const digits = text.slice(2)
  if (digits === digits.toLowerCase()) return text
  const checked = getAddress(text)
  return digits === digits.toUpperCase() || text === checked ? checked : undefined
}
