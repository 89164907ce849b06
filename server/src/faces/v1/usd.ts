import { Type } from 'typebox'
import { formatUsdc, type Micros } from '#kernel/money'

const MICROS_A_CENT = 10_000n
const MAX_CENTS = 10_000_000

/** Cents on the way in: a JSON integer, or its string (D-3). */
export const CentsInput = Type.Union(
  [Type.Integer({ minimum: 1, maximum: MAX_CENTS }), Type.String({ pattern: '^[1-9]\\d{0,7}$' })],
  { description: 'Cents: a whole number, or its decimal string. 1 USDC = 100.' },
)

/** What is finer than a cent does not show: such a price is 0 cents or more (PA-24). */
export const CentsView = Type.Integer({ description: 'Whole cents; 0 for what costs less than one.' })

export const UsdView = Type.Number({ description: 'The exact amount in USD, up to six decimals.' })

export function microsOfCents(cents: number | string): Micros {
  return BigInt(cents) * MICROS_A_CENT
}

export function centsView(amount: Micros): number {
  return Number(amount / MICROS_A_CENT)
}

/** The contract shows a JSON number. Up to 15 digits a double prints back the very decimal it was read from. */
export function usdView(amount: Micros): number {
  return Number(formatUsdc(amount))
}
