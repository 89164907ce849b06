/** USDC as people write it, in whole micro-units: `usdc('0.05')` is 50000n. Finer than a micro-unit is refused, never rounded. */
export function usdc(amount: string): bigint {
  const [, whole = '', part = ''] = /^(\d{1,30})(?:\.(\d{1,6}))?$/.exec(amount) ?? []
  if (whole === '') throw new TypeError(`"${amount}" is no amount of USDC: write it like "0.05"`)
  return BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0'))
}

/** The way back: 50000n is `0.05`. */
export function inUsdc(micros: bigint): string {
  const text = String(micros).padStart(7, '0')
  const part = text.slice(-6).replace(/0+$/, '')
  return part === '' ? text.slice(0, -6) : `${text.slice(0, -6)}.${part}`
}
