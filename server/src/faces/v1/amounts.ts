import { Type } from 'typebox'
import { defineRefusals } from '#kernel/refusal'

const MAX_MICROS = 10n ** 15n

export const amountRefusals = defineRefusals({
  amount_invalid: [
    'invalid',
    '{field} must be a whole number of micro-units',
    'Send a JSON integer or its decimal string: 1 USDC = 1000000.',
  ],
})

/** Micro-units on the way in: a JSON integer, or its string (D-3). */
export const MicrosInput = Type.Union(
  [Type.Integer({ minimum: 0, maximum: Number(MAX_MICROS) }), Type.String({ pattern: '^(0|[1-9]\\d{0,15})$' })],
  { description: 'Micro-units: a whole number, or its decimal string. 1 USDC = 1000000.' },
)

/** Micro-units on the way out: always a decimal string. */
export const MicrosView = Type.String({ description: 'Micro-units. 1 USDC = 1000000.' })

export function microsOf(input: number | string, field = 'amount'): bigint {
  const micros = BigInt(input)
  if (micros < 0n || micros > MAX_MICROS) throw amountRefusals.amount_invalid({ field })
  return micros
}
