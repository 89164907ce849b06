import { isAddress, isOffCurveAddress } from '@solana/kit'

/** The system program, which looks like a wallet and is nobody's. */
const NOBODY = '11111111111111111111111111111111'

/**
 * A wallet on Solana, as every wallet shows it. Not the address of a token account or of a program: those lie off the curve,
 * have no key, and what is sent to them as to a wallet comes back to nobody.
 */
export function isSolanaWallet(text: string): boolean {
  return isAddress(text) && text !== NOBODY && !isOffCurveAddress(text)
}
