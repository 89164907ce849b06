import { type Address, getAddress, isAddress } from 'viem'
import { invalidParams } from '../../rpc/rpc-error.ts'

export type Options = Readonly<Record<string, unknown>>

const MAX_AMOUNT = 2n ** 128n - 1n

export function optionsParam(value: unknown): Options {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Options
  throw invalidParams('expected an object of options')
}

export function addressParam(value: unknown): Address {
  if (typeof value === 'string' && isAddress(value)) return getAddress(value)
  throw invalidParams('expected an address')
}

export function hexParam(value: unknown): `0x${string}` {
  if (typeof value === 'string' && /^0x([0-9a-f]{2})+$/i.test(value)) return value as `0x${string}`
  throw invalidParams('expected bytes in hex')
}

export function integerParam(value: unknown, name: string, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value
  throw invalidParams(`${name} must be a whole number from 0 to ${most}`)
}

/** An amount: a decimal string, or an integer small enough to be exact in JSON. */
export function amountParam(value: unknown, name: string): bigint {
  const valid =
    (typeof value === 'string' && /^\d{1,40}$/.test(value)) ||
    (typeof value === 'number' && Number.isSafeInteger(value))
  const amount = valid ? BigInt(value) : -1n
  if (amount >= 0n && amount <= MAX_AMOUNT) return amount
  throw invalidParams(`${name} must be a whole number from 0 to ${MAX_AMOUNT}`)
}
