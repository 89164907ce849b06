/** Whole micro-units of one asset; 1 USDC = 1_000_000n. Never a float. */
export type Micros = bigint

/** An asset the ledger knows. CREDIT has scale 0 and can never become money (D-3). */
export type Asset = 'USDC' | 'CREDIT'

export const BPS = 10_000n

/** A share of `amount` in basis points, rounded down: what a payee gets (D-5). */
export function shareDown(amount: Micros, bps: number): Micros {
  return (amount * BigInt(bps)) / BPS
}

/** A share of `amount` in basis points, rounded up: a fee on top (D-5). */
export function shareUp(amount: Micros, bps: number): Micros {
  return (amount * BigInt(bps) + BPS - 1n) / BPS
}

/** `1500000n` → `1.50`: at least two decimals, never a hidden unit. */
export function formatUsdc(amount: Micros): string {
  const sign = amount < 0n ? '-' : ''
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, '0')
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '')
  return `${sign}${digits.slice(0, -6)}.${decimals}`
}
