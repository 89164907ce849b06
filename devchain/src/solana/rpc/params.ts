import { type Address, getBase58Encoder, isAddress } from '@solana/kit'
import { INVALID_PARAMS, invalidParams, MIN_CONTEXT_SLOT_NOT_REACHED, RpcError } from '../../rpc/rpc-error.ts'
import type { Chain } from '../chain.ts'
import type { Commitment } from '../slots.ts'

export type Options = Readonly<Record<string, unknown>>

const MAX_U64 = 2n ** 64n - 1n

export function addressParam(value: unknown): Address {
  if (typeof value === 'string' && isAddress(value)) return value
  throw invalidParams(typeof value === 'string' ? 'Invalid address' : 'expected an address')
}

export function addressesParam(value: unknown, most: number): Address[] {
  const list = listParam(value)
  if (list.length > most) throw new RpcError(INVALID_PARAMS, `Too many inputs provided; max ${most}`)
  return list.map(addressParam)
}

export function listParam(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw invalidParams('expected an array')
}

export function signatureParam(value: unknown): string {
  try {
    if (typeof value === 'string' && getBase58Encoder().encode(value).length === 64) return value
  } catch {
    throw invalidParams('Invalid signature')
  }
  throw invalidParams('WrongSize')
}

export function stringParam(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw invalidParams(`${name} must be a string`)
}

export function integerParam(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalidParams(`${name} must be a non-negative integer`)
}

/** An amount: a decimal string, or an integer small enough to be exact in JSON. */
export function u64Param(value: unknown, name: string): bigint {
  const valid =
    (typeof value === 'string' && /^\d{1,20}$/.test(value)) ||
    (typeof value === 'number' && Number.isSafeInteger(value))
  const amount = valid ? BigInt(value) : -1n
  if (amount >= 0n && amount <= MAX_U64) return amount
  throw invalidParams(`${name} must be a whole number from 0 to ${MAX_U64}`)
}

export function optionsParam(value: unknown): Options {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Options
  throw invalidParams('expected an object of options')
}

export function commitmentOf(options: Options): Commitment {
  const commitment = options['commitment'] ?? 'finalized'
  if (commitment === 'processed' || commitment === 'confirmed' || commitment === 'finalized') return commitment
  throw invalidParams(`unknown commitment ${String(commitment)}`)
}

/** History is only answered once confirmed, as by a node. */
export function historyCommitmentOf(options: Options): Commitment {
  const commitment = commitmentOf(options)
  if (commitment !== 'processed') return commitment
  throw new RpcError(INVALID_PARAMS, 'Method does not support commitment below `confirmed`')
}

/** Wraps a value with the slot it was read at, refusing a read older than the caller demands. */
export function inContext<T>(chain: Chain, options: Options, value: T) {
  const slot = contextSlot(chain, options)
  return { context: { apiVersion: '2.3.0', slot }, value }
}

export function contextSlot(chain: Chain, options: Options): number {
  const slot = chain.slots.at(commitmentOf(options))
  const least = options['minContextSlot']
  if (typeof least === 'number' && slot < least) {
    throw new RpcError(MIN_CONTEXT_SLOT_NOT_REACHED, 'Minimum context slot has not been reached', { contextSlot: slot })
  }
  return slot
}
